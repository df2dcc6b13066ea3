import { BINARY, BIPOLAR, bitsFor, type DataType, int, smallest, TERNARY, uint } from '../ir/datatype.ts';
import { factsOf } from '../ir/facts.ts';
import { extremes, type Tensor } from '../ir/tensor.ts';
import { Remembered } from '../util/remembered.ts';

/** Least and greatest accumulator of every output. */
export interface AccumulatorRange {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** The positive and the negative integer weights (MW, MH) of every column, summed; found once for each array of weights. */
export function columnSums({ data, shape }: Tensor): {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
} {
  const mh = shape[1]!;
  return sums.get(data, [mh], () => {
    const sum = new Float64Array(mh);
    const magnitude = new Float64Array(mh);
    for (let at = 0; at < data.length; at += mh) {
      for (let j = 0; j < mh; j += 1) {
        const w = data[at + j]!;
        sum[j]! += w;
        magnitude[j]! += Math.abs(w);
      }
    }
    return {
      positive: magnitude.map((m, j) => (m + sum[j]!) / 2),
      negative: magnitude.map((m, j) => (sum[j]! - m) / 2),
    };
  });
}
const sums = new Remembered<ReturnType<typeof columnSums>>();

/** What x·W can be, by column of the integer weights (MW, MH), for any x of the type. Exact: both ends are reached. */
export function accumulatorRange(weights: Tensor, input: DataType): AccumulatorRange {
  const { positive, negative } = columnSums(weights);
  return {
    min: positive.map((p, j) => 0 + p * input.min + negative[j]! * input.max),
    max: positive.map((p, j) => 0 + p * input.max + negative[j]! * input.min),
  };
}

/**
 * FINN's type of an accumulator of min…max (finn-facts.md B.5): UINT⌈log2(max+1)⌉ where nothing is negative, else
 * INT⌈log2(max(−min, 1+max))+1⌉.
 */
export const accumulatorType = (min: number, max: number): DataType => smallest(min, Math.max(max, 0));

/** The narrowest accumulator type for the weights and any input of the type. */
export function accumulatorTypeOf(weights: Tensor, input: DataType): DataType {
  const range = accumulatorRange(weights, input);
  return accumulatorType(Math.min(...extremesOf(range.min)), Math.max(...extremesOf(range.max)));
}

const extremesOf = (data: Float64Array): [number, number] => extremes(data);

/** The narrowest type of the weights as our circuits store them: BIPOLAR, BINARY, TERNARY, or the smallest integers. */
export function weightType(weights: Tensor): DataType {
  const { min, max, nonZero } = factsOf(weights);
  if (min >= 0) return max <= 1 ? BINARY : uint(bitsFor(max));
  if (min === -1 && max <= 1) return nonZero ? BIPOLAR : TERNARY;
  return smallest(min, max);
}

/**
 * FINN's type of minimised weights (finn-facts.md B.5): the first of BINARY, UINT, BIPOLAR, TERNARY, INT that holds the
 * weight of largest magnitude, −max−1 standing for a positive one beside negative ones.
 */
export function finnWeightType(weights: Tensor): DataType {
  const { min, max } = factsOf(weights);
  if (min >= 0) return max <= 1 ? BINARY : uint(bitsFor(max));
  const value = -min > max ? min : -max - 1;
  if (value === -1) return BIPOLAR;
  let bits = 2;
  while (-(2 ** (bits - 1)) > value) bits += 1;
  return int(bits);
}
