import type { Reduction, Walk } from '../../hdl/reduction.ts';
import { type Rescaling, sumCode } from '../../hdl/sum-code.ts';
import type { Attrs } from '../../ir/graph.ts';
import { sizeOf } from '../../ir/tensor.ts';
import type { Layer } from '../operator.ts';

export interface PoolAttrs extends Attrs {
  readonly function: 'max' | 'sum';
  readonly channels: number;
  /** Channels in one cycle; divides them. */
  readonly pe: number;
  /** Positions of a window in one cycle; divides k. */
  readonly simd: number;
  /** What becomes of a sum, an average with rounding, and the name of its type; the sum itself goes out where it is left out. */
  readonly average?: Rescaling & { readonly output: string };
}

/** Positions of a window, beats of a group of channels, groups of a window, windows of a frame. */
export interface PoolSizes {
  readonly positions: number;
  readonly beats: number;
  readonly groups: number;
  readonly windows: number;
}

export function sizesOf({ inputs, attrs }: Layer<PoolAttrs>): PoolSizes {
  const { shape } = inputs[0]!.type;
  const positions = shape.at(-1)! / attrs.channels;
  const windows = sizeOf(shape) / shape.at(-1)!;
  return { positions, beats: positions / attrs.simd, groups: attrs.channels / attrs.pe, windows };
}

/** The layer as a reduction of a group's beats to one, again and again. */
export function reductionOf(layer: Layer<PoolAttrs>): Reduction {
  const { positions, beats } = sizesOf(layer);
  const { pe, simd, average } = layer.attrs;
  const input = layer.inputs[0]!.type.dtype;
  const walk: Walk = { rows: 1, columns: beats, kernelRows: 1, kernelColumns: beats, folds: 1 };
  const lanes = Array.from({ length: pe }, (_, c) => Array.from({ length: simd }, (_position, p) => p * pe + c));
  const common = { walk, input, lanes, memory: 'register' } as const;
  if (layer.attrs.function === 'sum')
    return { ...common, kind: 'sum', ...sumCode(input, positions, layer.types[0]!.dtype, average) };
  return { ...common, kind: 'max', bits: input.bits, begin: 0n, outputBits: input.bits, computed: false };
}
