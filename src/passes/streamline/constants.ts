import { evaluate } from '../../ir/evaluate.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';

const fixed = new WeakMap<Node, boolean>();

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
  if (!isConstant(value)) return undefined;
  return evaluate({ name: 'constant', inputs: [], outputs: [{ name: 'y', value }] }, new Map()).get('y');
}
