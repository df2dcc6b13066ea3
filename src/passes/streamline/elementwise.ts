import { constant, node as makeNode, type Node } from '../../ir/graph.ts';
import { onnx } from '../ops.ts';
import { type Integers, isScalar, type Link, mapped } from './carried.ts';
import { constantTensor } from './constants.ts';
import { onHost, type Rule } from './rule.ts';

/** An elementwise node over one tensor and constants is kept as a link of the chain, whatever its function is. */
export const elementwiseRule: Rule = (node, inputs) => {
  const running = node.inputs.flatMap((value, i) => (value && !constantTensor(value) ? [i] : []));
  const position = running[0];
  if (position === undefined || running.length !== 1)
    return onHost(node, inputs, `${node.op.name} joins ${running.length} streams`);
  const from = inputs[position]!;
  if (from.kind === 'host') return onHost(node, inputs, `${node.op.name} of reals`);
  if (node.types[0]!.shape.join() !== from.base.type.shape.join())
    return onHost(node, inputs, `it broadcasts [${from.base.type.shape}] to [${node.types[0]!.shape}]`);
  return [{ ...from, links: [...from.links, linkOf(node, position)] }];
};

/** The node with its other inputs as literal constants. */
export function linkOf(node: Node, position: number): Link {
  const inputs = node.inputs.map((value, i) => {
    if (i === position || !value || value.kind === 'constant') return value;
    return constant(constantTensor(value)!);
  });
  return { node: makeNode(node.op, inputs, node.attrs, node.origin, node.types.length), position };
}

/** x → a·x + b, for a link's constant. */
type Affine = (by: number) => { readonly a: number; readonly b: number };

/** What scales or shifts by one number, for the chain through the first and through the second input. */
const affine = new Map<object, readonly [Affine | undefined, Affine | undefined]>([
  [onnx('Add'), [(by) => ({ a: 1, b: by }), (by) => ({ a: 1, b: by })]],
  [onnx('Sub'), [(by) => ({ a: 1, b: -by }), (by) => ({ a: -1, b: by })]],
  [onnx('Mul'), [(by) => ({ a: by, b: 0 }), (by) => ({ a: by, b: 0 })]],
  [onnx('Div'), [(by) => ({ a: 1 / by, b: 0 }), undefined]],
]);

/** The integers with leading links that scale or shift by one number taken into scale and offset. */
export function absorbAffine(from: Integers): Integers {
  let { scale, offset } = from;
  let taken = 0;
  for (const { node, position } of from.links) {
    const other = node.inputs[1 - position];
    const rule = affine.get(node.op)?.[position];
    if (node.inputs.length !== 2 || other?.kind !== 'constant' || !isScalar(other.tensor) || !rule) break;
    const { a, b } = rule(other.tensor.data[0]!);
    if (a === 0 || !Number.isFinite(a)) break;
    scale = mapped(scale, (x) => x * a);
    offset = mapped(offset, (x) => x * a + b);
    taken += 1;
  }
  return taken === 0 ? from : { ...from, scale, offset, links: from.links.slice(taken) };
}

/** Are the links the same function for every element? */
export const linksAreUniform = (links: readonly Link[]): boolean =>
  links.every(({ node, position }) =>
    node.inputs.every((value, i) => i === position || !value || (value.kind === 'constant' && isScalar(value.tensor))),
  );
