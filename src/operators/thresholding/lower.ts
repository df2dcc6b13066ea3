import { admits, type DataType, parseDataType } from '../../ir/datatype.ts';
import { apply, type Node, type Value } from '../../ir/graph.ts';
import type { Lowered, Lowering, Operator } from '../operator.ts';
import { outputsOf, type ThresholdingAttrs } from './unit.ts';

/** A MultiThreshold on integers, with a multiplication by ±1 in front of it, becomes a Thresholding. */
export function lowerThresholds(op: Operator<ThresholdingAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  if (node.op.name !== 'MultiThreshold') return undefined;
  const [given, thresholds] = node.inputs;
  if (!given || thresholds?.kind !== 'constant') return { refused: 'its thresholds are not constant' };
  const signed = signOf(given, lowering);
  const x = signed?.x ?? given;
  if (!x.type.dtype.integer) return { refused: `its input is ${x.type.dtype.name}, not integer` };
  const rank = x.type.shape.length;
  const rows = thresholds.type.shape[0];
  const channels = x.type.shape.at(-1) ?? 1;
  const layout = node.attrs['data_layout'];
  const last = rank <= 2 || (typeof layout === 'string' && layout.endsWith('C'));
  if (rows !== 1 && !(last && rows === channels)) {
    return { refused: `its ${rows} rows of thresholds do not run along the last axis, of ${channels}` };
  }
  const number = (key: string, otherwise: number): number => {
    const value = node.attrs[key];
    return typeof value === 'number' ? value : otherwise;
  };
  const scale = number('out_scale', 1);
  const bias = number('out_bias', 0);
  const output = outputOf(node);
  const wrong = outputsOf({ scale, bias }, thresholds.type.shape[1]!).find((v) => !output || !admits(output, v));
  if (!output || wrong !== undefined) {
    return { refused: `it can give ${wrong}, which is no ${output?.name ?? 'integer of its type'}` };
  }
  const attrs: ThresholdingAttrs = {
    pe: 1,
    memory: 'auto',
    scale,
    bias,
    output: output.name,
    ...(signed ? { sign: signed.sign } : {}),
  };
  return { value: apply(op, [x, thresholds], attrs, [...(signed?.origin ?? []), ...node.origin]) };
}

function outputOf(node: Node): DataType | undefined {
  const named = node.attrs['out_dtype'];
  const dtype = (typeof named === 'string' ? parseDataType(named) : undefined) ?? node.types[0]!.dtype;
  return dtype.integer ? dtype : undefined;
}

/** What is multiplied by a constant 1 or −1 along the last axis, if `value` is that and nothing else reads it. */
function signOf(
  value: Value,
  lowering: Lowering,
): { x: Value; sign: readonly number[]; origin: readonly string[] } | undefined {
  if (value.kind !== 'node' || !lowering.sole(value)) return undefined;
  const { node } = value;
  const channels = value.type.shape.at(-1);
  if (channels === undefined) return undefined;
  // Lowering asks from the inputs on: the product is a layer by now, its constants one or one for each channel.
  if (node.op.name !== 'ChannelwiseOp' || node.attrs['function'] !== 'Mul') return undefined;
  const [x, factor] = node.inputs;
  if (!x || factor?.kind !== 'constant') return undefined;
  const { data } = factor.tensor;
  if (!data.every((v) => v === 1 || v === -1)) return undefined;
  const perChannel = data.length === channels;
  if (!perChannel && data.length !== 1) return undefined;
  if (x.type.shape.length !== value.type.shape.length || x.type.shape.at(-1) !== channels) return undefined;
  const sign = Array.from({ length: channels }, (_, c) => data[perChannel ? c : 0]!);
  return { x, sign, origin: node.origin };
}
