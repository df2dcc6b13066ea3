import { ceilDiv, log2Ceil, sum } from '../util/maths.ts';
import type { Device, Family } from './device.ts';
import { lutsPerBlock, type Placement, romBlocks, romPages } from './threshold-rom.ts';

/** Where beats wait, as Yosys' ram_style says it. */
export type Style = 'logic' | 'distributed' | 'block' | 'ultra';

/** Where a user wants them to wait. */
export type StreamPlacement = Placement | 'ultra';

/** Why a memory of beats cannot lie where a user wants it, in words for the user; undefined if it can. */
export function refusedPlacement(placement: StreamPlacement, family: Family): string | undefined {
  if (placement === 'lut' && family === 'ice40')
    return "ice40 has no memory in LUTs; set `memory` to 'block' or 'auto'";
  if (placement === 'ultra' && family !== 'xcup')
    return `${family} has no UltraRAM; set \`memory\` to 'block' or 'auto'`;
  return undefined;
}

/** A memory of beats of a stream: each is written once, and read in any order, as often as need be. */
export interface Memory {
  readonly style: Style;
  readonly depth: number;
  readonly width: number;
}

/** Up to this many bits a memory of ice40, which has none in LUTs, is made of registers. */
const registerBits = 64;

/** Places of the family's memories in LUTs (RAM64M; TRELLIS_DPR16X4), or of their smallest (RAM32M). */
const lutPlaces = (family: Family, depth: number): number => (family === 'ecp5' ? 16 : depth <= 32 ? 32 : 64);

/** LUTs of a multiplexer over `pages` words. */
const muxLuts = (family: Family, pages: number, width: number): number => {
  if (pages <= 1) return 0;
  const perBit = family === 'ice40' || family === 'ecp5' ? (pages - 1) * 0.8 : ceilDiv(pages - 1, 3);
  return Math.ceil(width * perBit + 2 * pages);
};

/**
 * LUTs of a memory. A RAM64M of four LUTs holds 3 bits of 64 places, a RAM32M 6 bits of 32, on xcup RAM64M8 and RAM32M16 of eight LUTs 7
 * and 14 bits; TRELLIS_DPR16X4 and its write port take six. Of registers, each place has its enable and each bit a multiplexer.
 */
export function lutsOfMemory(family: Family, { style, depth, width }: Memory): number {
  if (style === 'block') return muxLuts(family, romPages(family, { depth, width }), width);
  if (style === 'logic') return Math.ceil(depth * 1.5 + width * depth * 0.7);
  if (style === 'ultra') return 0;
  const places = lutPlaces(family, depth);
  const pages = ceilDiv(depth, places);
  const mux = muxLuts(family, pages, width);
  if (family === 'ecp5') return 6 * ceilDiv(width, 4) * pages + mux;
  const [luts, bits] = family === 'xcup' ? [8, 7] : [4, 3];
  return luts * ceilDiv(width, places === 32 ? 2 * bits : bits) * pages + mux;
}

/** UltraRAMs (4096 × 72) of a memory. */
const ultraBlocks = ({ depth, width }: Memory): number => ceilDiv(depth, 4096) * ceilDiv(width, 72);

/** Blocks of memories, as an operator counts them among its resources; `uram` where there are any. */
export function blocksOf(family: Family, memories: readonly Memory[]): { bram: number; uram?: number; dsp: number } {
  const count = (style: Style, blocks: (memory: Memory) => number): number =>
    sum(memories.filter((m) => m.style === style).map(blocks));
  const uram = count('ultra', ultraBlocks);
  return { bram: count('block', (m) => romBlocks(family, m)), ...(uram > 0 ? { uram } : {}), dsp: 0 };
}

/** Registers that a memory is made of, and those of its read; a block memory has its own. */
export const flipFlopsOfMemory = ({ style, depth, width }: Memory): number =>
  style === 'block' || style === 'ultra' ? 0 : width * (style === 'logic' ? depth + 1 : 1);

/** LUTs of a memory, and those that a device has for each block that it takes. */
export const worthOfMemory = (family: Family, memory: Memory): number =>
  lutsOfMemory(family, memory) + (memory.style === 'block' ? lutsPerBlock[family] * romBlocks(family, memory) : 0);

function styleOf(family: Family, depth: number, width: number, wanted: StreamPlacement): Style {
  if (wanted !== 'auto') return wanted === 'lut' ? 'distributed' : wanted;
  if (family === 'ice40') return depth * width <= registerBits ? 'logic' : 'block';
  const worth = (style: Style): number => worthOfMemory(family, { style, depth, width });
  return worth('distributed') > worth('block') ? 'block' : 'distributed';
}

/** The memory for `depth` places of `width` bits: of a power of two where that takes no more blocks or LUTs. */
export function memoryFor({ family }: Device, depth: number, width: number, wanted: StreamPlacement): Memory {
  const style = styleOf(family, depth, width, wanted);
  const exact: Memory = { style, depth, width };
  const round: Memory = { style, depth: 2 ** log2Ceil(depth), width };
  const cost = (m: Memory): number => {
    if (style === 'block') return romBlocks(family, m);
    return style === 'ultra' ? ultraBlocks(m) : ceilDiv(m.depth, lutPlaces(family, m.depth));
  };
  return style !== 'logic' && cost(round) <= cost(exact) ? round : exact;
}

/** Declaration of a memory called `name`. It is never read where it is written in the same cycle. */
export const memoryText = ({ style, depth, width }: Memory, name: string): string =>
  `(* ram_style = "${style}", no_rw_check *) reg [${width - 1}:0] ${name} [0:${depth - 1}];`;
