import type { Device } from '../../hdl/device.ts';
import { blocksOf, flipFlopsOfMemory, lutsOfMemory, type Memory } from '../../hdl/stream-memory.ts';
import { log2Ceil, sum } from '../../util/maths.ts';
import type { Resources } from '../operator.ts';
import { bufferPlan } from './buffer-rtl.ts';
import { loopBits } from './counters.ts';
import type { ParallelPlan } from './parallel.ts';
import type { Sizes } from './sizes.ts';

/** Of the buffer: a LUT per bit of a counter, an address or a sum, about half as many for each number that is added. */
export function bufferResources(s: Sizes, memory: Memory, device: Device): Resources {
  const plan = bufferPlan(s);
  const address = log2Ceil(memory.depth);
  const wraps = 2 ** address !== memory.depth;
  const counters = sum(plan.loops.map(({ count }) => loopBits(count)));
  const balances = plan.aheadBits + plan.roomBits;
  const sums = balances + address * (wraps ? 5 : 2);
  const numbers = plan.loops.length > 1 ? balances + address * (wraps ? 2 : 1) : 0;
  return {
    lut: Math.ceil(counters + 2 * plan.loops.length + sums + 0.6 * numbers + 6) + lutsOfMemory(device.family, memory),
    ff: counters + balances + 2 * address + 1 + flipFlopsOfMemory(memory),
    ...blocksOf(device.family, [memory]),
  };
}

/** Of windows in registers: those of the taps and of short delays, addresses of long ones, and counters. */
export function parallelResources(s: Sizes, plan: ParallelPlan, device: Device): Resources {
  const delays = [plan.columns, plan.rows].filter((d) => d !== undefined);
  const memories = delays.flatMap(({ memory }) => (memory ? [memory] : []));
  const shifted = sum(delays.map(({ memory, steps, width }) => (memory ? 0 : width * steps)));
  const addresses = sum(memories.map(({ depth }) => log2Ceil(depth)));
  const looks = plan.before.some((n) => n > 0) || Math.max(...s.stride) > 1;
  const counters = looks ? sum(plan.frame.filter((n) => n > 1).map((n) => loopBits(n) + 2)) : 0;
  const lefts = looks ? sum(plan.before.map((n, axis) => log2Ceil(Math.max(n, s.stride[1 - axis]! - 1, 1)) + 1)) : 0;
  return {
    lut: Math.ceil(
      counters + 1.5 * lefts + 1.6 * addresses + 4 + sum(memories.map((m) => lutsOfMemory(device.family, m))),
    ),
    ff: plan.width + shifted + 2 * addresses + counters + lefts + 1 + sum(memories.map((m) => flipFlopsOfMemory(m))),
    ...blocksOf(device.family, memories),
  };
}
