import { extremes, type Tensor, tensor } from '../ir/tensor.ts';
import { digits, type InputCode, tabulated, type WeightCode } from './encoding.ts';

/** Do weights of the code have more than one product bit for each of the input's? */
const wide = ({ kind }: WeightCode): boolean => kind === 'integer' || kind === 'booth';

/**
 * Product bits that the largest heap adds in a cycle, for weights (rows, outputs) of which `simd` rows are worked on at once;
 * all of them where they are constants in logic.
 */
export function heapBits(weights: Tensor, simd: number, input: InputCode, code: WeightCode): number {
  if (code.kind !== 'constant') return simd * input.bits * (wide(code) ? code.bits : 1);
  const [rows, outputs] = weights.shape as [number, number];
  const totals = new Float64Array(outputs);
  for (let i = 0; i < rows; i += 1)
    for (let j = 0; j < outputs; j += 1) totals[j]! += digits(weights.data[i * outputs + j]!).length;
  return input.bits * extremes(totals)[1];
}

/**
 * Heaps of 12 bits or more have registers half-way between what comes before (memory, product) and the carry chain behind, each about
 * as long as three counters; flip-flops share the cells of the LUTs in front of them. The rule is the same on every family, so that a
 * layer's depth is too.
 */
export function heapCut(bits: number, input: InputCode, code: WeightCode): number | undefined {
  if (bits < 12) return undefined;
  const columns = input.bits + (wide(code) ? code.bits - 1 : 0);
  const levels = Math.ceil(Math.log(Math.max(3, bits / columns) / 2) / Math.log(1.5));
  return Math.max(1, Math.ceil(levels / 2));
}

/** What the sum of products of each output is beside scale · P, where P is the heap's sum; weights are (rows, outputs). */
export function offsetsOf(weights: Tensor, input: InputCode, code: WeightCode): Float64Array {
  const [rows, outputs] = weights.shape as [number, number];
  const offset = new Float64Array(outputs);
  const constant = tabulated(weights, (w) => input.scale * code.correction(w) + input.offset * w);
  for (let i = 0; i < rows; i += 1) {
    const row = i * outputs;
    for (let j = 0; j < outputs; j += 1) offset[j]! += constant(weights.data[row + j]!);
  }
  return offset;
}

/** Greatest partial sum of one cycle, which adds `simd` rows of the weights (rows, outputs), over all outputs and cycles. */
export function greatestPart(weights: Tensor, simd: number, code: WeightCode): number {
  const [rows, outputs] = weights.shape as [number, number];
  const mostOf = tabulated(weights, code.most);
  const totals = new Float64Array(outputs);
  let most = 0;
  for (let from = 0; from < rows; from += simd) {
    totals.fill(0);
    for (let i = from; i < from + simd; i += 1) {
      const row = i * outputs;
      for (let j = 0; j < outputs; j += 1) totals[j]! += mostOf(weights.data[row + j]!);
    }
    most = Math.max(most, extremes(totals)[1]);
  }
  return most;
}

/** Thresholds (outputs or 1, steps) on sums of products as steps of P, a row for each of the offsets. */
export function inSums(thresholds: Tensor, offset: Float64Array, scale: number): Tensor {
  const [rows, steps] = thresholds.shape as [number, number];
  const data = new Float64Array(offset.length * steps);
  for (let j = 0; j < offset.length; j += 1) {
    for (let k = 0; k < steps; k += 1)
      data[j * steps + k] = (thresholds.data[(rows === 1 ? 0 : j) * steps + k]! - offset[j]!) / scale;
  }
  return tensor(thresholds.dtype, [offset.length, steps], data);
}
