import { apply, type Node } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { LabelSelectAttrs } from './sizes.ts';

/**
 * TopK of the largest along the last axis, or ArgMax, of integers becomes a LabelSelect. It stands for TopK's indices: whoever asks must know
 * that nothing reads the values.
 */
export function lowerLabels(op: Operator<LabelSelectAttrs>, node: Node): Lowered | undefined {
  const topK = node.op.name === 'TopK';
  if (!topK && node.op.name !== 'ArgMax') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const rank = x.type.shape.length;
  const labels = x.type.shape.at(-1) ?? 1;
  const attribute = (key: string, otherwise: number): number => {
    const value = node.attrs[key];
    return typeof value === 'number' ? value : otherwise;
  };
  if (!x.type.dtype.integer) return { refused: `its input is ${x.type.dtype.name}, not integer` };
  const axis = attribute('axis', topK ? -1 : 0);
  if (rank === 0 || (axis + rank) % rank !== rank - 1)
    return { refused: `it selects along axis ${axis}, not along the last` };
  const origin = node.origin;
  if (!topK) {
    if (attribute('select_last_index', 0) !== 0) return { refused: 'it selects the last of equal elements' };
    const keepdims = attribute('keepdims', 1) === 0 ? 0 : 1;
    return { value: apply(op, [x], { k: 1, labels, pe: 1, keepdims }, origin) };
  }
  if (attribute('largest', 1) !== 1) return { refused: 'it selects the smallest elements' };
  const given = node.inputs[1];
  const k = given === undefined ? attribute('k', 1) : given.kind === 'constant' ? given.tensor.data[0] : undefined;
  if (k === undefined) return { refused: 'its K is not constant' };
  return { value: apply(op, [x], { k, labels, pe: 1, keepdims: 1 }, origin), output: 1 };
}
