import { admits, BINARY, BIPOLAR, type DataType, parseDataType, smallest } from '../../ir/datatype.ts';
import { apply, type ConstantValue, type Node, type Value } from '../../ir/graph.ts';
import type { Lowered, Lowering, Operator } from '../operator.ts';
import { unfit } from './infer.ts';
import type { MvauAttrs } from './layer.ts';
import { accumulatorTypeOf } from './widths.ts';

/** A MatMul with constant integer weights becomes an MVAU; a MultiThreshold that alone reads an MVAU is fused into it. */
export function lowerMvau(mvau: Operator<MvauAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const { op } = node;
  if (op.domain === '' && op.name === 'MatMul') return lowerMatMul(mvau, node);
  if (op.name === 'MultiThreshold')
    return lowering.options.standaloneThresholds ? undefined : fuse(mvau, node, lowering);
  return undefined;
}

function lowerMatMul(mvau: Operator<MvauAttrs>, node: Node): Lowered {
  const [x, w] = node.inputs;
  const reason = unfit(x, w);
  if (reason) return { refused: `${node.origin.join(', ')} cannot become an MVAU: ${reason}` };
  const { dtype } = (x as Value).type;
  const accumulator = accumulatorTypeOf((w as ConstantValue).tensor, dtype).name;
  const attrs = { pe: 1, simd: 1, memory: 'auto', bias: 0, scale: 1, accumulator, output: accumulator } as const;
  return { value: apply<MvauAttrs>(mvau, [x, w], attrs, node.origin) };
}

function fuse(mvau: Operator<MvauAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const [x, t] = node.inputs;
  if (x?.kind !== 'node' || t?.kind !== 'constant' || x.node.op !== mvau || x.node.inputs[2]) return undefined;
  if (!lowering.sole(x)) return undefined;
  const layout = node.attrs['data_layout'] ?? 'NCHW';
  const channelsLast = (typeof layout === 'string' && layout.endsWith('C')) || x.type.shape.length <= 2;
  if (!channelsLast && t.type.shape[0] !== 1) return undefined;
  if (t.type.shape.length !== 2) return undefined;

  const scale = Number(node.attrs['out_scale'] ?? 1);
  const bias = Number(node.attrs['out_bias'] ?? 0);
  const steps = t.type.shape[1]!;
  const refused = (why: string): Lowered => ({
    refused: `${node.origin.join(', ')} cannot become thresholds of an MVAU: ${why}`,
  });
  if (!Number.isInteger(scale) || scale < 1) return refused(`out_scale is ${scale}; a positive integer is wanted`);
  if (!Number.isInteger(bias)) return refused(`out_bias is ${bias}; an integer is wanted`);
  const named = node.attrs['out_dtype'];
  const asked = typeof named === 'string' ? parseDataType(named) : undefined;
  const output = outputType(asked, scale, bias, steps);
  const attrs = { ...(x.node.attrs as MvauAttrs), scale, bias, output: output.name };
  const origin = [...x.node.origin, ...node.origin];
  return { value: apply<MvauAttrs>(mvau, [x.node.inputs[0], x.node.inputs[1], t], attrs, origin) };
}

/** The type asked for, if it is of integers and holds all outputs; else the narrowest. */
function outputType(asked: DataType | undefined, scale: number, bias: number, steps: number): DataType {
  const [least, most] = [bias, scale * steps + bias];
  if (asked?.integer && admits(asked, least) && admits(asked, most)) return asked;
  if (least === -1 && most === 1 && steps === 1) return BIPOLAR;
  if (least === 0 && most <= 1) return BINARY;
  return smallest(least, most);
}
