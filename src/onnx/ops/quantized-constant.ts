import { type DataType, FLOAT32 } from '../../ir/datatype.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { reshaped, sizeOf, stridesOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { clipBounds } from './activation.ts';
import { expand } from './broadcast.ts';
import { Site } from './define.ts';
import { Flatten, permutation, Reshape, Squeeze, Transpose, transpose, Unsqueeze } from './movement.ts';
import { BipolarQuant, IntQuant, Quant, type QuantParameters, quantizeIntegers, quantParameters } from './quant.ts';
import { DequantizeLinear, linearParameters, QuantizeLinear, quantizedType } from './quantize-linear.ts';

/** A constant as integers: its values are exactly (integers − zeroPoint)·scale, each operation rounded to binary32. */
export interface QuantizedConstant {
  /** Typed by the quantiser: BIPOLAR, INT<bits> or UINT<bits>. */
  readonly integers: Tensor;
  /** Each broadcasts to the shape of `integers`. */
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
}

const siteOf = (node: Node): Site =>
  new Site(node.op.name, node.inputs, node.attrs, { origin: node.origin, outputs: node.types.length });

/**
 * The parameters of the quantiser that ends in `node`: Quant, IntQuant, BipolarQuant, or the DequantizeLinear of a chain QuantizeLinear →
 * (Clip) → DequantizeLinear with equal scales and zero points; with the value that is quantised. Undefined for anything else.
 */
export function quantiserAt(node: Node): { readonly of: Value; readonly parameters: QuantParameters } | undefined {
  if (node.op === Quant || node.op === IntQuant || node.op === BipolarQuant) {
    return { of: node.inputs[0]!, parameters: quantParameters(node) };
  }
  if (node.op !== DequantizeLinear) return undefined;
  const from = node.inputs[0]!;
  if (from.kind !== 'node') return undefined;
  const clip = from.node.op.domain === '' && from.node.op.name === 'Clip' ? from.node : undefined;
  const before = clip ? clip.inputs[0]! : from;
  if (before.kind !== 'node' || before.node.op !== QuantizeLinear) return undefined;
  const site = siteOf(before.node);
  const p = linearParameters(site, quantizedType(site));
  const q = linearParameters(siteOf(node), p.dtype);
  if (!sameNumbers(p.scale, q.scale) || !sameNumbers(p.zeroPoint, q.zeroPoint)) return undefined;
  return { of: before.node.inputs[0]!, parameters: clip ? clipped(p, clip, from.type.dtype) : p };
}

function clipped(p: QuantParameters, clip: Node, dtype: DataType): QuantParameters {
  const [low = p.min, high = p.max] = clipBounds(siteOf(clip));
  const [min, max] = [Math.max(p.min, low), Math.min(p.max, high)];
  return {
    ...p,
    min,
    max,
    dtype,
    bits: dtype.bits,
    signed: dtype.signed,
    narrow: dtype.max !== max || dtype.min !== min,
  };
}

const sameNumbers = (a: Tensor, b: Tensor): boolean =>
  a.data.length === b.data.length && a.data.every((v, i) => v === b.data[i]);

/**
 * The integers behind a value that only a quantised constant, and movement of it (Transpose, Reshape, Flatten, Squeeze, Unsqueeze), makes;
 * a constant of an integer type is its own integers, with scale 1. Undefined for anything else.
 */
export function quantizedConstant(value: Value): QuantizedConstant | undefined {
  if (value.kind === 'constant') {
    if (!value.tensor.dtype.integer) return undefined;
    return { integers: value.tensor, scale: number(1), zeroPoint: number(0) };
  }
  if (value.kind !== 'node') return undefined;
  const { node } = value;
  const moved = movedConstant(node);
  if (moved) return moved;
  const quantiser = quantiserAt(node);
  if (quantiser?.of.kind === 'constant') {
    const { parameters, of } = quantiser;
    return {
      integers: quantizeIntegers(of.tensor, parameters),
      scale: parameters.scale,
      zeroPoint: parameters.zeroPoint,
    };
  }
  const from = node.inputs[0];
  if (node.op === DequantizeLinear && from?.kind === 'constant') {
    const { scale, zeroPoint } = linearParameters(siteOf(node), from.tensor.dtype);
    return { integers: from.tensor, scale, zeroPoint };
  }
  return undefined;
}

function movedConstant(node: Node): QuantizedConstant | undefined {
  const movers = [Transpose, Reshape, Flatten, Squeeze, Unsqueeze];
  if (!movers.includes(node.op)) return undefined;
  const inner = quantizedConstant(node.inputs[0]!);
  if (!inner) return undefined;
  const from = inner.integers.shape;
  const shape = node.types[0]!.shape;
  if (node.op === Transpose) {
    const perm = permutation(siteOf(node));
    const turn = (x: Tensor): Tensor =>
      x.data.length === 1 ? reshaped(x, []) : transpose(aligned(x, from.length), perm);
    return { integers: transpose(inner.integers, perm), scale: turn(inner.scale), zeroPoint: turn(inner.zeroPoint) };
  }
  const bend = (x: Tensor): Tensor => {
    if (x.data.length === 1) return reshaped(x, []);
    return squeezed(reshaped(expand(x, from), shape));
  };
  return { integers: reshaped(inner.integers, shape), scale: bend(inner.scale), zeroPoint: bend(inner.zeroPoint) };
}

const number = (value: number): Tensor => tensor(FLOAT32, [], [value]);
const aligned = (x: Tensor, rank: number): Tensor =>
  reshaped(x, [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape]);

/** The same numbers with every axis along which nothing changes shrunk to 1. */
function squeezed(x: Tensor): Tensor {
  let out = x;
  for (let axis = 0; axis < x.shape.length; axis += 1) {
    const n = out.shape[axis]!;
    const stride = stridesOf(out.shape)[axis]!;
    const first = (i: number): number => i - (Math.floor(i / stride) % n) * stride;
    if (!out.data.every((v, i) => v === out.data[first(i)])) continue;
    const shape = out.shape.with(axis, 1);
    const size = sizeOf(shape);
    const data = new Float32Array(size);
    let at = 0;
    for (let i = 0; i < out.data.length; i += 1) if (first(i) === i) data[at++] = out.data[i]!;
    out = tensor(x.dtype, shape, data);
  }
  return out;
}
