import { type Graph, node as makeNode, type Node, output, sameValue, type Value } from '../../ir/graph.ts';
import { nodesOf } from '../../ir/traverse.ts';
import { duplicateStreams } from '../../operators/index.ts';

/** Who reads a value: an input of a node, or an output of the graph. */
interface Reader {
  readonly node: Node | undefined;
  readonly position: number;
}

/** A stream has one reader: where a value has several, a DuplicateStreams gives each its own. */
export function forkStreams(graph: Graph): Graph {
  const order = nodesOf(graph);
  const readers: { readonly value: Value; readonly by: Reader[] }[] = [];
  const note = (value: Value | undefined, reader: Reader): void => {
    if (!value || value.kind === 'constant') return;
    const known = readers.find((one) => sameValue(one.value, value));
    if (known) known.by.push(reader);
    else readers.push({ value, by: [reader] });
  };
  for (const node of order) node.inputs.forEach((value, position) => void note(value, { node, position }));
  graph.outputs.forEach(({ value }, position) => void note(value, { node: undefined, position }));
  const forks = readers.filter(({ by }) => by.length > 1);
  if (forks.length === 0) return graph;

  const made = new Map<Node, Node>();
  const copies = new Map<(typeof forks)[number], Node>();
  const plain = (value: Value): Value => (value.kind === 'node' ? output(made.get(value.node)!, value.index) : value);
  const read = (value: Value, node: Node | undefined, position: number): Value => {
    const fork = forks.find((one) => sameValue(one.value, value));
    if (!fork) return plain(value);
    let copy = copies.get(fork);
    if (!copy) {
      const origin = value.kind === 'node' ? value.node.origin : [value.kind === 'input' ? value.name : ''];
      const attrs = { outputs: fork.by.length, pe: 1 };
      copy = makeNode(duplicateStreams, [plain(value)], attrs, origin, fork.by.length) as unknown as Node;
      copies.set(fork, copy);
    }
    return output(
      copy,
      fork.by.findIndex((one) => one.node === node && one.position === position),
    );
  };
  for (const node of order) {
    const inputs = node.inputs.map((value, i) => (value && value.kind !== 'constant' ? read(value, node, i) : value));
    const same = inputs.every((value, i) => value === node.inputs[i] || (value && sameValue(value, node.inputs[i]!)));
    made.set(node, same ? node : (makeNode(node.op, inputs, node.attrs, node.origin, node.types.length) as Node));
  }
  const outputs = graph.outputs.map(({ name, value }, i) => ({
    name,
    value: value.kind === 'constant' ? value : read(value, undefined, i),
  }));
  return { ...graph, outputs };
}
