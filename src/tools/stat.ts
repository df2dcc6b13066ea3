import { bug } from '../diagnostics/diagnostic.ts';
import type { Family } from '../hdl/device.ts';

/** What a netlist holds. The first members are those of an operator's `Resources`. */
export interface CellCounts {
  readonly lut: number;
  readonly ff: number;
  /** In the family's unit: SB_RAM40 (ice40), DP16KD (ecp5), RAMB18 (xc7, xcup; a RAMB36 is two). */
  readonly bram: number;
  readonly uram?: number;
  readonly dsp: number;
  /** Cells by type, alphabetical. */
  readonly cells: Readonly<Record<string, number>>;
}

type Unit = 'lut' | 'ff' | 'bram' | 'uram' | 'dsp';
type Rule = readonly [cell: RegExp, unit: Unit, each: number];

const xilinx: readonly Rule[] = [
  [/^LUT[1-6]$/, 'lut', 1],
  [/^INV$/, 'lut', 1],
  [/^SRL(16E|C16E|C32E)$/, 'lut', 1],
  // LUTs of distributed RAM, from the vendor's library guides (UG953, UG974).
  [/^RAM(16|32|64)X1S(_1)?$/, 'lut', 1],
  [/^RAM(16|32|64)X1D(_1)?$/, 'lut', 2],
  [/^RAM128X1S(_1)?$/, 'lut', 2],
  [/^RAM128X1D$/, 'lut', 4],
  [/^RAM256X1S$/, 'lut', 4],
  [/^RAM256X1D$/, 'lut', 8],
  [/^RAM(32|64)M$/, 'lut', 4],
  [/^RAM(32M16|64M8)$/, 'lut', 8],
  [/^FD[RSCP]E(_1)?$/, 'ff', 1],
  [/^RAMB18E[12]$/, 'bram', 1],
  [/^RAMB36E[12]$/, 'bram', 2],
  [/^URAM288(_BASE)?$/, 'uram', 1],
  [/^DSP48E[12]$/, 'dsp', 1],
];

const rules: Readonly<Record<Family, readonly Rule[]>> = {
  ice40: [
    [/^SB_LUT4$/, 'lut', 1],
    [/^SB_DFF/, 'ff', 1],
    [/^SB_RAM40_4K/, 'bram', 1],
    [/^SB_MAC16$/, 'dsp', 1],
  ],
  ecp5: [
    [/^LUT4$/, 'lut', 1],
    [/^CCU2C$/, 'lut', 2],
    // Four LUTs hold the bits, and a slice's two LUTs are its write port (FPGA-TN-02204).
    [/^TRELLIS_DPR16X4$/, 'lut', 6],
    [/^TRELLIS_FF$/, 'ff', 1],
    [/^(DP|PDPW)16KD$/, 'bram', 1],
    [/^MULT18X18D$/, 'dsp', 1],
  ],
  xc7: xilinx,
  xcup: xilinx,
};

/** Cell counts of Yosys' `stat -json`, of the whole design. */
export function parseStat(json: Uint8Array | string, family: Family): CellCounts {
  const text = typeof json === 'string' ? json : new TextDecoder().decode(json);
  const report = JSON.parse(text) as { readonly design?: { readonly num_cells_by_type?: Record<string, number> } };
  const byType = report.design?.num_cells_by_type ?? bug('a stat.json without a design');
  const counts: Record<Unit, number> = { lut: 0, ff: 0, bram: 0, uram: 0, dsp: 0 };
  for (const [cell, count] of Object.entries(byType)) {
    const rule = rules[family].find(([pattern]) => pattern.test(cell));
    if (rule) counts[rule[1]] += rule[2] * count;
  }
  const { uram, ...rest } = counts;
  const cells = Object.fromEntries(Object.entries(byType).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...rest, ...(family === 'xcup' && { uram }), cells };
}
