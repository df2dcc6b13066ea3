import type { DataType } from '../../ir/datatype.ts';
import { admits } from '../../ir/datatype.ts';
import { factsOf } from '../../ir/facts.ts';
import type { NodeContext, TensorType, Value } from '../../ir/graph.ts';
import { extremes, type Tensor, tensor } from '../../ir/tensor.ts';
import { checkThresholds } from '../fused-thresholds.ts';
import { dataType, illegal, mustDivide } from '../layer.ts';
import { accumulatorRange } from '../widths.ts';
import type { VvauAttrs } from './layer.ts';

/** Why x, W cannot be a VVAU at all, or undefined. */
export function unfit(x: Value | undefined, w: Value | undefined): string | undefined {
  if (!x || !w) return 'it has no two inputs';
  if (w.kind !== 'constant') return 'its weights are computed, not constant';
  const { dtype, shape } = x.type;
  if (!dtype.integer) return `its input is ${dtype.name}, not integers`;
  if (dtype.bits > 16) return `its input is ${dtype.name}; at most 16 bits are possible`;
  const { integer, min, max } = factsOf(w.tensor);
  if (!integer) return 'its weights are not integers';
  if (min < -32768 || max > 65535) return `its weights are ${min} … ${max}; at most 16 bits are possible`;
  const [k = 0, channels = 0] = w.type.shape;
  if (w.type.shape.length !== 2 || shape.at(-1) !== k * channels)
    return `its weights have shape [${w.type.shape}], not (positions, channels) of windows of ${shape.at(-1) ?? 1} elements`;
  return undefined;
}

/** Type of the output; throws where folding, thresholds or datatypes do not fit. */
export function inferVvau(inputs: readonly Value[], attrs: VvauAttrs, context: NodeContext): readonly TensorType[] {
  const [x, w, t] = inputs;
  const reason = unfit(x, w);
  if (reason) illegal('layer/input', 'VVAU', context, reason);
  const weights = (w as Extract<Value, { kind: 'constant' }>).tensor;
  const [positions, channels] = weights.shape as [number, number];
  mustDivide('VVAU', context, 'pe', attrs.pe, channels, 'channels');
  mustDivide('VVAU', context, 'simd', attrs.simd, positions, 'positions of a window');
  const accumulator = dataType(attrs.accumulator);
  const range = accumulatorRange(weights, x!.type.dtype);
  const [[min], [, max]] = [extremes(range.min), extremes(range.max)];
  if (!admits(accumulator, min) || !admits(accumulator, max))
    illegal(
      'layer/attribute',
      'VVAU',
      context,
      `sums of ${min} … ${max} do not fit its accumulator, ${accumulator.name}`,
    );
  const output = dataType(attrs.output);
  if (t) checkThresholds(t, channels, attrs, output, context.origin);
  else if (output !== accumulator)
    illegal(
      'layer/attribute',
      'VVAU',
      context,
      `without thresholds its output is ${accumulator.name}, not ${output.name}`,
    );
  return [{ dtype: output, shape: [...x!.type.shape.slice(0, -1), channels] }];
}

/** Each channel of windows x[…, k·C] times its weights W[k, C]: […, C], in exact integers. */
export function multiply(x: Tensor, weights: Tensor, dtype: DataType): Tensor {
  const [positions, channels] = weights.shape as [number, number];
  const out = new Float64Array(x.data.length / positions);
  for (let i = 0; i < out.length; i += channels)
    for (let p = 0; p < positions; p += 1)
      for (let c = 0; c < channels; c += 1)
        out[i + c]! += x.data[i * positions + p * channels + c]! * weights.data[p * channels + c]!;
  return tensor(dtype, [...x.shape.slice(0, -1), channels], out);
}
