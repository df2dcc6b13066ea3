import { type Attrs, apply, type Node, type Value } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';

export interface StreamingConcatAttrs extends Attrs {
  /** Elements in one cycle; divides every part. */
  readonly simd: number;
}

/** A Concat of integer streams along the last axis becomes a layer. */
export function lowerConcat(op: Operator<StreamingConcatAttrs>, node: Node): Lowered | undefined {
  if (node.op.domain !== '' || node.op.name !== 'Concat') return undefined;
  const values = node.inputs.filter((value): value is Value => value !== undefined);
  const rank = node.types[0]!.shape.length;
  const axis = Number(node.attrs['axis'] ?? 1);
  if ((axis + rank) % rank !== rank - 1) return { refused: `it joins along axis ${axis}, not along the last` };
  if (values.some(({ kind }) => kind === 'constant'))
    return { refused: 'one of the tensors that it joins is constant' };
  const reals = values.find(({ type }) => !type.dtype.integer);
  if (reals) return { refused: `an input is ${reals.type.dtype.name}, not integer` };
  if (values.length < 2) return { refused: 'it has one input only' };
  return { value: apply<StreamingConcatAttrs>(op, values, { simd: 1 }, node.origin) };
}
