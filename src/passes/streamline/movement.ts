import { FLOAT64 } from '../../ir/datatype.ts';
import { apply, constant, node as makeNode, type Node } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { type Integers, isScalar, type Range } from './carried.ts';
import { linksAreUniform } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';

/** What passes its input on, unchanged. */
export const identityRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  return from.kind === 'integers' ? [from] : onHost(node, inputs, 'it passes a real on');
};

/** A node that only moves elements moves integers just as well; a uniform chain stays behind it. */
export const movementRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  if (from.kind !== 'integers') return onHost(node, inputs, 'it moves reals');
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
  if (node.inputs.length !== 1 || parameter.shape.length !== from.base.type.shape.length) return undefined;
  const permuted = makeNode(node.op, [constant(parameter)], node.attrs, node.origin);
  const sameRank = permuted.types[0]!.shape.length === node.types[0]!.shape.length;
  if (!sameRank || permuted.types[0]!.shape.length !== parameter.shape.length) return undefined;
  return node.op.evaluate([parameter], node.attrs, { origin: node.origin, outputs: 1, types: permuted.types })[0];
}

/** Channels keep their own ranges where axis 1 stays; else one range holds for all. */
function movedRange(range: Range, before: readonly number[], after: readonly number[]): Range {
  const same = before[1] === after[1] && before.slice(2).every((n) => n === 1) && after.slice(2).every((n) => n === 1);
  if (range.min.length === 1 || same) return range;
  return { min: Float64Array.of(Math.min(...range.min)), max: Float64Array.of(Math.max(...range.max)) };
}
