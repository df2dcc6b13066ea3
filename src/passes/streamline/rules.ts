import { BIPOLAR, FLOAT64, int, parseDataType, smallest, uint } from '../../ir/datatype.ts';
import type { Node, Op } from '../../ir/graph.ts';
import { output, type Value } from '../../ir/graph.ts';
import { scalar, type Tensor, tensor } from '../../ir/tensor.ts';
import { activation } from '../../onnx/ops/activation.ts';
import { elementwise } from '../../onnx/ops/elementwise.ts';
import { limits, truncParameters } from '../../onnx/ops/quant.ts';
import { onnx, qonnx } from '../ops.ts';
import { type Carried, combine, isScalar, mapped, refuse, ZERO } from './carried.ts';
import { constantTensor } from './constants.ts';
import { convolutionRule } from './convolution.ts';
import { elementwiseRule } from './elementwise.ts';
import { im2colRule } from './im2col.ts';
import { addRule, concatRule, extremeRule, productRule, settled } from './join.ts';
import { insideImages } from './layout.ts';
import { matMulRule } from './linear.ts';
import { lookupRule } from './lookup.ts';
import { identityRule, movementRule, padRule } from './movement.ts';
import { averagePoolRule, globalAverageRule, maxPoolRule, quantAveragePoolRule } from './pooling.ts';
import { type Levels, quantiserRule } from './quantisers.ts';
import { isPlain } from './real.ts';
import { onHost, type Rule } from './rule.ts';
import { selectionRule } from './selection.ts';

/** A parameter of a quantiser, which has to be known at build time. */
function parameter(node: Node, position: number, what: string): Tensor {
  const value = node.inputs[position];
  const t = value && constantTensor(value);
  return t
    ? tensor(FLOAT64, t.shape, Float64Array.from(t.data))
    : refuse(node, `its ${what} depends on the input`, 'make it constant');
}

/** QONNX Quant: k = q − zero point, for q in the range of bitwidth, signed and narrow (finn-facts C.4). */
function quantLevels(node: Node): Levels {
  const scale = parameter(node, 1, 'scale');
  const zero = parameter(node, 2, 'zero point');
  const bitwidth = parameter(node, 3, 'bit width');
  if (!isScalar(bitwidth) || !isScalar(zero))
    refuse(node, 'its bit width or zero point differs from channel to channel', 'use one');
  const bits = bitwidth.data[0]!;
  const [isSigned, isNarrow] = [Number(node.attrs['signed'] ?? 1) !== 0, Number(node.attrs['narrow'] ?? 0) !== 0];
  const z = zero.data[0]!;
  const isBipolar = bits === 1 && isSigned;
  const { min, max } = isBipolar ? { min: -1, max: 1 } : limits(bits, isSigned, isNarrow);
  const step = isBipolar ? 2 : 1;
  const own = isBipolar ? BIPOLAR : isSigned ? int(bits) : uint(bits);
  // A zero point between two integers leaves them where they are, and shifts the reals.
  if (!Number.isInteger(z)) return { scale, offset: mapped(scale, (s) => -s * z), min, max, step, dtype: own };
  const dtype = z === 0 ? own : smallest(min - z, max - z);
  return { scale, offset: ZERO, min: min - z, max: max - z, step, dtype };
}

/** MultiThreshold: k = count, moved by out_bias where that is a whole number of out_scale. */
function multiThresholdLevels(node: Node): Levels {
  const steps = parameter(node, 1, 'thresholds').shape[1] ?? 0;
  const scale = Number(node.attrs['out_scale'] ?? 1);
  const bias = Number(node.attrs['out_bias'] ?? 0);
  if (scale === 0) refuse(node, 'its out_scale is 0', 'use a scale other than 0');
  const declared = parseDataType(String(node.attrs['out_dtype'] ?? ''));
  if (steps === 1 && scale === 2 * -bias)
    return { scale: scalar(FLOAT64, scale / 2), offset: ZERO, min: -1, max: 1, step: 2, dtype: BIPOLAR };
  const whole = Number.isInteger(bias / scale) ? bias / scale : 0;
  const offset = whole === 0 ? bias : 0;
  const own = smallest(whole, whole + steps);
  const dtype =
    declared?.integer && declared.min <= whole && declared.max >= whole + steps && declared !== BIPOLAR
      ? declared
      : own;
  return {
    scale: scalar(FLOAT64, scale),
    offset: scalar(FLOAT64, offset),
    min: whole,
    max: whole + steps,
    step: 1,
    dtype,
  };
}

