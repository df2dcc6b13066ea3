import type { DataType } from '../../ir/datatype.ts';
import { ceilDiv } from '../../util/maths.ts';
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

/** A VVAU_hls without thresholds as FINN sees it: what its estimate is a function of. */
export interface FinnVvau {
  readonly channels: number;
  readonly positions: number;
  readonly pe: number;
  readonly simd: number;
  readonly inputBits: number;
  readonly inputSigned: boolean;
  readonly weightBits: number;
  readonly accumulatorBits: number;
  readonly ramStyle: 'auto' | 'block' | 'distributed';
}

/** FINN's estimate for a VVAU (finn-facts.md B.2.2, checked against the golden files). */
export function finnVvauEstimate(v: FinnVvau): { LUT: number; BRAM_18K: number; DSP: number; URAM: number } {
  const wmem = (v.channels * v.positions) / (v.pe * v.simd);
  const sum = v.weightBits + v.inputBits;
  const multiply = v.simd * (2 * ceilDiv(sum, 6) - 1) * sum;
  const add = sum * (2 * v.simd - 1);
  const alpha = Math.log2(v.positions) + sum - 1 - (v.inputSigned ? 1 : 0);
  const acc = Math.min(v.accumulatorBits, Math.ceil(alpha + Math.log2(1 + 2 ** -alpha) + 1));
  const width = v.pe * v.simd * v.weightBits;
  const inLuts = v.ramStyle === 'distributed' ? width * ceilDiv(wmem, 64) : 0;
  const none = v.ramStyle === 'distributed' || (v.ramStyle === 'auto' && wmem <= 128);
  return {
    LUT: Math.trunc(300 + 1.1 * v.pe * (multiply + add + acc) + inLuts),
    BRAM_18K: none ? 0 : bram18(width, wmem),
    DSP: 0,
    URAM: 0,
  };
}

/** FINN's count of RAMB18 for VVAU weights: words are cut into bytes without their parity bits. */
function bram18(width: number, depth: number): number {
  if (width === 1) return ceilDiv(depth, 16384);
  if (width === 2) return ceilDiv(depth, 8192);
  if (width <= 4) return ceilDiv(depth, 4096) * ceilDiv(width, 4);
  if (width <= 8) return ceilDiv(depth, 2048) * ceilDiv(width, 8);
  if (width <= 16 || depth > 512) return ceilDiv(depth, 1024) * ceilDiv(width, 16);
  return ceilDiv(depth, 512) * ceilDiv(width, 32);
}
