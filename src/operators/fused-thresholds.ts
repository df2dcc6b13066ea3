import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import { admits, BINARY, BIPOLAR, type DataType, parseDataType, smallest } from '../ir/datatype.ts';
import type { ConstantValue, Node, NodeValue, Op, Value } from '../ir/graph.ts';
import { extremes, type Tensor, tensor } from '../ir/tensor.ts';
import { clamp } from '../util/maths.ts';
import type { Lowering } from './operator.ts';
import type { AccumulatorRange } from './widths.ts';

/** What becomes of a layer's sums: an output is scale · (thresholds reached) + bias, of the type called `output`. */
export interface Activation {
  readonly scale: number;
  readonly bias: number;
  readonly output: string;
}

/** A MultiThreshold that a layer of sums takes in. */
export interface Fused extends Activation {
  /** The layer's output. */
  readonly sums: NodeValue;
  /** (channels or 1, steps). */
  readonly thresholds: ConstantValue;
}

/**
 * The thresholds of `node`, a MultiThreshold, if it alone reads an output of `op` that has none yet (no third input), along the last
 * axis; why they cannot be taken in though they should be; undefined where they are none of the layer's business.
 */
export function fusedThresholds(
  op: Op<never>,
  node: Node,
  lowering: Lowering,
): Fused | { readonly refused: string } | undefined {
  const [x, t] = node.inputs;
  if (x?.kind !== 'node' || t?.kind !== 'constant' || (x.node.op as Op<never>) !== op || x.node.inputs[2])
    return undefined;
  if (lowering.options.standaloneThresholds || !lowering.sole(x)) return undefined;
  const layout = node.attrs['data_layout'] ?? 'NCHW';
  const channelsLast = (typeof layout === 'string' && layout.endsWith('C')) || x.type.shape.length <= 2;
  if (t.type.shape.length !== 2 || (!channelsLast && t.type.shape[0] !== 1)) return undefined;

  const scale = Number(node.attrs['out_scale'] ?? 1);
  const bias = Number(node.attrs['out_bias'] ?? 0);
  const refused = (why: string) => ({
    refused: `${node.origin.join(', ')} cannot become the thresholds of its ${op.name}: ${why}`,
  });
  if (!Number.isInteger(scale) || scale < 1) return refused(`out_scale is ${scale}; a positive integer is wanted`);
  if (!Number.isInteger(bias)) return refused(`out_bias is ${bias}; an integer is wanted`);
  const named = node.attrs['out_dtype'];
  const asked = typeof named === 'string' ? parseDataType(named) : undefined;
  const output = outputType(asked, scale, bias, t.type.shape[1]!).name;
  return { sums: x, thresholds: t, scale, bias, output };
}

/** The type asked for, if it is of integers and holds all outputs; else the narrowest. */
function outputType(asked: DataType | undefined, scale: number, bias: number, steps: number): DataType {
  const [least, most] = [bias, scale * steps + bias];
  if (asked?.integer && admits(asked, least) && admits(asked, most)) return asked;
  if (least === -1 && most === 1 && steps === 1) return BIPOLAR;
  if (least === 0 && most <= 1) return BINARY;
  return smallest(least, most);
}

/** Fails unless `t` is a constant (channels or 1, steps) with ascending rows whose outputs `output` holds. */
export function checkThresholds(
  t: Value,
  channels: number,
  { scale, bias }: Pick<Activation, 'scale' | 'bias'>,
  output: DataType,
  origin: readonly string[],
): void {
  const at = inNetwork(origin);
  const wrong = (message: string): never => fail('mvau/thresholds', message, { at });
  if (t.kind !== 'constant') fail('mvau/thresholds', 'the thresholds are computed, not constant', { at });
  const [rows, steps] = t.type.shape as [number, number];
  if (t.type.shape.length !== 2 || (rows !== 1 && rows !== channels)) {
    wrong(`thresholds of shape [${t.type.shape}] for ${channels} outputs; (${channels} or 1, steps) is wanted`);
  }
  const { data } = t.tensor;
  for (let i = 1; i < data.length; i += 1) {
    if (i % steps !== 0 && !(data[i - 1]! <= data[i]!)) wrong(`threshold row ${Math.floor(i / steps)} does not ascend`);
  }
  for (const count of [0, steps]) {
    const value = scale * count + bias;
    if (!admits(output, value)) {
      wrong(`${count} of ${steps} thresholds reached give ${value}, which ${output.name} does not hold`);
    }
  }
}

/** QONNX's MultiThreshold on the last axis: scale · (thresholds t ≤ value) + bias. Rows of thresholds ascend. */
export function activate(acc: Tensor, thresholds: Tensor, scale: number, bias: number, dtype: DataType): Tensor {
  const channels = acc.shape.at(-1)!;
  const [rows, steps] = thresholds.shape as [number, number];
  const out = new Float64Array(acc.data.length);
  for (let i = 0; i < out.length; i += 1) {
    const row = (rows === 1 ? 0 : i % channels) * steps;
    const value = acc.data[i]!;
    let low = 0;
    let high = steps;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (thresholds.data[row + middle]! <= value) low = middle + 1;
      else high = middle;
    }
    out[i] = scale * low + bias;
  }
  return tensor(dtype, acc.shape, out);
}

/**
 * Thresholds as integers that some sum can tell apart: rounded up and clipped to [least sum, greatest sum + 1]. A row for all channels
 * is clipped to what any of them reaches.
 */
export function clippedThresholds(thresholds: Tensor, range: AccumulatorRange): Tensor {
  const [rows, steps] = thresholds.shape as [number, number];
  const least = (row: number): number => (rows === 1 ? extremes(range.min)[0] : range.min[row]!);
  const most = (row: number): number => (rows === 1 ? extremes(range.max)[1] : range.max[row]!);
  const data = new Float64Array(rows * steps);
  for (let row = 0; row < rows; row += 1) {
    const [low, high] = [least(row), most(row) + 1];
    for (let i = row * steps; i < (row + 1) * steps; i += 1) data[i] = clamp(Math.ceil(thresholds.data[i]!), low, high);
  }
  const [min, max] = extremes(data);
  return tensor(data.length === 0 ? thresholds.dtype : smallest(min, Math.max(max, 0)), thresholds.shape, data);
}
