import type { Family } from '../../hdl/device.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { ceilDiv } from '../../util/maths.ts';
import type { UpsampleAttrs } from './attrs.ts';

/** The memory of the beats that are repeated; its style as Yosys' ram_style says it. */
export interface Memory {
  readonly style: 'logic' | 'distributed' | 'block';
  readonly depth: number;
  readonly width: number;
}

/** Up to this many bits a memory of ice40, which has none in LUTs, is made of registers. */
const registerBits = 64;

/** Where `depth` beats of `width` bits lie: in blocks if they fill half of those they take. */
export function memoryFor(family: Family, depth: number, width: number, wanted: UpsampleAttrs['memory']): Memory {
  const shape = { depth, width };
  if (wanted !== 'auto') return { style: wanted === 'block' ? 'block' : 'distributed', ...shape };
  if (family === 'ice40') return { style: depth * width <= registerBits ? 'logic' : 'block', ...shape };
  return { style: depth * width >= romBlocks(family, shape) * 9216 ? 'block' : 'distributed', ...shape };
}

/** LUTs of a memory: RAM64M (four hold three bits of 64 places), TRELLIS_DPR16X4 (six hold four bits of 16), or enables and multiplexers. */
export function memoryLuts(family: Family, { style, depth, width }: Memory): number {
  if (style === 'block') return 0;
  if (style === 'logic') return Math.ceil(depth * 1.5 + width * depth * 0.7);
  return family === 'ecp5'
    ? Math.ceil(width * 1.5 * ceilDiv(depth, 16))
    : Math.ceil((width * 4 * ceilDiv(depth, 64)) / 3);
}
