import { apply, type Node } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { PixelPaddingAttrs } from './attrs.ts';

/** InsertPixels on images of integers becomes an FMPadding_Pixel. */
export function lowerInsertPixels(op: Operator<PixelPaddingAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'InsertPixels') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  if (!x.type.dtype.integer) return { refused: `its input is ${x.type.dtype.name}, not integer` };
  const strides = (node.attrs['strides'] ?? [1, 1]) as PixelPaddingAttrs['strides'];
  return { value: apply(op, [x], { strides, simd: 1 }, node.origin) };
}
