import { bug } from '../diagnostics/diagnostic.ts';
import type { Graph, Node, Value } from './graph.ts';

/** Nodes that the outputs reach, each after the nodes it reads. Deterministic; no recursion. */
export function nodesOf(graph: Graph): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  for (const { value } of graph.outputs) {
    if (value.kind !== 'node') continue;
    const stack: Node[] = [value.node];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const seen = state.get(top);
      if (seen === 'done') {
        stack.pop();
        continue;
      }
      if (seen === 'open') {
        stack.pop();
        state.set(top, 'done');
        order.push(top);
        continue;
      }
      state.set(top, 'open');
      for (let i = top.inputs.length - 1; i >= 0; i -= 1) {
        const from = top.inputs[i];
        if (from?.kind !== 'node') continue;
        const other = state.get(from.node);
        if (other === 'open') bug('a cycle in an immutable graph');
        if (other === undefined) stack.push(from.node);
      }
    }
  }
  return order;
}

/** For every node, who reads its outputs: [reader, input position] or an output of the graph. */
export function readers(
  graph: Graph,
): Map<Node, { readonly node: Node | undefined; readonly position: number; readonly index: number }[]> {
  const map = new Map<Node, { node: Node | undefined; position: number; index: number }[]>();
  const add = (value: Value | undefined, node: Node | undefined, position: number) => {
    if (value?.kind !== 'node') return;
    const list = map.get(value.node) ?? [];
    list.push({ node, position, index: value.index });
    map.set(value.node, list);
  };
  for (const node of nodesOf(graph)) node.inputs.forEach((value, position) => void add(value, node, position));
  graph.outputs.forEach(({ value }, position) => void add(value, undefined, position));
  return map;
}
