import type { Device } from '../../hdl/device.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { log2Ceil, sum } from '../../util/maths.ts';
import type { Resources } from '../operator.ts';
import { bufferPlan, loopBits } from './buffer-rtl.ts';
import { lutsOfMemory, type Memory, ultraBlocks } from './memory.ts';
import type { Sizes } from './sizes.ts';

const blocksOf = ({ family }: Device, memory: Memory): { bram: number; uram?: number; dsp: number } => ({
  bram: memory.style === 'block' ? romBlocks(family, memory) : 0,
  ...(memory.style === 'ultra' ? { uram: ultraBlocks(memory) } : {}),
  dsp: 0,
});

/** Of the buffer: a LUT per bit of a counter, an address or a sum, about half as many for each number that is added. */
export function bufferResources(s: Sizes, memory: Memory, device: Device): Resources {
  const plan = bufferPlan(s);
  const address = log2Ceil(memory.depth);
  const wraps = 2 ** address !== memory.depth;
  const counters = sum(plan.loops.map((loop) => loopBits(loop) + 2));
  const sums = plan.aheadBits + plan.roomBits + address * (wraps ? 5 : 2);
  const numbers = plan.loops.length > 1 ? plan.aheadBits + plan.roomBits + address * (wraps ? 2 : 1) : 0;
  return {
    lut: Math.ceil(counters + sums + 0.6 * numbers + 6) + lutsOfMemory(device.family, memory),
    ff: counters + plan.aheadBits + plan.roomBits + 2 * address + (memory.style === 'block' ? 1 : memory.width + 1),
    ...blocksOf(device, memory),
  };
}
