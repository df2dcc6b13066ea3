import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { admits } from '../../ir/datatype.ts';
import { factsOf } from '../../ir/facts.ts';
import type { NodeContext, TensorType, Value } from '../../ir/graph.ts';
import { extremes } from '../../ir/tensor.ts';
import { divisors } from '../../util/maths.ts';
import { checkThresholds } from '../fused-thresholds.ts';
import { dataType } from '../layer.ts';
import { accumulatorRange } from '../widths.ts';
import type { MvauAttrs } from './layer.ts';

/** Why x, W and thresholds cannot be an MVAU at all, or undefined. */
export function unfit(x: Value | undefined, w: Value | undefined): string | undefined {
  if (!x || !w) return 'it has no two inputs';
  if (w.kind !== 'constant') return 'its weights are computed, not constant';
  if (w.type.shape.length !== 2) return `its weights have shape [${w.type.shape}], not (inputs, outputs)`;
  const { dtype } = x.type;
  if (!dtype.integer) return `its input is ${dtype.name}, not integers`;
  if (dtype.bits > 16) return `its input is ${dtype.name}; at most 16 bits are possible`;
  const { integer, min, max } = factsOf(w.tensor);
  if (!integer) return 'its weights are not integers';
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
  const range = accumulatorRange(weights, x!.type.dtype);
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
  } else checkThresholds(t, mh, attrs, output, origin);
  return [{ dtype: output, shape: [...x!.type.shape.slice(0, -1), mh] }];
}
