import { bug } from '../../diagnostics/diagnostic.ts';
import type { Graph, Node } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { nodesOf } from '../../ir/traverse.ts';

/** The graph's outputs by name, where `replace` may put another tensor in the place of a node's first output. */
export function evaluateBeside(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  replace: (node: Node, made: Tensor, given: readonly (Tensor | undefined)[]) => Tensor,
): Map<string, Tensor> {
  const values = new Map<Node, readonly Tensor[]>();
  const read = (value: Graph['outputs'][number]['value']): Tensor => {
    if (value.kind === 'constant') return value.tensor;
    const found = value.kind === 'input' ? inputs.get(value.name) : values.get(value.node)?.[value.index];
    return found ?? bug('a value read before it was made');
  };
  for (const node of nodesOf(graph)) {
    const { origin, types, attrs, op } = node;
    const given = node.inputs.map((value) => value && read(value));
    const [first, ...rest] = op.evaluate(given, attrs, { origin, outputs: types.length, types });
    values.set(node, [replace(node, first!, given), ...rest]);
  }
  return new Map(graph.outputs.map(({ name, value }) => [name, read(value)]));
}
