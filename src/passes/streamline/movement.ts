import { bug } from '../../diagnostics/diagnostic.ts';
import { FLOAT64 } from '../../ir/datatype.ts';
import { apply, constant, node as makeNode, type Node } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import { collapsed, type Integers, isScalar, ofRank, type Range } from './carried.ts';
import { constantTensor } from './constants.ts';
import { absorbAffine, linksAreUniform } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';

/** What passes its input on, unchanged. */
export const identityRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  return from.kind === 'integers' ? [from] : onHost(node, inputs, 'it passes a real on');
};

/** A node that only moves elements moves integers just as well; a uniform chain stays behind it. */
export const movementRule: Rule = (node, inputs) => {
  const given = inputs[0]!;
  if (given.kind !== 'integers') return onHost(node, inputs, 'it moves reals');
  // What differs from channel to channel can go along as scale and offset, but not as a link.
  const from = linksAreUniform(given.links) ? given : absorbAffine(given);
  if (!linksAreUniform(from.links)) return onHost(node, inputs, 'what lies before it differs from channel to channel');
  const scale = moved(node, from.scale, from);
  const offset = moved(node, from.offset, from);
  if (!scale || !offset) return onHost(node, inputs, 'the scale before it differs from channel to channel');
  if (from.base.kind === 'constant') {
    const types = node.op.infer(
      [from.base, ...node.inputs.slice(1)].map((v) => v!),
      node.attrs,
      {
        origin: node.origin,
        outputs: 1,
      },
    );
    const [data] = node.op.evaluate(
      [from.base.tensor, ...node.inputs.slice(1).map((v) => (v?.kind === 'constant' ? v.tensor : undefined))],
      node.attrs,
      { origin: node.origin, outputs: 1, types },
    );
    return [{ ...from, base: constant(data!, from.base.name), scale, offset }];
  }
  const base = apply(node.op, [from.base, ...node.inputs.slice(1)], node.attrs, node.origin);
  return [{ ...from, base, scale, offset, range: movedRange(from.range, from.base.type.shape, base.type.shape) }];
};

/** The parameter moved as its tensor is: a number stays, and one of the tensor's rank takes the same permutation. */
function moved(node: Node, parameter: Tensor, from: Integers): Tensor | undefined {
  if (isScalar(parameter)) return tensor(FLOAT64, [], parameter.data);
  const { shape } = from.base.type;
  const parameterOf = ofRank(parameter, shape.length);
  if (parameterOf.shape.length !== shape.length) return undefined;
  const others = node.inputs.slice(1);
  if (!others.every((value) => !value || value.kind === 'constant')) return undefined;
  const evaluated = (given: Tensor): Tensor => {
    const made = makeNode(node.op, [constant(given), ...others], node.attrs, node.origin);
    const rest = others.map((value) => (value?.kind === 'constant' ? value.tensor : undefined));
    return node.op.evaluate([given, ...rest], node.attrs, { origin: node.origin, outputs: 1, types: made.types })[0]!;
  };
  // A permutation moves the axes of 1 too; anything else counts elements, and gets them all.
  return collapsed(evaluated(node.op === onnx('Transpose') ? parameterOf : spread(parameterOf, shape)));
}

/** The parameter with an element for each element of the tensor that it is broadcast over. */
function spread(parameter: Tensor, shape: readonly number[]): Tensor {
  const zeros = tensor(FLOAT64, shape, new Float64Array(sizeOf(shape)));
  const value = apply(onnx('Add'), [constant(zeros), constant(parameter)], {}, []);
  return constantTensor(value) ?? bug('a sum of constants');
}

/** Channels keep their own ranges where axis 1 stays; else one range holds for all. */
function movedRange(range: Range, before: readonly number[], after: readonly number[]): Range {
  const same = before[1] === after[1] && before.slice(2).every((n) => n === 1) && after.slice(2).every((n) => n === 1);
  if (range.min.length === 1 || same) return range;
  return { min: Float64Array.of(Math.min(...range.min)), max: Float64Array.of(Math.max(...range.max)) };
}
