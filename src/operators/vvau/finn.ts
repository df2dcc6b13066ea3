import type { DataType } from '../../ir/datatype.ts';
import { finnWeightType } from '../widths.ts';
import type { Vvau } from './layer.ts';

/**
 * FINN's op_and_param_counts.json for the layer: multiplications by the two widths (the narrower first), weights, and one threshold
 * a channel whatever the number of steps.
 */
export function finnCounts(v: Vvau, accumulator: DataType): Readonly<Record<string, number>> {
  const w = finnWeightType(v.weights).bits;
  const [least, most] = [Math.min(w, v.input.bits), Math.max(w, v.input.bits)];
  const weights = v.positions * v.channels;
  const counts: Record<string, number> = {
    [`op_mac_${least}bx${most}b`]: weights * v.windows,
    [`param_weight_${w}b`]: weights,
  };
  if (v.thresholds) counts[`param_threshold_${accumulator.bits}b`] = v.channels;
  return counts;
}
