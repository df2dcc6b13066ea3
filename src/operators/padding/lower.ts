import { apply, type Node } from '../../ir/graph.ts';
import { extremes } from '../../ir/tensor.ts';
import type { Sides } from '../border.ts';
import { notImage } from '../layer.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { PaddingAttrs } from './attrs.ts';

/** An ONNX Pad with a constant integer, above, below and beside images N×H×W×C, becomes an FMPadding. */
export function lowerPad(op: Operator<PaddingAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'Pad' || node.op.domain !== '') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const reason = notImage(x.type);
  if (reason) return { refused: reason };
  const mode = node.attrs['mode'] ?? 'constant';
  if (mode !== 'constant') return { refused: `its mode is '${String(mode)}', not 'constant'` };
  const pads = listOf(node, 1, 'pads');
  const axes = listOf(node, 3, 'axes') ?? [0, 1, 2, 3];
  if (!pads) return { refused: 'its pads are not constant' };
  const value = constantOf(node);
  if (!Number.isInteger(value)) return { refused: `it pads with ${value}, which is no integer` };
  const [before, after] = [new Array<number>(4).fill(0), new Array<number>(4).fill(0)];
  axes.forEach((axis, i) => {
    before[axis < 0 ? axis + 4 : axis] = pads[i]!;
    after[axis < 0 ? axis + 4 : axis] = pads[i + axes.length]!;
  });
  const other = [0, 3].find((axis) => before[axis] !== 0 || after[axis] !== 0);
  if (other !== undefined) return { refused: `it pads axis ${other}, not height or width` };
  const sides: Sides = [before[1]!, before[2]!, after[1]!, after[2]!];
  if (extremes(sides)[0] < 0) return { refused: `it pads by ${extremes(sides)[0]}: a crop is a Slice` };
  return { value: apply(op, [x], { pads: sides, value, simd: 1, pixels: 1 }, node.origin) };
}

/** A constant list from an input, or from the attribute that it was once. */
function listOf(node: Node, index: number, name: string): readonly number[] | undefined {
  const given = node.inputs[index];
  if (given) return given.kind === 'constant' ? [...given.tensor.data] : undefined;
  const attribute = node.attrs[name];
  return Array.isArray(attribute) ? (attribute as number[]) : undefined;
}

function constantOf(node: Node): number | undefined {
  const given = node.inputs[2];
  if (!given) return 0;
  return given.kind === 'constant' ? (given.tensor.data[0] ?? 0) : undefined;
}
