import { BINARY, BIPOLAR, bitsFor, type DataType, int, smallest, TERNARY, uint } from '../ir/datatype.ts';
import { extremes, type Tensor } from '../ir/tensor.ts';

/** Least and greatest accumulator of every output. */
export interface AccumulatorRange {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** What x·W can be, by column of the integer weights (MW, MH), for any x of the type. Exact: both ends are reached. */
export function accumulatorRange(weights: Tensor, input: DataType): AccumulatorRange {
  const [mw, mh] = weights.shape as [number, number];
  const min = new Float64Array(mh);
  const max = new Float64Array(mh);
  for (let i = 0; i < mw; i += 1) {
    for (let j = 0; j < mh; j += 1) {
      const w = weights.data[i * mh + j]!;
      const a = w * input.min;
      const b = w * input.max;
      min[j]! += Math.min(a, b);
      max[j]! += Math.max(a, b);
    }
  }
  return { min, max };
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
  const [min, max] = extremes(weights.data);
  if (min >= 0) return max <= 1 ? BINARY : uint(bitsFor(max));
  if (min === -1 && max <= 1) return weights.data.every((w) => w !== 0) ? BIPOLAR : TERNARY;
  return smallest(min, max);
}

/**
 * FINN's type of minimised weights (finn-facts.md B.5): the first of BINARY, UINT, BIPOLAR, TERNARY, INT that holds the
 * weight of largest magnitude, −max−1 standing for a positive one beside negative ones.
 */
export function finnWeightType(weights: Tensor): DataType {
  const [min, max] = extremes(weights.data);
  if (min >= 0) return max <= 1 ? BINARY : uint(bitsFor(max));
  const value = -min > max ? min : -max - 1;
  if (value === -1) return BIPOLAR;
  let bits = 2;
  while (-(2 ** (bits - 1)) > value) bits += 1;
  return int(bits);
}
