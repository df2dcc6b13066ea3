import { type Attrs, node as makeNode, type Node, output } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';

export interface StreamingSplitAttrs extends Attrs {
  /** Channels of each output. */
  readonly parts: readonly number[];
  /** Elements in one cycle; divides every part. */
  readonly simd: number;
}

/** A Split of an integer stream along the last axis becomes a layer. */
export function lowerSplit(op: Operator<StreamingSplitAttrs>, node: Node): Lowered | undefined {
  if (node.op.domain !== '' || node.op.name !== 'Split') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const { dtype, shape } = x.type;
  if (!dtype.integer) return { refused: `its input is ${dtype.name}, not integer` };
  const axis = Number(node.attrs['axis'] ?? 0);
  if ((axis + shape.length) % shape.length !== shape.length - 1)
    return { refused: `it splits along axis ${axis}, not along the last` };
  const parts = node.types.map((type) => type.shape.at(-1)!);
  if (parts.length < 2 || parts.includes(0)) return { refused: `its parts have ${parts.join(', ')} channels` };
  const made = makeNode<StreamingSplitAttrs>(op, [x], { parts, simd: 1 }, node.origin, parts.length);
  return { values: parts.map((_, i) => output(made as unknown as Node, i)) };
}
