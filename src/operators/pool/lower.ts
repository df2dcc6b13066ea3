import { apply, type Node } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { fusedThresholds } from '../fused-thresholds.ts';
import type { Lowered, Lowering, Operator } from '../operator.ts';
import type { PoolAttrs } from './sizes.ts';

const functions = { WindowMax: 'max', WindowSum: 'sum' } as const;

/**
 * A WindowMax or WindowSum of integers becomes a Pool; a MultiThreshold that alone reads the sum and has the same steps in all
 * channels, a power of two apart, is its average.
 */
export function lowerPool(op: Operator<PoolAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  if (node.op.name === 'MultiThreshold') return average(op, node, lowering);
  if (node.op.name !== 'WindowMax' && node.op.name !== 'WindowSum') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const { dtype } = x.type;
  const refused = (why: string): Lowered => ({ refused: `${node.origin.join(', ')} cannot become a Pool: ${why}` });
  if (!dtype.integer) return refused(`its input is ${dtype.name}, not integers`);
  if (dtype.bits > 32) return refused(`its input is ${dtype.name}; at most 32 bits are possible`);
  const channels = Number(node.attrs['channels'] ?? 1);
  const attrs: PoolAttrs = { function: functions[node.op.name], channels, pe: 1, simd: 1 };
  return { value: apply<PoolAttrs>(op, [x], attrs, node.origin) };
}

function average(op: Operator<PoolAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const fused = fusedThresholds(op, node, lowering);
  if (!fused || 'refused' in fused || fused.scale !== 1) return undefined;
  const { sums, thresholds, bias, output } = fused;
  const { attrs, inputs, origin } = sums.node as Node<PoolAttrs>;
  const steps = uniformSteps(thresholds.tensor);
  if (attrs.function !== 'sum' || attrs.average || !steps) return undefined;
  const { first, shift, count } = steps;
  // One more for each 2^shift from the first threshold on, where it counts bias + 1.
  const offset = 2 ** shift * (1 + bias) - first;
  const made = { ...attrs, average: { offset, shift, least: bias, most: bias + count, output } };
  return { value: apply<PoolAttrs>(op, [inputs[0]], made, [...origin, ...node.origin]) };
}

/** Thresholds of integers that are first + j · 2^shift in every row; undefined if they are not, or fewer than two. */
export function uniformSteps({ shape, data }: Tensor): { first: number; shift: number; count: number } | undefined {
  const count = shape[1]!;
  if (count < 2) return undefined;
  const first = Math.ceil(data[0]!);
  const shift = Math.log2(Math.ceil(data[1]!) - first);
  if (!Number.isInteger(shift) || shift < 0 || shift > 32) return undefined;
  const uniform = data.every((t, i) => Math.ceil(t) === first + (i % count) * 2 ** shift);
  return uniform ? { first, shift, count } : undefined;
}
