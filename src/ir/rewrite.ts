import { type Graph, node as makeNode, type Node, output, type Value } from './graph.ts';
import { nodesOf } from './traverse.ts';

/** What stands for each output of a node from now on; undefined leaves the node as it is. */
export type Replace = (node: Node, old: Node) => readonly Value[] | undefined;

/**
 * The graph with nodes replaced, from the inputs to the outputs: `replace` sees each node with its inputs already
 * replaced. Nodes whose inputs did not change are kept, not copied.
 */
export function rewrite(graph: Graph, replace: Replace): Graph {
  const made = new Map<Node, readonly Value[]>();
  const now = (value: Value): Value => (value.kind === 'node' ? made.get(value.node)![value.index]! : value);
  for (const old of nodesOf(graph)) {
    const inputs = old.inputs.map((value) => value && now(value));
    const changed = inputs.some((value, i) => value !== old.inputs[i] && !isSame(value, old.inputs[i]));
    const fresh = changed ? makeNode(old.op, inputs, old.attrs, old.origin, old.types.length) : old;
    made.set(old, replace(fresh, old) ?? fresh.types.map((_, index) => output(fresh, index)));
  }
  return { ...graph, outputs: graph.outputs.map(({ name, value }) => ({ name, value: now(value) })) };
}

const isSame = (a: Value | undefined, b: Value | undefined): boolean =>
  a?.kind === 'node' && b?.kind === 'node' && a.node === b.node && a.index === b.index;
