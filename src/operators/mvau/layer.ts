import { bug } from '../../diagnostics/diagnostic.ts';
import type { DataType } from '../../ir/datatype.ts';
import type { ConstantValue, Node } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { product } from '../../util/maths.ts';
import type { Pixels } from '../pixels.ts';

export interface MvauAttrs extends Pixels {
  /** Neurons in one cycle; divides MH. */
  readonly pe: number;
  /** Inputs of a neuron in one cycle; divides MW. */
  readonly simd: number;
  /** Where the weights lie. */
  readonly memory: 'auto' | 'lut' | 'block';
  /** An output is scale · (thresholds reached) + bias. FINN's ActVal. */
  readonly bias: number;
  readonly scale: number;
  /** Names of the types of the accumulator and of the output (the same without thresholds). */
  readonly accumulator: string;
  readonly output: string;
}

/** The sizes and constants of an MVAU. */
export interface Mvau {
  readonly mw: number;
  readonly mh: number;
  readonly pe: number;
  readonly simd: number;
  /** Neuron folds, MH/PE, and synapse folds, MW/SIMD. */
  readonly nf: number;
  readonly sf: number;
  /** Vectors of one frame. */
  readonly vectors: number;
  readonly input: DataType;
  readonly output: DataType;
  /** (MW, MH). */
  readonly weights: Tensor;
  /** (MH or 1, steps). */
  readonly thresholds: Tensor | undefined;
  readonly scale: number;
  readonly bias: number;
  readonly memory: 'auto' | 'lut' | 'block';
}

/** Reads an MVAU off its node, which `infer` has checked. */
export function mvauOf(layer: Node<MvauAttrs>): Mvau {
  const [x, w, t] = layer.inputs;
  const { pe, simd, memory, scale, bias } = layer.attrs;
  if (!x || w?.kind !== 'constant') bug('an MVAU without constant weights');
  const weights = (w as ConstantValue).tensor;
  const [mw, mh] = weights.shape as [number, number];
  const output = layer.types[0]!.dtype;
  const thresholds = t?.kind === 'constant' ? t.tensor : undefined;
  const vectors = product(x.type.shape) / mw;
  const sizes = { mw, mh, pe, simd, nf: mh / pe, sf: mw / simd, vectors };
  return { ...sizes, input: x.type.dtype, output, weights, thresholds, scale, bias, memory };
}
