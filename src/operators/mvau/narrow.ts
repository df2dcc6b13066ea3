import { smallest } from '../../ir/datatype.ts';
import { type ConstantValue, constant, node } from '../../ir/graph.ts';
import { extremes, retyped, type Tensor, tensor } from '../../ir/tensor.ts';
import { clamp } from '../../util/maths.ts';
import type { Layer, Operator } from '../operator.ts';
import { rangeOf } from './infer.ts';
import { type MvauAttrs, mvauOf } from './layer.ts';
import { type AccumulatorRange, accumulatorTypeOf, weightType } from './widths.ts';

/**
 * The same layer with the narrowest types: of the weights by their values, of the accumulator by weights and input type, of the
 * thresholds after rounding up and clipping to [least sum, greatest sum + 1], beyond which they mean always and never.
 */
export function narrowed(op: Operator<MvauAttrs>, layer: Layer<MvauAttrs>): Layer<MvauAttrs> {
  const m = mvauOf(layer);
  const accumulator = accumulatorTypeOf(m.weights, m.input).name;
  const [x, w, t] = layer.inputs;
  const named = (old: typeof w, value: Tensor) => constant(value, (old as ConstantValue).name);
  const weights = named(w, retyped(m.weights, weightType(m.weights)));
  const attrs = { ...layer.attrs, accumulator };
  if (!m.thresholds) {
    return node(op, [x, weights], { ...attrs, output: accumulator }, layer.origin) as Layer<MvauAttrs>;
  }
  const steps = named(t, clipped(m.thresholds, rangeOf(m.weights, m.input)));
  return node(op, [x, weights, steps], attrs, layer.origin) as Layer<MvauAttrs>;
}

/** Thresholds as integers that some accumulator can tell apart. A row for all neurons is clipped to what any of them reaches. */
function clipped(thresholds: Tensor, range: AccumulatorRange): Tensor {
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
