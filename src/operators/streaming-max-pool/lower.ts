import { apply, type Node } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { MaxPoolAttrs } from './sizes.ts';

const numbers = (value: unknown, otherwise: readonly number[]): readonly number[] =>
  Array.isArray(value) ? (value as number[]) : otherwise;

/** A MaxPoolNHWC of integers whose windows lie side by side becomes a StreamingMaxPool. */
export function lowerMaxPool(op: Operator<MaxPoolAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'MaxPoolNHWC') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const refused = (why: string): Lowered => ({
    refused: `${node.origin.join(', ')} cannot become a StreamingMaxPool: ${why}`,
  });
  if (!x.type.dtype.integer) return refused(`its input is ${x.type.dtype.name}, not integers`);
  if (x.type.shape[0] !== 1) return refused(`its batch is ${x.type.shape[0]}; a stream carries one image at a time`);
  const kernel = numbers(node.attrs['kernel_shape'], []) as [number, number];
  const strides = numbers(node.attrs['strides'], [1, 1]);
  const dilations = numbers(node.attrs['dilations'], [1, 1]);
  const pads = numbers(node.attrs['pads'], [0, 0, 0, 0]);
  const shown = `kernel [${kernel}], strides [${strides}], dilations [${dilations}], pads [${pads}]`;
  if (kernel.some((k, i) => k !== strides[i]) || dilations.some((d) => d !== 1) || pads.some((p) => p !== 0))
    return refused(`its windows overlap, have gaps or padding (${shown})`);
  const [, height = 1, width = 1] = x.type.shape;
  const [, rows, columns] = node.types[0]!.shape;
  // What ceil_mode or auto_pad adds are windows that lie partly outside.
  if (rows !== Math.floor(height / kernel[0]) || columns !== Math.floor(width / kernel[1]))
    return refused(`its windows reach beyond the image, ${height}×${width} to ${rows}×${columns} (${shown})`);
  return { value: apply<MaxPoolAttrs>(op, [x], { kernel, pe: 1, pixels: 1, memory: 'auto' }, node.origin) };
}