/** DequantizeLinear behind QuantizeLinear and Clip: the integers that can come out of those, less the zero point. */
function dequantizeLevels(node: Node, reach: () => readonly [number, number]): Levels {
  const scale = alongAxis(node, parameter(node, 1, 'scale'));
  const [low, high] = reach();
  const s = Math.min(...Array.from(scale.data, Math.abs));
  const [min, max] = [Math.round(low / s), Math.round(high / s)];
  return {
    scale,
    offset: ZERO,
    min,
    max: Math.max(max, min + 1),
    step: 1,
    dtype: smallest(min, Math.max(max, min + 1)),
  };
}

/** DequantizeLinear of integers that are no quantiser's, such as the network's own input: their scale and their shift. */
const dequantizeRule: Rule = (node, inputs, walk) => {
  const [from] = inputs;
  if (from?.kind !== 'integers' || from.base.kind === 'constant' || !isPlain(from))
    return quantiserRule(dequantizeLevels)(node, inputs, walk);
  const scale = alongAxis(node, parameter(node, 1, 'scale'));
  const zero = node.inputs[2] ? alongAxis(node, parameter(node, 2, 'zero point')) : ZERO;
  const offset = combine(scale, zero, (s, z) => (z === 0 ? 0 : -s * z));
  return offset ? [{ ...from, scale, offset }] : onHost(node, inputs, 'its scale and zero point run along two axes');
};

/** A parameter with one entry along the node's `axis`, broadcastable over its output. */
function alongAxis(node: Node, t: Tensor): Tensor {
  const rank = node.types[0]!.shape.length;
  if (isScalar(t)) return tensor(FLOAT64, [], t.data);
  const axis = (Number(node.attrs['axis'] ?? 1) + rank) % rank;
  return tensor(
    FLOAT64,
    Array.from({ length: rank }, (_, i) => (i === axis ? t.data.length : 1)),
    t.data,
  );
}

const bipolarLevels = (node: Node): Levels => ({
  scale: mapped(parameter(node, 1, 'scale'), Math.abs),
  offset: ZERO,
  min: -1,
  max: 1,
  step: 2,
  dtype: BIPOLAR,
});

/** Cast to floating point: nothing where values stay what they are, else it rounds, as a link of the chain. */
const castRule: Rule = (node, inputs, walk) => {
  const [to, from] = [node.types[0]!.dtype, node.inputs[0]!.type.dtype];
  if (to === from) return identityRule(node, inputs, walk);
  return to.integer ? onHost(node, inputs, 'it cuts reals off') : elementwiseRule(node, inputs, walk);
};

/** Trunc: whole numbers of its output scale, as far as what comes in reaches. */
function truncLevels(node: Node, reach: () => readonly [number, number]): Levels {
  const { outputScale, min: least, max: most } = truncParameters(node);
  const scale = tensor(FLOAT64, outputScale.shape, Float64Array.from(outputScale.data));
  if (!isScalar(scale)) refuse(node, 'its output scale differs from channel to channel', 'use one');
  const [low, high] = reach();
  const s = scale.data[0]!;
  const min = Math.max(least, Math.min(Math.round(low / s), Math.round(high / s)));
  const max = Math.min(most, Math.max(Math.round(low / s), Math.round(high / s), min + 1));
  return { scale, offset: ZERO, min, max, step: 1, dtype: smallest(min, max) };
}

