import { BIPOLAR, type DataType, smallest } from '../../ir/datatype.ts';
import { extremes } from '../../ir/tensor.ts';
import { ceilDiv } from '../../util/maths.ts';
import { columnSums, finnWeightType, weightType } from '../widths.ts';
import type { Mvau } from './layer.ts';

/** An MVAU as FINN sees it: what its estimate is a function of. */
export interface FinnMvau {
  readonly backend: 'hls' | 'rtl';
  readonly mw: number;
  readonly mh: number;
  readonly pe: number;
  readonly simd: number;
  readonly inputBits: number;
  readonly inputSigned: boolean;
  readonly weightBits: number;
  readonly accumulatorBits: number;
  readonly outputBits: number;
  readonly activation: boolean;
  readonly ramStyle: 'auto' | 'block' | 'distributed' | 'ultra';
  readonly resType: 'auto' | 'lut' | 'dsp';
  readonly thresholdStyle: 'auto' | 'block' | 'distributed';
  /** Versal's DSP58. */
  readonly dsp58: boolean;
}

/** Keys and units of FINN's estimate_layer_resources.json. */
export interface FinnResources {
  readonly BRAM_18K: number;
  readonly BRAM_efficiency: number;
  readonly LUT: number;
  readonly URAM: number;
  readonly URAM_efficiency: number;
  readonly DSP: number;
}

/** FINN's XNOR mode: both operands bipolar, held as 0 and 1, equal bits counted. */
export const isXnor = (m: Mvau): boolean => m.input === BIPOLAR && weightType(m.weights) === BIPOLAR;

/** Bits of a weight as FINN stores it: one in XNOR mode. */
const finnWeightBits = (m: Mvau): number => (isXnor(m) ? 1 : finnWeightType(m.weights).bits);

/**
 * Bits of FINN's accumulator. In XNOR mode FINN takes the operands for plain 0 and 1, so that its type holds, signed, the most ones of a
 * column instead of the most equal bits.
 */
export function finnAccumulatorBits(m: Mvau, accumulator: DataType): number {
  if (!isXnor(m)) return accumulator.bits;
  const ones = columnSums(m.weights).positive;
  return smallest(-1, extremes(ones)[1]).bits;
}

/**
 * FINN's op_and_param_counts.json for the layer: multiplications by the two widths (the narrower first), weights, and
 * one threshold a neuron whatever the number of steps.
 */
export function finnCounts(m: Mvau, accumulator: DataType): Readonly<Record<string, number>> {
  const w = finnWeightBits(m);
  const [least, most] = [Math.min(w, m.input.bits), Math.max(w, m.input.bits)];
  const counts: Record<string, number> = {
    [`op_mac_${least}bx${most}b`]: m.mw * m.mh * m.vectors,
    [`param_weight_${w}b`]: m.mw * m.mh,
  };
  if (m.thresholds) counts[`param_threshold_${finnAccumulatorBits(m, accumulator)}b`] = m.mh;
  return counts;
}

/** FINN's choice between its two MVAUs (finn-facts.md B.2.3): RTL from 4 bits × 4 bits on, without thresholds. */
export function finnBackend(m: Mvau): 'hls' | 'rtl' {
  const weight = finnWeightType(m.weights);
  const a = m.input.bits;
  const w = weight.bits;
  const legalInput = (a >= 4 && a <= 8) || (a === 9 && m.input.signed);
  const rtl = !m.thresholds && weight.signed && legalInput && w >= 4 && w <= 8;
  return rtl ? 'rtl' : 'hls';
}

/** FINN's estimate for an MVAU, by its formulas (finn-facts.md B.2.2, checked against the golden files). */
export function finnEstimate(m: FinnMvau): FinnResources {
  const wmem = (m.mw * m.mh) / (m.pe * m.simd);
  const width = m.pe * m.simd * m.weightBits;
  const bram = m.ramStyle === 'distributed' || m.ramStyle === 'ultra' ? 0 : bram18(width, wmem);
  const uram = m.ramStyle === 'ultra' ? ceilDiv(width, 72) * ceilDiv(wmem, 4096) : 0;
  const bits = m.mw * m.mh * m.weightBits;
  return {
    BRAM_18K: bram,
    BRAM_efficiency: bram === 0 ? 1 : bits / (bram * 18 * 1024),
    LUT: m.backend === 'rtl' ? 0 : finnLuts(m, wmem),
    URAM: uram,
    URAM_efficiency: uram === 0 ? 1 : bits / (uram * 72 * 4096),
    DSP: finnDsp(m),
  };
}

function finnLuts(m: FinnMvau, wmem: number): number {
  const sum = m.weightBits + m.inputBits;
  const multiply = m.resType === 'dsp' ? 0 : m.simd * (2 * ceilDiv(sum, 6) - 1) * sum;
  const add = sum * (2 * m.simd - 1);
  const alpha = Math.log2(m.mw) + sum - 1 - (m.inputSigned ? 1 : 0);
  const acc = Math.min(m.accumulatorBits, Math.ceil(alpha + Math.log2(1 + 2 ** -alpha) + 1));
  // FINN counts tables and comparators only where its user puts the thresholds in LUTs by name.
  const levels = m.activation && m.thresholdStyle === 'distributed' ? 2 ** m.outputBits - 1 : 0;
  const thresholds = levels * acc * (ceilDiv(m.mh / m.pe, 64) + 1);
  const memory = m.ramStyle === 'distributed' ? m.pe * m.simd * m.weightBits * ceilDiv(wmem, 64) : 0;
  return Math.trunc(300 + 1.1 * (m.pe * (multiply + add + acc + thresholds)) + memory);
}

function finnDsp(m: FinnMvau): number {
  if (m.backend === 'rtl') return m.dsp58 ? m.pe * ceilDiv(m.simd, 3) : ceilDiv(m.pe, 4) * m.simd;
  return m.resType === 'dsp' ? m.pe * m.simd * ceilDiv(m.weightBits + m.inputBits, 48) : 0;
}

/** FINN's count of RAMB18 for a memory of `depth` words of `width` bits. */
export function bram18(width: number, depth: number): number {
  if (width === 1) return ceilDiv(depth, 16384);
  if (width === 2) return ceilDiv(depth, 8192);
  if (width <= 4) return ceilDiv(depth, 4096) * ceilDiv(width, 4);
  if (width <= 9) return ceilDiv(depth, 2048) * ceilDiv(width, 9);
  if (width <= 18 || depth > 512) return ceilDiv(depth, 1024) * ceilDiv(width, 18);
  return ceilDiv(depth, 512) * ceilDiv(width, 36);
}
