import { type ConstantValue, constant, node } from '../../ir/graph.ts';
import { retyped, type Tensor } from '../../ir/tensor.ts';
import { clippedThresholds } from '../fused-thresholds.ts';
import type { Layer, Operator } from '../operator.ts';
import { accumulatorRange, accumulatorTypeOf, weightType } from '../widths.ts';
import { type MvauAttrs, mvauOf } from './layer.ts';

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
  const steps = named(t, clippedThresholds(m.thresholds, accumulatorRange(m.weights, m.input)));
  return node(op, [x, weights, steps], attrs, layer.origin) as Layer<MvauAttrs>;
}
