import { bug } from '../../diagnostics/diagnostic.ts';
import { FLOAT64, int, smallest } from '../../ir/datatype.ts';
import { apply, constant, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import { collapsed, combine, type Integers, isScalar, ofRank, type Range, ZERO } from './carried.ts';
import { constantTensor } from './constants.ts';
import { zeroOf } from './convolution.ts';
import { absorbAffine, linksAreUniform } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';

/** What passes its input on, unchanged. */
export const identityRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  return from.kind === 'host' ? onHost(node, inputs, 'it passes a real on') : [from];
};

/** A node that only moves elements moves integers just as well; a uniform chain stays behind it. */
export const movementRule: Rule = (node, inputs) => {
  const given = inputs[0]!;
  if (given.kind !== 'integers') return onHost(node, inputs, 'it moves reals');
  if (node.op === onnx('Resize') && String(node.attrs['mode'] ?? 'nearest') !== 'nearest')
    return onHost(
      node,
      inputs,
      `its mode is ${node.attrs['mode']}, which makes new values`,
      "use mode 'nearest', or a transposed convolution",
    );
  // What differs from channel to channel can go along as scale and offset, but not as a link.
  const from = linksAreUniform(given.links) ? given : absorbAffine(given);
  if (!linksAreUniform(from.links)) return onHost(node, inputs, 'what lies before it differs from channel to channel');
  const scale = moved(node, from.scale, from);
  const offset = moved(node, from.offset, from);
  if (!scale || !offset) return onHost(node, inputs, 'the scale before it differs from channel to channel');
  const others = node.inputs.slice(1).map((value) => value && literal(value));
  const made = makeNode(node.op, [from.base, ...others], node.attrs, node.origin, node.types.length);
  const { base: whole } = from;
  const bases =
    whole.kind === 'constant'
      ? computed(made).map((t) => constant(t, whole.name))
      : made.types.map((_, i) => output(made as Node, i));
  return bases.map((base, i) => ({
    ...from,
    base,
    scale: scale[i]!,
    offset: offset[i]!,
    range: movedRange(node, from.range, from.base.type.shape, base.type.shape),
  }));
};

/** Padding with a constant real: the integer that stands for it, if one does. */
export const padRule: Rule = (node, inputs) => {
  const given = inputs[0]!;
  if (given.kind !== 'integers') return onHost(node, inputs, 'it pads reals');
  if (String(node.attrs['mode'] ?? 'constant') !== 'constant')
    return onHost(
      node,
      inputs,
      `its mode is ${node.attrs['mode']}; finn pads with a constant`,
      "use mode 'constant' with the value 0",
    );
  const from = absorbAffine(given);
  const pads = node.inputs[1] ? constantTensor(node.inputs[1]) : undefined;
  const real = node.inputs[2] ? constantTensor(node.inputs[2])?.data[0] : Number(node.attrs['value'] ?? 0);
  const list = pads ? Array.from(pads.data) : (node.attrs['pads'] as number[] | undefined);
  if (!list || real === undefined || node.inputs[3])
    return onHost(node, inputs, 'what it pads with depends on the input');
  if (from.links.length > 0)
    return onHost(node, inputs, 'what lies before it is not quantised', 'quantise its input in front of it');
  const shifted =
    real === 0 ? from : { ...from, offset: combine(from.offset, tensor(FLOAT64, [], [real]), (a, b) => a - b) ?? ZERO };
  const value = zeroOf(node, shifted, real);
  const others = [
    constant(tensor(int(64), [list.length], list)),
    constant(tensor(smallest(value, value), [], [value])),
  ];
  const base = apply(onnx('Pad'), [from.base, ...others], { mode: 'constant' }, node.origin);
  const kept = list[1] === 0 && list[1 + list.length / 2] === 0;
  if (!kept && !(isScalar(from.scale) && isScalar(from.offset)))
    return onHost(node, inputs, 'it adds channels to a tensor with a scale for each channel');
  const range = kept ? from.range : overall(from.range);
  const widened = { min: range.min.map((v) => Math.min(v, value)), max: range.max.map((v) => Math.max(v, value)) };
  return [{ ...from, base, range: widened }];
};

/** An input other than the first as a literal constant where it is known at build time. */
function literal(value: Value): Value {
  const known = value.kind === 'constant' ? undefined : constantTensor(value);
  return known ? constant(known) : value;
}

/** What a node of constants gives. */
const computed = (made: Node): Tensor[] =>
  made.types.map((_, i) => constantTensor(output(made, i)) ?? bug('a node of constants'));

/** The parameter moved as its tensor is, for each output: a number stays, and one of the tensor's rank takes the same permutation. */
function moved(node: Node, parameter: Tensor, from: Integers): readonly Tensor[] | undefined {
  if (isScalar(parameter)) return node.types.map(() => tensor(FLOAT64, [], parameter.data));
  const { shape } = from.base.type;
  const parameterOf = ofRank(parameter, shape.length);
  if (parameterOf.shape.length !== shape.length) return undefined;
  const others = node.inputs.slice(1).map((value) => value && literal(value));
  if (!others.every((value) => !value || value.kind === 'constant')) return undefined;
  // A permutation moves the axes of 1 too; anything else counts elements, and gets them all.
  const given = node.op === onnx('Transpose') ? parameterOf : spread(parameterOf, shape);
  const made = makeNode(node.op, [constant(given), ...others], node.attrs, node.origin, node.types.length);
  return computed(made).map(narrowed);
}

/** A parameter whose elements are equal along an axis, with an extent of 1 there; one that is a single number, as that. */
function narrowed(t: Tensor): Tensor {
  const one = collapsed(t);
  if (isScalar(one)) return one;
  let { shape, data } = t;
  for (let axis = 0; axis < shape.length; axis += 1) {
    const inner = sizeOf(shape.slice(axis + 1));
    const n = shape[axis]!;
    const first = (i: number): number => Math.floor(i / (n * inner)) * n * inner + (i % inner);
    if (n === 1 || !data.every((v, i) => v === data[first(i)])) continue;
    const from = data;
    const narrow = shape.with(axis, 1);
    data = Float64Array.from(
      { length: sizeOf(narrow) },
      (_, i) => from[Math.floor(i / inner) * n * inner + (i % inner)]!,
    );
    shape = narrow;
  }
  return tensor(FLOAT64, shape, data);
}

/** The parameter with an element for each element of the tensor that it is broadcast over. */
function spread(parameter: Tensor, shape: readonly number[]): Tensor {
  const zeros = tensor(FLOAT64, shape, new Float64Array(sizeOf(shape)));
  const value = apply(onnx('Add'), [constant(zeros), constant(parameter)], {}, []);
  return constantTensor(value) ?? bug('a sum of constants');
}

const overall = (range: Range): Range => ({
  min: Float64Array.of(Math.min(...range.min)),
  max: Float64Array.of(Math.max(...range.max)),
});

/** Channels keep their own ranges where axis 1 stays; else one range holds for all. */
function movedRange(node: Node, range: Range, before: readonly number[], after: readonly number[]): Range {
  const same = before[1] === after[1] && before.slice(2).every((n) => n === 1) && after.slice(2).every((n) => n === 1);
  // Resize leaves every element in its channel.
  const keeps = node.op === onnx('Resize') && before[1] === after[1];
  return range.min.length === 1 || same || keeps ? range : overall(range);
}
