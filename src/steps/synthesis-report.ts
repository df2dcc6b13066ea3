import type { Family } from '../hdl/device.ts';
import { named } from '../passes/fold/estimate.ts';
import type { CellCounts } from '../tools/stat.ts';

/** Resources by the names of a family: LUT, FF, EBR_4K, DSP; BRAM_18K (in halves of 36 kbit), URAM for AMD parts. */
export type NamedResources = Readonly<Record<string, number>>;

/** Cell counts under the names that the estimates have too (finn-facts A.3). */
export const namedCells = (cells: CellCounts, family: Family): NamedResources => named(cells, { family });

/** Sum of resources, key by key. */
export function sumOf(all: readonly NamedResources[]): NamedResources {
  const sum: Record<string, number> = {};
  for (const one of all) for (const [key, n] of Object.entries(one)) sum[key] = (sum[key] ?? 0) + n;
  return sum;
}
