import { type Graph, type InputValue, node as makeNode, type Node, output, type Value } from './graph.ts';
import { nodesOf } from './traverse.ts';

/** The outputs of a graph with other values in the place of its inputs. */
export function substitute(
  outputs: Graph['outputs'],
  replacement: (input: InputValue) => Value | undefined,
): Graph['outputs'] {
  const made = new Map<Node, Node>();
  const now = (value: Value): Value => {
    if (value.kind === 'input') return replacement(value) ?? value;
    return value.kind === 'node' ? output(made.get(value.node)!, value.index) : value;
  };
  for (const node of nodesOf({ name: '', inputs: [], outputs })) {
    const inputs = node.inputs.map((value) => value && now(value));
    const same = inputs.every((value, i) => value === node.inputs[i]);
    made.set(node, same ? node : makeNode(node.op, inputs, node.attrs, node.origin, node.types.length));
  }
  return outputs.map(({ name, value }) => ({ name, value: now(value) }));
}
