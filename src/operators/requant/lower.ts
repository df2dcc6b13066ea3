import { thresholdCost } from '../../hdl/threshold-plan.ts';
import { thresholdTable } from '../../hdl/threshold-table.ts';
import { admits, BIPOLAR, type DataType, parseDataType, smallest } from '../../ir/datatype.ts';
import {
  type ConstantValue,
  constant,
  node as makeNode,
  type Node,
  output as outputOf,
  type Value,
} from '../../ir/graph.ts';
import { extremes, type Tensor, tensor } from '../../ir/tensor.ts';
import type { Layer, Lowered, Lowering, Operator } from '../operator.ts';
import type { RequantAttrs } from './layer.ts';
import { linesOf, type Staircase, staircase } from './solve.ts';

/** Output bits from which on it is tried: thresholds double with each, a product grows by a row. */
const fewestBits = 5;

/**
 * A MultiThreshold of many uniform steps becomes a multiplication, an addition and a shift where those give every count exactly, for every
 * integer of the input's type, and cost less than the thresholds. What is no such MultiThreshold is left to Thresholding, without a word.
 */
export function lowerRequant(op: Operator<RequantAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  if (node.op.name !== 'MultiThreshold') return undefined;
  const [given, thresholds] = node.inputs;
  if (!given || thresholds?.kind !== 'constant' || Number(node.attrs['out_scale'] ?? 1) !== 1) return undefined;
  const bias = Number(node.attrs['out_bias'] ?? 0);
  const [rows, steps] = thresholds.tensor.shape as [number, number];
  const { dtype, shape } = given.type;
  const channels = shape.at(-1) ?? 1;
  const layout = node.attrs['data_layout'];
  const last = shape.length <= 2 || (typeof layout === 'string' && layout.endsWith('C'));
  if (!dtype.integer || dtype === BIPOLAR || dtype.bits > 32 || (rows !== 1 && !(last && rows === channels)))
    return undefined;
  const output = outputType(node);
  if (!Number.isInteger(bias) || !output || !admits(output, bias) || !admits(output, bias + steps)) return undefined;
  const table = thresholdTable(
    thresholds.tensor,
    channels,
    () => dtype.min,
    () => dtype.max,
  );
  if (table.bits < fewestBits) return undefined;

  const staircases = rowsOf(thresholds.tensor, dtype);
  const solved = staircases && linesOf(staircases);
  if (!solved) return undefined;
  const { shift, lines } = solved;
  const front = multiplied(given, lowering);
  const count = Math.max(lines.length, front.factors.length);
  const pick = <T>(list: readonly T[], i: number): T => list[list.length === 1 ? 0 : i]!;
  const factors = Array.from({ length: count }, (_, i) => pick(lines, i).factor * pick(front.factors, i));
  const offsets = Array.from({ length: count }, (_, i) => pick(lines, i).offset + bias * 2 ** shift);
  const attrs: RequantAttrs = { shift, low: bias, high: bias + steps, output: output.name, pe: 1, memory: 'auto' };
  const origin = [...front.origin, ...node.origin];
  const made = makeNode<RequantAttrs>(op, [front.x, column(factors), column(offsets)], attrs, origin);
  const device = { family: 'xc7' } as const;
  const price = ({ lut, bram }: { lut: number; bram: number }): number => lut + 208 * bram;
  const accumulators = { accBits: dtype.bits, accSigned: dtype.signed, output, scale: 1, bias, device };
  if (
    price(op.resources(made as Layer<RequantAttrs>, device)) >= price(thresholdCost({ table, pe: 1, ...accumulators }))
  )
    return undefined;
  return { value: outputOf(made as unknown as Node) };
}

function outputType(node: Node): DataType | undefined {
  const named = node.attrs['out_dtype'];
  const dtype = (typeof named === 'string' ? parseDataType(named) : undefined) ?? node.types[0]!.dtype;
  return dtype.integer && dtype !== BIPOLAR ? dtype : undefined;
}

/** A constant of one row a channel, or one for all where they are the same. */
function column(data: readonly number[]): ConstantValue {
  return constant(tensor(smallest(...extremes(data)), [data.length, 1], data));
}

/** The staircases of all rows, if every row is one. */
function rowsOf({ shape, data }: Tensor, { min, max }: DataType): Staircase[] | undefined {
  const [rows, steps] = shape as [number, number];
  const found: Staircase[] = [];
  for (let row = 0; row < rows; row += 1) {
    const list = Array.from(data.subarray(row * steps, (row + 1) * steps), Math.ceil).sort((a, b) => a - b);
    const one = staircase(list, min, max);
    if (!one) return undefined;
    found.push(one);
  }
  return found;
}

/** What is multiplied by constants to give `value`, by one or one a channel, if that is a layer that nothing else reads. */
function multiplied(
  value: Value,
  lowering: Lowering,
): { x: Value; factors: readonly number[]; origin: readonly string[] } {
  const whole = { x: value, factors: [1], origin: [] };
  if (value.kind !== 'node' || !lowering.sole(value)) return whole;
  const { op, attrs, inputs, origin } = value.node;
  const [x, constants] = inputs;
  if (op.name !== 'ChannelwiseOp' || attrs['function'] !== 'Mul' || constants?.kind !== 'constant') return whole;
  return x ? { x, factors: Array.from(constants.tensor.data), origin } : whole;
}
