import type { Attrs } from '../../ir/graph.ts';
import { sizeOf } from '../../ir/tensor.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Layer } from '../operator.ts';

export interface LabelSelectAttrs extends Attrs {
  /** How many labels are given. */
  readonly k: number;
  /** Elements of the last axis. */
  readonly labels: number;
  /** Elements in one cycle; divides the labels. */
  readonly pe: number;
  /** 0 if the last axis is dropped, which only k = 1 allows. */
  readonly keepdims: 0 | 1;
}

export interface LabelSelectSizes {
  readonly k: number;
  readonly pe: number;
  /** Beats of a vector. */
  readonly folds: number;
  readonly vectors: number;
  /** Bits of an element, of the number of a beat, and of a label on the output. */
  readonly bits: number;
  readonly placeBits: number;
  readonly labelBits: number;
  /** Records that a lane keeps: it sees `folds` elements and can win at most `k` times. */
  readonly entries: number;
}

export function sizesOf({ inputs: [x], attrs: { k, pe }, types }: Layer<LabelSelectAttrs>): LabelSelectSizes {
  const { dtype, shape } = x!.type;
  const labels = shape.at(-1)!;
  const folds = labels / pe;
  return {
    k,
    pe,
    folds,
    vectors: sizeOf(shape) / labels,
    bits: dtype.bits,
    placeBits: Math.max(1, log2Ceil(folds)),
    labelBits: types[0]!.dtype.bits,
    entries: Math.min(k, folds),
  };
}
