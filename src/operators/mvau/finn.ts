import { BIPOLAR, bitsFor, type DataType } from '../../ir/datatype.ts';
import { ceilDiv } from '../../util/maths.ts';
import type { Mvau } from './layer.ts';
import { finnWeightType, weightType } from './widths.ts';

/** What FINN's estimate needs to know beyond the layer. */
export interface FinnSettings {
  readonly backend: 'hls' | 'rtl';
  readonly ramStyle: 'auto' | 'block' | 'distributed' | 'ultra';
  readonly resType: 'auto' | 'lut' | 'dsp';
  readonly thresholdStyle: 'auto' | 'block' | 'distributed';
  readonly dsp58: boolean;
}

export const finnDefaults: FinnSettings = {
  backend: 'hls',
  ramStyle: 'auto',
  resType: 'auto',
  thresholdStyle: 'auto',
  dsp58: false,
};

/** FINN's XNOR mode: both operands bipolar, held as 0 and 1, equal bits counted. */
export const isXnor = (m: Mvau): boolean => m.input === BIPOLAR && weightType(m.weights) === BIPOLAR;

/** FINN's choice between its two MVAUs (finn-facts.md B.2.3): RTL from 4 bits × 4 bits on, without thresholds. */
export function finnBackend(m: Mvau): 'hls' | 'rtl' {
  const weight = finnWeightType(m.weights);
  const a = m.input.bits;
  const w = weight.bits;
  const legalInput = (a >= 4 && a <= 8) || (a === 9 && m.input.signed);
  const rtl = !m.thresholds && m.input !== BIPOLAR && weight.signed && legalInput && w >= 4 && w <= 8;
  return rtl ? 'rtl' : 'hls';
}

/** FINN's estimate for an MVAU, by its formulas (finn-facts.md B.2.2), in the units of estimate_layer_resources.json. */
export function finnResources(m: Mvau, accumulator: DataType, s: FinnSettings) {
  const xnor = isXnor(m);
  const w = xnor ? 1 : finnWeightType(m.weights).bits;
  const a = m.input.bits;
  const accBits = xnor ? bitsFor(m.mw) : accumulator.bits;
  const wmem = m.nf * m.sf;
  const width = m.pe * m.simd * w;
  const bram = s.ramStyle === 'distributed' || s.ramStyle === 'ultra' ? 0 : bram18(width, wmem);
  const uram = s.ramStyle === 'ultra' ? ceilDiv(width, 72) * ceilDiv(wmem, 4096) : 0;
  const bits = m.mw * m.mh * w;
  return {
    BRAM_18K: bram,
    BRAM_efficiency: bram === 0 ? 1 : bits / (bram * 18 * 1024),
    LUT: s.backend === 'rtl' ? 0 : finnLuts(m, w, a, accBits, s),
    URAM: uram,
    URAM_efficiency: uram === 0 ? 1 : bits / (uram * 72 * 4096),
    DSP: finnDsp(m, w, a, s),
  };
}

function finnLuts(m: Mvau, w: number, a: number, accBits: number, s: FinnSettings): number {
  const wmem = m.nf * m.sf;
  const tmem = m.nf;
  const dsp = s.resType === 'dsp';
  const multiply = dsp ? 0 : m.simd * (2 * ceilDiv(w + a, 6) - 1) * (w + a);
  const add = (w + a) * (2 * m.simd - 1);
  const alpha = Math.log2(m.mw) + w + a - 1 - (m.input.signed ? 1 : 0);
  const acc = Math.min(accBits, Math.ceil(alpha + Math.log2(1 + 2 ** -alpha) + 1));
  // FINN counts tables and comparators only where its user puts the thresholds in LUTs by name.
  const levels = m.thresholds && s.thresholdStyle === 'distributed' ? 2 ** m.output.bits - 1 : 0;
  const thresholds = levels * acc * (ceilDiv(tmem, 64) + 1);
  const memory = s.ramStyle === 'distributed' ? m.pe * m.simd * w * ceilDiv(wmem, 64) : 0;
  return Math.floor(300 + 1.1 * (m.pe * (multiply + add + acc + thresholds)) + memory);
}

function finnDsp(m: Mvau, w: number, a: number, s: FinnSettings): number {
  if (s.backend === 'rtl') return s.dsp58 ? m.pe * ceilDiv(m.simd, 3) : ceilDiv(m.pe, 4) * m.simd;
  return s.resType === 'dsp' ? m.pe * m.simd * ceilDiv(w + a, 48) : 0;
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
