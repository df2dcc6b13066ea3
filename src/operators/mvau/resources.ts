import type { Device } from '../../hdl/device.ts';
import { isBlock, memoryFlipFlops, memoryLuts } from '../../hdl/memory.ts';
import { thresholdCost } from '../../hdl/threshold-plan.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { log2Ceil } from '../../util/maths.ts';
import { digits } from '../encoding.ts';
import type { Resources } from '../operator.ts';
import type { Mvau } from './layer.ts';
import { type Plan, planOf, sumsAreOutput } from './plan.ts';

/** LUTs (SB_LUT4, LUT4, or LUT1…LUT6 before packing), registers and block memories of the circuit as Yosys maps it. */
export function mvauResources(m: Mvau, device: Device): Resources {
  const plan = planOf(m, device);
  const lut4 = device.family === 'ice40' || device.family === 'ecp5';
  const { pe, simd, nf, sf } = m;
  const a = plan.input.bits;
  const n = plan.sumBits;
  const inputBits = simd * a;
  let lut = 12 + 2 * log2Ceil(nf * sf);
  let ff = 10 + 3 * log2Ceil(nf * sf);
  let bram = 0;

  for (let i = 0; i < pe; i += 1) {
    let bits = inputBits * (plan.weights.kind === 'integer' ? plan.weights.bits : 1);
    if (plan.weights.kind === 'constant') {
      bits = 0;
      for (let k = 0; k < m.mw; k += 1) bits += digits(m.weights.data[k * m.mh + i]!).length * a;
    }
    lut += Math.max(0, (bits - plan.partBits) * perBit(plan, lut4)) + plan.partBits;
  }
  ff += pe * plan.partBits * (plan.cut === undefined ? 1 : 3);

  const weights = { depth: nf * sf, width: pe * simd * plan.weights.bits };
  if (plan.front !== 'constant') {
    if (isBlock(device.family, weights, m.memory)) bram += romBlocks(device.family, weights);
    else {
      lut += memoryLuts(device.family, weights);
      ff += memoryFlipFlops(device.family, weights);
    }
  }
  if (plan.front === 'hold') ff += inputBits;
  if (plan.front === 'shift') {
    // Xilinx keeps all but the ring's ends in shift-register LUTs.
    const inLuts = !lut4 && sf > 3;
    lut += inputBits * (inLuts ? 2 : 1);
    ff += (inLuts ? 2 : sf) * inputBits;
  }
  if (plan.front === 'memory') {
    if (device.family === 'ice40') bram += romBlocks('ice40', { depth: sf, width: inputBits });
    else {
      lut += Math.ceil(inputBits * (lut4 ? 1.5 * Math.ceil(sf / 16) : 1.34 * Math.ceil(sf / 64)));
      ff += inputBits;
    }
  }
  if (plan.back === 'count') {
    const unit = thresholdCost(plan.thresholds!);
    lut += unit.lut + (sf > 1 ? pe * (n + 1) : 0);
    ff += unit.ff + (sf > 1 ? pe * n : 0);
    bram += unit.bram;
  } else if (!sumsAreOutput(m, plan)) {
    const preload = nf > 1 ? memoryLuts(device.family, { depth: nf, width: pe * n }) : 0;
    lut += preload + pe * n * (sf > 1 && nf > 1 ? 2 : 1);
    ff += pe * (plan.back === 'sign' ? 1 : n) + (sf > 1 ? pe * n : 0) + (nf > 1 ? pe * n : 0);
  }
  return { lut: Math.ceil(lut), ff: Math.ceil(ff), bram, dsp: 0 };
}

/**
 * LUTs for each bit that goes into a heap, its product's share included (measured: circuits.md E1 to E3). A LUT4 takes 1.9 a bit and
 * half a LUT for a product of two variables; a LUT6 1.0 for plain bits.
 */
function perBit(plan: Plan, lut4: boolean): number {
  const { kind } = plan.weights;
  if (lut4) return kind === 'constant' ? 1.9 : kind === 'ternary' ? 2.6 : 2.5;
  return kind === 'constant' ? 1.05 : kind === 'ternary' ? 2.4 : 1.5;
}
