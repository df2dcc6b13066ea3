import { constant, node as makeNode, type Node } from '../../ir/graph.ts';
import { onnx } from '../ops.ts';
import { collapsed, combine, type Integers, isScalar, type Link, ofRank } from './carried.ts';
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
  const { shape } = (from.kind === 'sum' ? from.terms[0]!.base : from.base).type;
  if (node.types[0]!.shape.join() !== shape.join())
    return onHost(node, inputs, `it broadcasts [${shape}] to [${node.types[0]!.shape}]`);
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

/** What an operation with one constant does to x = scale · integer + offset, on the chain's side. */
interface Affine {
  scale(scale: number, by: number): number;
  offset(offset: number, by: number): number;
}

const scaling = (f: (x: number, by: number) => number): Affine => ({ scale: f, offset: f });
const adding: Affine = { scale: (s) => s, offset: (o, by) => o + by };
const times = scaling((x, by) => x * by);

/** What scales or shifts, for the chain through the first and through the second input. */
const affine = new Map<object, readonly [Affine | undefined, Affine | undefined]>([
  [onnx('Add'), [adding, adding]],
  [
    onnx('Sub'),
    [
      { scale: (s) => s, offset: (o, by) => o - by },
      { scale: (s) => -s, offset: (o, by) => by - o },
    ],
  ],
  [onnx('Mul'), [times, times]],
  [onnx('Div'), [scaling((x, by) => x / by), undefined]],
]);

/** A chain of reals in any floating-point type: Cast between those rounds, which is no part of the function. */
const isFloatCast = (node: Node): boolean => node.op === onnx('Cast') && !node.types[0]!.dtype.integer;

/**
 * The integers with leading links that scale or shift, by one number or by one a channel, taken into scale and offset.
 * A scale that is the same for every channel becomes one number.
 */
export function absorbAffine(from: Integers): Integers {
  let { scale, offset } = from;
  let taken = 0;
  for (const { node, position } of from.links) {
    if (!isFloatCast(node)) {
      const other = node.inputs[1 - position];
      const rule = affine.get(node.op)?.[position];
      if (node.inputs.length !== 2 || other?.kind !== 'constant' || !rule) break;
      const by = ofRank(other.tensor, from.base.type.shape.length);
      const nextScale = combine(scale, by, rule.scale);
      const nextOffset = combine(offset, by, rule.offset);
      if (!nextScale?.data.every((s) => s !== 0 && Number.isFinite(s)) || !nextOffset) break;
      scale = nextScale;
      offset = nextOffset;
    }
    taken += 1;
  }
  const links = from.links.slice(taken);
  return taken === 0 ? from : { ...from, scale: collapsed(scale), offset: collapsed(offset), links };
}

/** Are the links the same function for every element? */
export const linksAreUniform = (links: readonly Link[]): boolean =>
  links.every(({ node, position }) =>
    node.inputs.every((value, i) => i === position || !value || (value.kind === 'constant' && isScalar(value.tensor))),
  );
