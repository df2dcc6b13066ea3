import { ceilDiv } from '../util/maths.ts';
import type { Family } from './device.ts';

/** Where a table lies: in LUTs, in block memory, or wherever the break-even of the family says. */
export type Placement = 'auto' | 'lut' | 'block';

/** A read-only memory with a registered read: `words` of `width` bits. */
export interface RomShape {
  readonly depth: number;
  readonly width: number;
}

/** Configurations [depth, width] of one block memory: SB_RAM40, DP16KD, RAMB18. */
const aspects: Record<Family, readonly (readonly [number, number])[]> = {
  ice40: [
    [256, 16],
    [512, 8],
    [1024, 4],
    [2048, 2],
  ],
  ecp5: [
    [512, 36],
    [1024, 18],
    [2048, 9],
    [4096, 4],
    [8192, 2],
    [16384, 1],
  ],
  xc7: [
    [512, 36],
    [1024, 18],
    [2048, 9],
    [4096, 4],
    [8192, 2],
    [16384, 1],
  ],
  xcup: [
    [512, 36],
    [1024, 18],
    [2048, 9],
    [4096, 4],
    [8192, 2],
    [16384, 1],
  ],
};

/** LUTs that a device of the family has for each of its block memories (data sheets: between up5k and hx8k, 85F, 7A35T, ZU3). */
export const lutsPerBlock: Readonly<Record<Family, number>> = { ice40: 200, ecp5: 400, xc7: 208, xcup: 163 };

/** LUTs of a ROM with random contents, as Yosys counts them, before two share a LUT6 (measured: circuits.md rule 10, E6). */
export function romLuts(family: Family, { depth, width }: RomShape): number {
  if (depth <= 2) return 0;
  const inputs = family === 'ice40' || family === 'ecp5' ? 16 : 64;
  // There are no more different columns than functions of the address.
  if (depth <= 8) return Math.min(width, 2 ** depth - 2);
  if (depth <= inputs) return width;
  const mux = family === 'ice40' ? 1.7 : family === 'ecp5' ? 1 : 1.1;
  return Math.ceil((depth / inputs) * mux * width);
}

/** Block memories of a ROM, the best aspect taken. */
export const romBlocks = (family: Family, { depth, width }: RomShape): number =>
  Math.min(...aspects[family].map(([d, w]) => ceilDiv(depth, d) * ceilDiv(width, w)));

/** Of these, how many share a bit of the word: a multiplexer chooses between them. */
export function romPages(family: Family, { depth, width }: RomShape): number {
  const blocks = romBlocks(family, { depth, width });
  const best = aspects[family].filter(([d, w]) => ceilDiv(depth, d) * ceilDiv(width, w) === blocks);
  return Math.min(...best.map(([d]) => ceilDiv(depth, d)));
}

/** Does the ROM go to block memory? */
export function inBlock(family: Family, shape: RomShape, placement: Placement): boolean {
  if (shape.depth <= 1) return false;
  if (placement !== 'auto') return placement === 'block';
  return romLuts(family, shape) > lutsPerBlock[family] * romBlocks(family, shape);
}

/** Tables up to this many bits are written into the source, larger ones into a file for $readmemh. */
const inlineBits = 2048;

/** A hexadecimal literal of `width` bits. */
export const literal = (value: bigint, width: number): string =>
  `${width}'h${(value & ((1n << BigInt(width)) - 1n)).toString(16)}`;

/**
 * Declaration and contents of a ROM called `name`; its registered read is the caller's. `file` is the image's name, put into
 * `memories` if the table is too large for the source. Words are taken modulo 2^width.
 */
export function romText(
  name: string,
  file: string,
  width: number,
  words: readonly bigint[],
  block: boolean,
  memories: Record<string, string>,
): string[] {
  const style = block ? 'rom_style = "block", ram_style = "block"' : 'ram_style = "logic"';
  const declaration = `(* ${style} *) reg [${width - 1}:0] ${name} [0:${words.length - 1}];`;
  if (words.length * width <= inlineBits) {
    const cells = words.map((word, i) => `  ${name}[${i}] = ${literal(word, width)};`);
    return [declaration, 'initial begin', ...cells, 'end'];
  }
  const digits = ceilDiv(width, 4);
  const mask = (1n << BigInt(width)) - 1n;
  memories[file] = words.map((word) => `${(word & mask).toString(16).padStart(digits, '0')}\n`).join('');
  return [declaration, `initial $readmemh("${file}", ${name});`];
}
