import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { admits, type DataType } from '../../ir/datatype.ts';
import type { NodeContext, TensorType, Value } from '../../ir/graph.ts';
import { extremes, type Tensor } from '../../ir/tensor.ts';
import { divisors } from '../../util/maths.ts';
import { dataType, type MvauAttrs } from './layer.ts';
import { type AccumulatorRange, accumulatorRange } from './widths.ts';

/** Ranges are asked for often, with the same weights. */
const known = new WeakMap<Tensor, { input: DataType; range: AccumulatorRange }>();

/** The range of x·W, remembered for the weights. */
export function rangeOf(weights: Tensor, input: DataType): AccumulatorRange {
  const seen = known.get(weights);
  if (seen?.input === input) return seen.range;
  const range = accumulatorRange(weights, input);
  known.set(weights, { input, range });
  return range;
}

/** Why x, W and thresholds cannot be an MVAU at all, or undefined. */
export function unfit(x: Value | undefined, w: Value | undefined): string | undefined {
  if (!x || !w) return 'it has no two inputs';
  if (w.kind !== 'constant') return 'its weights are computed, not constant';
  if (w.type.shape.length !== 2) return `its weights have shape [${w.type.shape}], not (inputs, outputs)`;
  const { dtype } = x.type;
  if (!dtype.integer) return `its input is ${dtype.name}, not integers`;
  if (dtype.bits > 16) return `its input is ${dtype.name}; at most 16 bits are possible`;
  if (!w.tensor.data.every(Number.isInteger)) return 'its weights are not integers';
  const [min, max] = extremes(w.tensor.data);
  if (min < -32768 || max > 65535) return `its weights are ${min} … ${max}; at most 16 bits are possible`;
  if (x.type.shape.at(-1) !== w.type.shape[0]) {
    return `its input has ${x.type.shape.at(-1) ?? 1} channels, its weights ${w.type.shape[0]}`;
  }
  return undefined;
}

/** Type of the output; throws where folding, thresholds or datatypes do not fit. */
export function inferMvau(inputs: readonly Value[], attrs: MvauAttrs, { origin }: NodeContext): readonly TensorType[] {
  const at = inNetwork(origin);
  const [x, w, t] = inputs;
  const reason = unfit(x, w);
  if (reason) fail('mvau/inputs', `the matrix product cannot be built: ${reason}`, { at });
  const weights = (w as Extract<Value, { kind: 'constant' }>).tensor;
  const [mw, mh] = weights.shape as [number, number];
  const divides = (key: 'pe' | 'simd', what: string, of: number): void => {
    const n = attrs[key];
    if (Number.isInteger(n) && n > 0 && of % n === 0) return;
    fail('mvau/folding', `${origin.join(', ')} has ${of} ${what}; ${key}: ${n} does not divide ${of}`, {
      at,
      hint: `use ${divisors(of).join(', ')}`,
    });
  };
  divides('pe', 'outputs', mh);
  divides('simd', 'inputs', mw);

  const accumulator = dataType(attrs.accumulator);
  const range = rangeOf(weights, x!.type.dtype);
  const [min] = extremes(range.min);
  const [, max] = extremes(range.max);
  if (!admits(accumulator, min) || !admits(accumulator, max)) {
    fail('mvau/datatype', `sums of ${min} … ${max} do not fit the accumulator type ${accumulator.name}`, { at });
  }
  const output = dataType(attrs.output);
  if (!t) {
    if (output !== accumulator) {
      fail('mvau/datatype', `without thresholds the output is ${accumulator.name}, not ${output.name}`, { at });
    }
  } else checkThresholds(t, mh, attrs, output, at);
  return [{ dtype: output, shape: [...x!.type.shape.slice(0, -1), mh] }];
}

function checkThresholds(
  t: Value,
  mh: number,
  attrs: MvauAttrs,
  output: DataType,
  at: ReturnType<typeof inNetwork>,
): void {
  const wrong = (message: string): never => fail('mvau/thresholds', message, { at });
  if (t.kind !== 'constant') fail('mvau/thresholds', 'the thresholds are computed, not constant', { at });
  const [rows, steps] = t.type.shape as [number, number];
  if (t.type.shape.length !== 2 || (rows !== 1 && rows !== mh)) {
    wrong(`thresholds of shape [${t.type.shape}] for ${mh} outputs; (${mh} or 1, steps) is wanted`);
  }
  const { data } = t.tensor;
  for (let i = 1; i < data.length; i += 1) {
    if (i % steps !== 0 && !(data[i - 1]! <= data[i]!)) wrong(`threshold row ${Math.floor(i / steps)} does not ascend`);
  }
  for (const count of [0, steps]) {
    const value = attrs.scale * count + attrs.bias;
    if (!admits(output, value)) {
      wrong(`${count} of ${steps} thresholds reached give ${value}, which ${output.name} does not hold`);
    }
  }
}
