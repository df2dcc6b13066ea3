import type { Reduction, RunningMemory } from '../../hdl/reduction.ts';
import { sumCode } from '../../hdl/sum-code.ts';
import type { Attrs } from '../../ir/graph.ts';
import type { Layer } from '../operator.ts';

export interface GlobalAccPoolAttrs extends Attrs {
  /** Channels in one cycle; divides them. */
  readonly pe: number;
  /** 1: the output is [1, 1, 1, C]; 0: [1, C]. */
  readonly keepdims: 0 | 1;
  /** Where the sums so far wait. */
  readonly memory: RunningMemory;
}

/** The layer as a reduction of all pixels, in a row, to one. */
export function reductionOf({ inputs, attrs, types }: Layer<GlobalAccPoolAttrs>): Reduction {
  const { dtype, shape } = inputs[0]!.type;
  const [, height, width, channels] = shape as [number, number, number, number];
  const { pe, memory } = attrs;
  const pixels = height * width;
  const walk = { rows: 1, columns: pixels, kernelRows: 1, kernelColumns: pixels, folds: channels / pe };
  const lanes = Array.from({ length: pe }, (_, channel) => [channel]);
  return { walk, kind: 'sum', input: dtype, lanes, memory, ...sumCode(dtype, pixels, types[0]!.dtype) };
}
