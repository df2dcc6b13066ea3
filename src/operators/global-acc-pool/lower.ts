import { apply, type Node } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { GlobalAccPoolAttrs } from './sizes.ts';

/** A ReduceSum of integers over the rows and columns of an image becomes a GlobalAccPool. */
export function lowerSum(op: Operator<GlobalAccPoolAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'ReduceSum' || node.op.domain !== '') return undefined;
  const [x, list] = node.inputs;
  if (!x) return undefined;
  const refused = (why: string): Lowered => ({
    refused: `${node.origin.join(', ')} cannot become a GlobalAccPool: ${why}`,
  });
  const { dtype, shape } = x.type;
  const rank = shape.length;
  if (list && list.kind !== 'constant') return refused('its axes are computed, not constant');
  const given = list ? [...list.tensor.data] : node.attrs['axes'];
  const axes = (Array.isArray(given) ? (given as number[]) : []).map((axis) => (axis < 0 ? axis + rank : axis));
  if (rank !== 4 || axes.length !== 2 || !axes.includes(1) || !axes.includes(2))
    return refused(
      `it sums axes [${axes}] of [${shape}]; a GlobalAccPool sums rows and columns of N×H×W×C, axes [1,2]`,
    );
  if (!dtype.integer) return refused(`its input is ${dtype.name}, not integers`);
  if (shape[0] !== 1) return refused(`its batch is ${shape[0]}; a stream carries one image at a time`);
  const keepdims = (node.attrs['keepdims'] ?? 1) === 0 ? 0 : 1;
  return { value: apply<GlobalAccPoolAttrs>(op, [x], { pe: 1, keepdims, memory: 'auto' }, node.origin) };
}
