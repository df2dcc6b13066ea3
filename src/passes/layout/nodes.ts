import { bug } from '../../diagnostics/diagnostic.ts';
import { type Node, output, type Value } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { asIs, type Form } from './form.ts';
import type { Layout } from './layout.ts';
import { remade } from './remade.ts';

/** Has its output three or four axes? */
export const isImage = (node: Node): boolean => node.types[0]!.shape.length === 3 || node.types[0]!.shape.length === 4;

/** The tensor of an input that streamlining leaves constant. */
export const constantOf = (value: Value | undefined, node: Node): Tensor =>
  value?.kind === 'constant' ? value.tensor : bug(`${node.op.name} '${node.origin[0]}' without its constant`);

/** A node of one output in the network's own order. */
export const inOwnOrder = (node: Node, layout: Layout): readonly Form[] => [
  asIs(
    output(
      remade(
        node,
        node.inputs.map((value) => value && layout.plain(value)),
      ),
    ),
  ),
];

/** A tensor with one axis in another order. */
export function reordered(t: Tensor, axis: number, order: ArrayLike<number>): Tensor {
  const inner = sizeOf(t.shape.slice(axis + 1));
  const n = t.shape[axis]!;
  const data = Float64Array.from(t.data, (_, at) => {
    const i = Math.floor(at / inner) % n;
    return t.data[at + (order[i]! - i) * inner]!;
  });
  return tensor(t.dtype, t.shape, data);
}
