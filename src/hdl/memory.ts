import { ceilDiv, log2Ceil } from '../util/maths.ts';
import type { Family } from './device.ts';
import { inBlock, literal, type Placement, type RomShape, romBlocks, romLuts, romText } from './threshold-rom.ts';

/** A read-only memory with a registered read, as one circuit needs it. */
export interface Rom {
  /** Names of its parts begin with this; the images are called <module>_<name>….hex. */
  readonly name: string;
  readonly module: string;
  readonly width: number;
  readonly words: readonly bigint[];
  /** Expressions: the clock, when a word is read, and the address (⌈log2 words⌉ bits). */
  readonly clock: string;
  readonly enable: string;
  readonly address: string;
  /** The word that was read, declared here. */
  readonly target: string;
}

/** Families whose LUTs have four inputs: their memories are cut into pages. */
const paged = (family: Family): boolean => family === 'ice40' || family === 'ecp5';

/** LUTs that such devices have for each of their block memories (data sheets: hx8k 240, up5k 176; ECP5-85F 400). */
const lutsPerBlock = { ice40: 200, ecp5: 400 } as const;

/** Does the family's memory of this shape go to block memory? */
export function isBlock(family: Family, shape: RomShape, placement: Placement): boolean {
  if (placement !== 'auto' || (family !== 'ice40' && family !== 'ecp5')) return inBlock(family, shape, placement);
  return memoryLuts(family, shape) > lutsPerBlock[family] * romBlocks(family, shape);
}

/** Flip-flops of the memory's registered read: those of every page where it is cut into pages. */
export const memoryFlipFlops = (family: Family, { depth, width }: RomShape): number =>
  depth <= 1 ? 0 : width * (paged(family) ? ceilDiv(depth, 16) : 1);

/** LUTs of the memory if it lies in LUTs, with random contents, before any two share a LUT6. */
export function memoryLuts(family: Family, shape: RomShape): number {
  const { depth, width } = shape;
  if (depth <= 1) return 0;
  if (!paged(family)) return depth <= 64 ? width : romLuts(family, shape);
  const pages = ceilDiv(depth, 16);
  return width * (pages + ceilDiv(pages - 1, 3));
}

/**
 * Verilog of the memory. In LUTs of four inputs it is cut into pages of 16 words, each a LUT4 and its flip-flop a bit; all pages but the
 * one that is read are held at zero by the flip-flops' synchronous reset, so that an OR joins them: 64 × 64 bits take 5.0 LUT4
 * a bit, where a multiplexer over 64 words takes 7.6 (measured, Yosys 0.23, ice40).
 */
export function romVerilog(family: Family, rom: Rom, block: boolean, memories: Record<string, string>): string[] {
  const { name, module, width, words, clock, enable, address, target } = rom;
  const range = `[${width - 1}:0]`;
  const read = (to: string, from: string): string => `always @(posedge ${clock}) if (${enable}) ${to} <= ${from};`;
  if (words.length === 1) return [`reg ${range} ${target};`, read(target, literal(words[0]!, width))];
  if (block || !paged(family) || words.length <= 16) {
    return [
      ...romText(name, `${module}_${name}.hex`, width, words, block, memories),
      `reg ${range} ${target};`,
      read(target, `${name}[${address}]`),
    ];
  }
  const bits = log2Ceil(words.length);
  const lines = [`wire [${bits - 1}:0] ${name}_at = ${address};`];
  const pages = ceilDiv(words.length, 16);
  for (let page = 0; page < pages; page += 1) {
    const own = words.slice(16 * page, 16 * (page + 1));
    while (own.length < 16) own.push(0n);
    const part = `${name}_${page}`;
    lines.push(
      ...romText(part, `${module}_${part}.hex`, width, own, false, memories),
      `reg ${range} ${part}_q;`,
      `always @(posedge ${clock}) if (${enable}) begin`,
      `  if (${name}_at[${bits - 1}:4] != ${bits - 4}'d${page}) ${part}_q <= ${width}'d0;`,
      `  else ${part}_q <= ${part}[${name}_at[3:0]];`,
      'end',
    );
  }
  const joined = Array.from({ length: pages }, (_, page) => `${name}_${page}_q`).join(' | ');
  lines.push(`wire ${range} ${target} = ${joined};`);
  return lines;
}