const movement = [
  'Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze', 'Resize', 'Split', 'Slice', 'DepthToSpace', 'SpaceToDepth', 'Expand',
]; // biome-ignore format: a list
const identity = ['Identity', 'Dropout'];

/** What each operation does to carried integers; an operation that is not here stays on the host. */
const rules = new Map<Op, Rule>([
  ...[...elementwise, ...activation].map((op): [Op, Rule] => [op, elementwiseRule]),
  [onnx('Add'), addRule],
  [onnx('Sub'), addRule],
  [onnx('Mul'), productRule],
  [onnx('Max'), extremeRule],
  [onnx('Min'), extremeRule],
  [onnx('Concat'), concatRule],
  [onnx('BatchNormalization'), elementwiseRule],
  [onnx('QuantizeLinear'), elementwiseRule],
  ...movement.map((name): [Op, Rule] => [onnx(name), movementRule]),
  ...identity.map((name): [Op, Rule] => [onnx(name), identityRule]),
  [onnx('Cast'), castRule],
  [onnx('MatMul'), matMulRule],
  [onnx('Conv'), convolutionRule],
  [onnx('ConvTranspose'), convolutionRule],
  [onnx('MaxPool'), maxPoolRule],
  [onnx('GlobalMaxPool'), maxPoolRule],
  [onnx('AveragePool'), averagePoolRule],
  [onnx('GlobalAveragePool'), globalAverageRule],
  [onnx('ReduceMean'), globalAverageRule],
  [onnx('ReduceSum'), globalAverageRule],
  [qonnx('QuantAvgPool2d'), insideImages(quantAveragePoolRule)],
  [qonnx('MaxPoolNHWC'), insideImages(maxPoolRule)],
  [qonnx('Im2Col'), im2colRule],
  [onnx('Pad'), padRule],
  [onnx('Gather'), lookupRule],
  [onnx('TopK'), selectionRule],
  [onnx('ArgMax'), selectionRule],
  [qonnx('Quant'), quantiserRule(quantLevels)],
  [qonnx('IntQuant'), quantiserRule(quantLevels)],
  [qonnx('BipolarQuant'), quantiserRule(bipolarLevels)],
  [qonnx('MultiThreshold'), insideImages(quantiserRule(multiThresholdLevels))],
  [qonnx('Trunc'), quantiserRule(truncLevels)],
  [onnx('DequantizeLinear'), dequantizeRule],
]);

/** Rules of plug-ins, for operators of their own. */
let further: ReadonlyMap<Op, Rule> = new Map();

/** Sets the rules of plug-ins, in place of those that were there. */
export function extendRules(more: ReadonlyMap<Op, Rule>): void {
  further = more;
}

/** Rules that go on with a sum of unequal scales as it is. */
const takesSums = new Set<Rule>([elementwiseRule, identityRule, addRule, castRule]);

/** A sum as integers of one scale; where it has none, the host's. */
function oneScale(from: Carried | undefined): Carried | undefined {
  if (from?.kind !== 'sum') return from;
  const reason = `its branches have scales ${from.terms.map(({ scale }) => scale.data[0]).join(' and ')}, and no quantiser follows`;
  const value: Value = output(from.node);
  return settled(from) ?? { kind: 'host', side: 'behind', value, because: { node: from.node, reason } };
}

/** The rule for a node. */
export function ruleFor(node: Node): Rule {
  const rule =
    rules.get(node.op) ??
    further.get(node.op) ??
    ((n, inputs) => onHost(n, inputs, `finn has no circuit for ${n.op.name}`));
  const quantises = quantisers.has(node.op);
  return takesSums.has(rule) || quantises ? rule : (n, inputs, walk) => rule(n, inputs.map(oneScale), walk);
}

/** Quantisers find a grid for the sum in front of them. */
const quantisers = new Set<Op>([
  ...['Quant', 'IntQuant', 'BipolarQuant', 'MultiThreshold', 'Trunc'].map(qonnx),
  onnx('DequantizeLinear'),
]);
