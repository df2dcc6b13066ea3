import { bug } from '../diagnostics/diagnostic.ts';
import type { Graph, Node, Value } from './graph.ts';
import type { Tensor } from './tensor.ts';
import { nodesOf, readers } from './traverse.ts';

export type Observer = (node: Node, outputs: readonly Tensor[]) => void;

/** Nodes in order, and how often each is read: the same in every run of a graph, which never changes. */
interface Plan {
  readonly order: readonly Node[];
  readonly reads: ReadonlyMap<Node, number>;
}
const plans = new WeakMap<Graph, Plan>();

function planOf(graph: Graph): Plan {
  let plan = plans.get(graph);
  if (!plan) {
    const reads = new Map([...readers(graph)].map(([node, list]) => [node, list.length]));
    plan = { order: nodesOf(graph), reads };
    plans.set(graph, plan);
  }
  return plan;
}

/**
 * The graph's outputs for the given inputs, by name: the reference that every circuit is held to.
 * Tensors are dropped as soon as nobody needs them; `observe` sees each node's outputs in order.
 */
export function evaluate(graph: Graph, inputs: ReadonlyMap<string, Tensor>, observe?: Observer): Map<string, Tensor> {
  const values = new Map<Node, readonly Tensor[]>();
  const { order, reads } = planOf(graph);
  const left = new Map(reads);

  const read = (value: Value): Tensor => {
    switch (value.kind) {
      case 'constant':
        return value.tensor;
      case 'input':
        return inputs.get(value.name) ?? bug(`no tensor for input ${value.name}`);
      case 'node':
        return values.get(value.node)?.[value.index] ?? bug(`${value.node.op.name} read before it ran`);
    }
  };
  const release = (value: Value | undefined): void => {
    if (value?.kind !== 'node') return;
    const n = left.get(value.node)! - 1;
    left.set(value.node, n);
    if (n === 0) values.delete(value.node);
  };

  for (const node of order) {
    const tensors = node.inputs.map((value) => (value ? read(value) : undefined));
    const made = node.op.evaluate(tensors, node.attrs, {
      origin: node.origin,
      outputs: node.types.length,
      types: node.types,
    });
    values.set(node, made);
    observe?.(node, made);
    for (const value of node.inputs) release(value);
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, read(value)]));
}
