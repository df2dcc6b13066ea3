import type { Device } from '../../hdl/device.ts';
import { isBlock, memoryFlipFlops, memoryLuts } from '../../hdl/memory.ts';
import { thresholdCost } from '../../hdl/threshold-plan.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { log2Ceil } from '../../util/maths.ts';
import { digits } from '../encoding.ts';
import type { Resources } from '../operator.ts';
import { heapBits } from '../sums.ts';
import type { Vvau } from './layer.ts';
import { inLogic, type Plan, planOf } from './plan.ts';
import { sameInGroups } from './rtl.ts';

/** LUTs (SB_LUT4, LUT4, or LUT1…LUT6 before packing), registers and block memories of the circuit as Yosys maps it. */
export function vvauResources(v: Vvau, device: Device): Resources {
  const plan = planOf(v, device);
  const { family } = device;
  const { pe, groups, beats } = v;
  const n = plan.sumBits;
  const per = perBit(plan, family === 'ice40' || family === 'ecp5');
  let lut = 8 + 3 * log2Ceil(groups * beats);
  let ff = 6 + 3 * log2Ceil(groups * beats);
  let bram = 0;
  for (let c = 0; c < pe; c += 1) {
    let bits = heapBits(v.weights, v.simd, plan.input, plan.weights);
    if (inLogic(v)) {
      bits = 0;
      for (let p = 0; p < v.positions; p += 1)
        bits += plan.input.bits * digits(v.weights.data[p * v.channels + c]!).length;
    }
    lut += Math.max(0, (bits - plan.partBits) * per) + plan.partBits;
  }
  ff += pe * plan.partBits * (plan.cut === undefined ? 1 : 3);
  const weights = { depth: groups * beats, width: pe * v.simd * plan.weights.bits };
  if (!inLogic(v)) {
    if (isBlock(family, weights, v.memory)) bram += romBlocks(family, weights);
    else {
      lut += memoryLuts(family, weights);
      ff += memoryFlipFlops(family, weights);
    }
  }
  if (plan.thresholds) {
    const unit = thresholdCost(plan.thresholds);
    lut += unit.lut + (beats > 1 ? pe * (n + 1) : 0);
    ff += unit.ff + (beats > 1 ? pe * n : 0);
    bram += unit.bram;
  } else {
    const preloads = { depth: groups, width: pe * n };
    const constant = sameInGroups(v, plan);
    lut += pe * n * (beats > 1 ? 2 : 1) + (constant ? 0 : memoryLuts(family, preloads));
    ff += pe * n + (constant ? 0 : memoryFlipFlops(family, preloads));
  }
  return { lut: Math.ceil(lut), ff: Math.ceil(ff), bram, dsp: 0 };
}

/** LUTs for each bit that goes into a heap, its product's share included (as measured for the MVAU: circuits.md E1 to E3). */
function perBit(plan: Plan, lut4: boolean): number {
  const { kind } = plan.weights;
  if (lut4) return kind === 'constant' ? 1.9 : kind === 'ternary' ? 2.6 : 2.5;
  return kind === 'constant' ? 1.05 : kind === 'ternary' ? 2.4 : 1.5;
}
