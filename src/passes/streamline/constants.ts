import { evaluate } from '../../ir/evaluate.ts';
import { constant, type Graph, type Node, output, type Value } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/tensor.ts';

const fixed = new WeakMap<Node, boolean>();
const computed = new WeakMap<Node, readonly Tensor[]>();

/** Does the value depend on no input of the network? */
export function isConstant(value: Value): boolean {
  if (value.kind !== 'node') return value.kind === 'constant';
  const known = fixed.get(value.node);
  if (known !== undefined) return known;
  // Chains of constants are short (a quantiser, a transpose): recursion is safe here.
  const answer = value.node.inputs.every((input) => !input || isConstant(input));
  fixed.set(value.node, answer);
  return answer;
}

/** The tensor of a value that depends on no input, as the interpreter computes it; undefined for any other. */
export function constantTensor(value: Value): Tensor | undefined {
  if (value.kind === 'constant') return value.tensor;
  if (value.kind !== 'node' || !isConstant(value)) return undefined;
  const known = computed.get(value.node)?.[value.index];
  if (known) return known;
  const { node } = value;
  const outputs = node.types.map((_, index) => ({ name: String(index), value: output(node, index) }));
  const made = [...evaluate({ name: 'constant', inputs: [], outputs }, new Map()).values()];
  computed.set(node, made);
  return made[value.index];
}

/** The graph with everything that depends on no input computed: for running it many times. */
export const foldConstants = (graph: Graph): Graph =>
  rewrite(graph, (_, old) => {
    const made = old.types.map((_, index) => constantTensor(output(old, index)));
    return made.every((one) => one !== undefined) ? made.map((one) => constant(one, old.origin[0])) : undefined;
  });
