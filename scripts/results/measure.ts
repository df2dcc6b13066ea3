import { LocalExecutor } from '../../src/engine/executors/local.ts';
import type { Design } from '../../src/hdl/design.ts';
import type { Family } from '../../src/hdl/device.ts';
import { testCall } from '../../src/sim/direct.ts';
import { type CellCounts, parseStat } from '../../src/tools/stat.ts';
import { synthesize } from '../../src/tools/synthesis.ts';
import { type Provider, yosysTools } from '../../src/tools/yosys.ts';

/** Cell counts, with what they hold that no device would have and what they leave out. */
export interface Measured extends CellCounts {
  /** `lut` with inverters of the same signal counted once: Yosys leaves one for each flip-flop that is reset. */
  readonly merged: number;
  /** Carry chain inputs that are no LUT's output: on a device the signal goes through a LUT there. Not counted in `lut`. */
  readonly through: number;
}

/** What Yosys maps a design to, out of context and without DSP blocks; remembered by the content of the sources. */
export async function measure(design: Design, family: Family, provider: Provider): Promise<Measured> {
  const options = { provider, family, outOfContext: true } as const;
  const { stat, netlist } = await testCall()(synthesize(design, design.top, options));
  const counts = parseStat(stat, family);
  return { ...counts, ...inspect(netlist, design.top, counts.lut) };
}

/** The tool's name and version. */
export const toolVersion = async (provider: Provider): Promise<string> =>
  `Yosys ${await new LocalExecutor().version(yosysTools[provider])} (${provider === 'npm' ? '@yowasp/yosys' : 'native'})`;

interface Cell {
  readonly type: string;
  readonly connections: Readonly<Record<string, readonly (number | string)[]>>;
}

function inspect(netlist: Uint8Array, top: string, lut: number): Pick<Measured, 'merged' | 'through'> {
  const { modules } = JSON.parse(new TextDecoder().decode(netlist)) as {
    readonly modules: Readonly<Record<string, { readonly cells: Readonly<Record<string, Cell>> }>>;
  };
  const cells = Object.values(modules[top]!.cells);
  const made = new Set<number | string>();
  const inverted = new Set<number | string>();
  let inverters = 0;
  for (const { type, connections } of cells) {
    if (!/^(LUT[1-6]|INV)$/.test(type)) continue;
    made.add(connections['O']![0]!);
    if (type !== 'INV') continue;
    inverters += 1;
    inverted.add(connections['I']![0]!);
  }
  let through = 0;
  for (const { type, connections } of cells) {
    if (type !== 'CARRY4') continue;
    for (const bit of connections['S']!) if (typeof bit === 'number' && !made.has(bit)) through += 1;
  }
  return { merged: lut - inverters + inverted.size, through };
}
