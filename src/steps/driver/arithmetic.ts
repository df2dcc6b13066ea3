import { FLOAT32, FLOAT64 } from '../../ir/datatype.ts';
import type { Node, TensorType } from '../../ir/graph.ts';
import { scalar, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { clipBounds } from '../../onnx/ops/activation.ts';
import { rounder } from '../../onnx/ops/define.ts';
import { transpose } from '../../onnx/ops/movement.ts';
import type { HostRule, HostWriter, Operand, Options } from './program.ts';
import { siteOf } from './site.ts';

/** A number as a constant of any step. */
export const number = (value: number): Tensor => scalar(FLOAT64, value);

const all = (reads: readonly (Operand | undefined)[]): readonly Operand[] | undefined =>
  reads.every((read) => read !== undefined) ? reads : undefined;

/** A node that is one step of the same inputs. */
export const one =
  (op: string, optionsOf: (node: Node) => Options = () => ({})): HostRule =>
  (node, reads, writer) => {
    const given = all(reads);
    return given && [writer.step(op, given, node.types[0]!, optionsOf(node))];
  };

/** A node of any number of inputs, two by two. */
export const inTurn =
  (op: string): HostRule =>
  (node, reads, writer) => {
    const [first, ...rest] = all(reads) ?? [];
    if (first === undefined) return undefined;
    return [rest.reduce((value: Operand, read) => writer.step(op, [value, read], node.types[0]!), first)];
  };

/** x / y; between two INT64 cut off toward 0. */
export const divide: HostRule = (node, reads, writer) => {
  const given = all(reads);
  const type = node.types[0]!;
  if (!given) return undefined;
  if (!type.dtype.integer) return [writer.step('div', given, type)];
  return [writer.step('trunc', [writer.step('div', given, { ...type, dtype: FLOAT64 })], type)];
};

export const clip: HostRule = (node, [x], writer) => {
  const [min, max] = clipBounds(siteOf(node));
  return x === undefined ? undefined : [clipped(writer, x, node.types[0]!, min ?? -Infinity, max ?? Infinity)];
};

/** min(max(x, least), most); infinite bounds are none. */
export function clipped(writer: HostWriter, x: Operand, type: TensorType, least: number, most: number): Operand {
  let value = x;
  if (least !== -Infinity) value = writer.step('max', [value, number(least)], type);
  if (most !== Infinity) value = writer.step('min', [value, number(most)], type);
  return value;
}

export const hardTanh: HostRule = (node, [x], writer) => {
  const site = siteOf(node);
  if (x === undefined) return undefined;
  return [clipped(writer, x, node.types[0]!, site.number('min_val', -1), site.number('max_val', 1))];
};

export const hardSigmoid: HostRule = (node, [x], writer) => {
  const site = siteOf(node);
  const type = node.types[0]!;
  if (x === undefined) return undefined;
  const slope = writer.step('mul', [x, number(site.number('alpha', Math.fround(0.2)))], type);
  return [clipped(writer, writer.step('add', [slope, number(site.number('beta', 0.5))], type), type, 0, 1)];
};

/** slope · x where x is negative. */
export const leaky: HostRule = (node, [x, slope], writer) => {
  const type = node.types[0]!;
  const by = slope ?? number(siteOf(node).number('alpha', Math.fround(0.01)));
  if (x === undefined) return undefined;
  const negative = writer.step('less', [x, number(0)], { dtype: FLOAT64, shape: writer.typeOf(x).shape });
  return [writer.step('where', [negative, writer.step('mul', [x, by], type), x], type)];
};

export const cast: HostRule = (node, [x], writer) => {
  const { dtype, shape } = node.types[0]!;
  if (x === undefined) return undefined;
  const from = writer.typeOf(x).dtype;
  if (dtype === from) return [x];
  // What is in an integer type already, and stays in it.
  const holds = from.integer && dtype.integer && dtype.min <= from.min && dtype.max >= from.max;
  if (!dtype.integer || holds) return [writer.step('reshape', [x], { dtype, shape })];
  if (dtype.bits === 1 && !dtype.signed) return [writer.step('not_equal', [x, number(0)], { dtype, shape })];
  return [writer.step('wrap', [x], { dtype, shape }, { bits: dtype.bits, signed: dtype.signed })];
};

/** x · a + b for each channel, where a = scale/√(variance + ε) and b = bias − mean · a, each operation rounded. */
export const batchNormalization: HostRule = (node, reads, writer) => {
  const [x, ...parameters] = reads;
  const type = node.types[0]!;
  if (x === undefined || !parameters.every((p) => typeof p === 'object')) return undefined;
  const [scale, bias, mean, variance] = parameters as [Tensor, Tensor, Tensor, Tensor];
  const round = rounder(type.dtype);
  const epsilon = round(siteOf(node).number('epsilon', 1e-5));
  const shape = [sizeOf(scale.shape), ...type.shape.slice(2).map(() => 1)];
  const slopes = Float64Array.from(scale.data, (s, c) =>
    round(s * round(1 / round(Math.sqrt(round(variance.data[c]! + epsilon))))),
  );
  const shifts = slopes.map((a, c) => round(bias.data[c]! - round(mean.data[c]! * a)));
  const slope = tensor(FLOAT64, shape, slopes);
  const product = writer.step('mul', [x, slope], { dtype: type.dtype, shape: type.shape });
  return [writer.step('add', [product, tensor(FLOAT64, shape, shifts)], type)];
};

/** (α·A)·B + β·C, of matrices; each operation rounded. */
export const gemm: HostRule = (node, [a, b, c], writer) => {
  const site = siteOf(node);
  const type = node.types[0]!;
  if (a === undefined || b === undefined) return undefined;
  const flipped = (x: Operand, name: string): Operand => {
    if (!site.flag(name, false)) return x;
    if (typeof x === 'object') return transpose(x, [1, 0]);
    const { dtype, shape } = writer.typeOf(x);
    return writer.step('transpose', [x], { dtype, shape: [shape[1]!, shape[0]!] }, { perm: [1, 0] });
  };
  const [alpha, beta] = [site.number('alpha', 1), site.number('beta', 1)];
  let y = writer.step('matmul', [flipped(a, 'transA'), flipped(b, 'transB')], type);
  if (alpha !== 1) y = writer.step('mul', [y, number(alpha)], type);
  if (c === undefined) return [y];
  const real = { dtype: type.dtype.integer ? FLOAT32 : type.dtype, shape: writer.typeOf(c).shape };
  return [writer.step('add', [y, beta === 1 ? c : writer.step('mul', [c, number(beta)], real)], type)];
};

/** A product of matrices, or of batches of them; vectors are none. */
export const matMul: HostRule = (node, reads, writer) => {
  const given = all(reads);
  if (!given || given.some((read) => writer.typeOf(read).shape.length < 2)) return undefined;
  return [writer.step('matmul', given, node.types[0]!)];
};
