import { bug } from '../../diagnostics/diagnostic.ts';
import type { DataType } from '../../ir/datatype.ts';
import type { ConstantValue, Node } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { product } from '../../util/maths.ts';
import type { Activation } from '../fused-thresholds.ts';
import type { Pixels } from '../pixels.ts';

export interface VvauAttrs extends Pixels, Activation {
  /** Channels in one cycle; divides C. */
  readonly pe: number;
  /** Positions of the window in one cycle; divides k. */
  readonly simd: number;
  /** Where the weights lie. */
  readonly memory: 'auto' | 'lut' | 'block';
  /** Name of the type of the sums; that of the output too where no thresholds follow. */
  readonly accumulator: string;
}

/** The sizes and constants of a VVAU. */
export interface Vvau {
  readonly channels: number;
  /** Positions of a window, k. */
  readonly positions: number;
  readonly pe: number;
  readonly simd: number;
  /** Groups of channels, C/PE, and beats of a group, k/SIMD. */
  readonly groups: number;
  readonly beats: number;
  /** Windows of one frame. */
  readonly windows: number;
  readonly input: DataType;
  readonly output: DataType;
  /** (k, C). */
  readonly weights: Tensor;
  /** (C or 1, steps). */
  readonly thresholds: Tensor | undefined;
  readonly scale: number;
  readonly bias: number;
  readonly memory: 'auto' | 'lut' | 'block';
}

/** Reads a VVAU off its node, which `infer` has checked. */
export function vvauOf(layer: Node<VvauAttrs>): Vvau {
  const [x, w, t] = layer.inputs;
  const { pe, simd, memory, scale, bias } = layer.attrs;
  if (!x || w?.kind !== 'constant') bug('a VVAU without constant weights');
  const weights = (w as ConstantValue).tensor;
  const [positions, channels] = weights.shape as [number, number];
  const thresholds = t?.kind === 'constant' ? t.tensor : undefined;
  const windows = product(x.type.shape) / (positions * channels);
  const folding = { pe, simd, groups: channels / pe, beats: positions / simd };
  const types = { input: x.type.dtype, output: layer.types[0]!.dtype };
  return { channels, positions, windows, weights, thresholds, scale, bias, memory, ...folding, ...types };
}
