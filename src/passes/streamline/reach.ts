import { evaluate } from '../../ir/evaluate.ts';
import { input, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { extremes, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import type { Link } from './carried.ts';
import { constantTensor } from './constants.ts';
import { linkOf } from './elementwise.ts';

/** What leaves the integers of a quantiser in order, and cuts them at most. */
const cutting = new Set(['Clip', 'Min', 'Max', 'Relu', 'Identity'].map(onnx));

/**
 * Least and greatest real, over all channels, that a DequantizeLinear on the host can give: from the type of its
 * integers, and from the Clip, Min, Max and Relu that cut them.
 */
export function reachOnHost(node: Node): readonly [number, number] {
  const links: Link[] = [];
  for (let at = node; ; ) {
    const position = at.inputs.findIndex((value) => value && !constantTensor(value));
    links.unshift(linkOf(at, position));
    const from = at.inputs[position]!;
    if (from.kind !== 'node' || !cutting.has(from.node.op)) return ends(links, from);
    at = from.node;
  }
}

/** The links, which rise, at both ends of what the type of `from` holds. */
function ends(links: readonly Link[], { type: { dtype, shape } }: Value): readonly [number, number] {
  const row = [1, ...shape.slice(1)];
  const size = row.reduce((a, b) => a * b, 1);
  return extremes(
    [dtype.min, dtype.max].flatMap((end) => {
      const x = input('x', { dtype, shape: row });
      let value: Value = x;
      for (const { node, position } of links) {
        const inputs = node.inputs.map((v, i) => (i === position ? value : v));
        value = output(makeNode(node.op, inputs, node.attrs, node.origin, node.types.length));
      }
      const given = tensor(dtype, row, new Float64Array(size).fill(end));
      const y = evaluate({ name: 'ends', inputs: [x], outputs: [{ name: 'y', value }] }, new Map([['x', given]]));
      return [...extremes(y.get('y')!.data)];
    }),
  );
}
