import type { Device } from '../../hdl/device.ts';
import { isBlock, memoryFlipFlops, memoryLuts } from '../../hdl/memory.ts';
import { thresholdCost } from '../../hdl/threshold-plan.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { bitsFor } from '../../ir/datatype.ts';
import { ceilDiv, log2Ceil } from '../../util/maths.ts';
import { digits } from '../encoding.ts';
import type { Resources } from '../operator.ts';
import { rowsInChain } from './dots.ts';
import type { Mvau } from './layer.ts';
import { heapConstants, type Plan, planOf, preloadsAre, sumsAreOutput } from './plan.ts';
import { unrolled } from './unrolled.ts';

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

  const dots = dotCost(m, plan, lut4);
  lut += dots.lut;
  ff += dots.ff;

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
    const words = preloadsAre(m, plan) === 'words';
    const preload = words ? memoryLuts(device.family, { depth: nf, width: pe * n }) : 0;
    lut += preload + pe * (lut4 ? n * (sf > 1 && words ? 2 : 1) : words ? n : plan.partBits);
    ff += pe * (plan.back === 'sign' ? 1 : n) + (sf > 1 ? pe * n : 0) + (words ? pe * n : 0);
  }
  return { lut: Math.ceil(lut), ff: Math.ceil(ff), bram, dsp: 0 };
}

/** LUTs and registers of all lanes' sums of products. */
function dotCost(m: Mvau, plan: Plan, lut4: boolean): { lut: number; ff: number } {
  const { pe, simd } = m;
  const { weights, input, partBits } = plan;
  const cost = { lut: 0, ff: 0 };
  const add = (lut: number, ff: number): void => {
    cost.lut += lut;
    cost.ff += ff;
  };
  if (plan.form === 'rows') {
    // A LUT for every bit of a row but the first of a chain, and for every bit where sums are joined.
    const rows = weights.kind === 'booth' ? Math.ceil((weights.bits + (weights.signed ? 0 : 1)) / 2) : 1;
    const rowBits = input.bits + (weights.kind === 'booth' ? 1 : 0);
    const chains = ceilDiv(rows * simd, rowsInChain);
    const joined = partBits - log2Ceil(chains) / 2;
    add(
      pe * (simd * rows * rowBits + (chains - 1) * joined),
      pe * (partBits + (plan.cut === undefined ? 0 : chains * (rowBits + 2))),
    );
    return cost;
  }
  if (plan.levels !== undefined) {
    const { shared, heaps, bits } = unrolled(m, plan, heapConstants(m, plan));
    const own = heaps.reduce((n, _, j) => n + widthOf(m, plan, j), 0);
    const triples = 2 * input.bits * shared.triples.length;
    // Each level has half the bits of the one before.
    add(triples + Math.max(0, bits.left - own) * perBit(plan, lut4) + own, triples + bits.left + 2 * own);
    return cost;
  }
  for (let i = 0; i < pe; i += 1) {
    let bits = simd * input.bits * (weights.kind === 'integer' ? weights.bits : 1);
    let width = partBits;
    if (weights.kind === 'constant') {
      bits = 0;
      for (let k = 0; k < m.mw; k += 1) bits += digits(m.weights.data[k * m.mh + i]!).length * input.bits;
      width = Math.min(partBits, widthOf(m, plan, i));
    }
    add(Math.max(0, bits - width) * perBit(plan, lut4) + width, width * (plan.cut === undefined ? 1 : 3));
  }
  return cost;
}

/** Bits that neuron j's sum can have, with all weights in logic. */
function widthOf(m: Mvau, plan: Plan, j: number): number {
  let most = 0;
  for (let i = 0; i < m.mw; i += 1) most += plan.weights.most(m.weights.data[i * m.mh + j]!);
  return most === 0 ? 0 : bitsFor(most * 2 ** plan.input.shift);
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
