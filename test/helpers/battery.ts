import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Family } from '../../src/hdl/device.ts';
import type { Layer, Operator } from '../../src/operators/operator.ts';
import { testCall } from '../../src/sim/direct.ts';
import { parseStat } from '../../src/tools/stat.ts';
import { synthesize } from '../../src/tools/synthesis.ts';
import { writeTree } from '../../src/util/files.ts';
import type { Candidate } from './conform.ts';
import { available } from './require.ts';

const families: readonly Family[] = ['ice40', 'xc7', 'ecp5', 'xcup'];

/** Layers with a name and a device each, those that can be built on it. */
export const candidates = (layers: readonly Layer[], kind: string): Candidate[] =>
  layers
    .map((layer, i) => ({
      name: `${layer.op.name.toLowerCase()}_${kind}_${i}`,
      layer,
      device: { family: families[i % 4]! },
    }))
    .filter(buildable);

const buildable = ({ layer, device }: Candidate): boolean => layer.op.refuse?.(layer, device) === undefined;

/** A candidate as findings show it. */
export const shown = ({ name, layer, device }: Candidate): string =>
  `${name}: ${device.family} ${JSON.stringify(layer.attrs)} of ${layer.inputs[0]!.type.dtype.name}[${layer.inputs[0]!.type.shape}]`;

/** What Verilator's lint, with every warning on, says of a candidate's circuit; undefined if nothing. */
export function lint(candidate: Candidate): string | undefined {
  const { layer, device, name } = candidate;
  const { sources, memories, top } = layer.op.rtl(layer, device, name);
  const folder = mkdtempSync(join(tmpdir(), 'finn-lint-'));
  try {
    writeTree(folder, { ...sources, ...memories });
    // A module may be in a file of another name, since some are printed together.
    const args = ['--lint-only', '-Wall', '-Wno-DECLFILENAME', '--top-module', top, ...Object.keys(sources)];
    execFileSync('verilator', args, { cwd: folder, stdio: 'pipe', encoding: 'utf8' });
    return undefined;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    return `${shown(candidate)}\n${stderr ?? error}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Estimates are for choosing, not for signing off: LUTs within a factor of 2 and a few LUTs of control. */
const within = (estimate: number, counted: number): boolean =>
  estimate <= 2 * counted + 24 && counted <= 2 * estimate + 24;

/** Where Yosys counts something else than `resources` says, for some of an operator's samples; nothing, if all is well. */
export async function estimateGaps(op: Operator): Promise<string[]> {
  const provider = available('yosys') ? 'native' : 'npm';
  const samples = op.samples();
  const some = provider === 'native' ? samples.filter((_, i) => i % 2 === 1) : samples.slice(0, 1);
  const gaps: string[] = [];
  for (const family of provider === 'native' ? (['ice40', 'xc7'] as const) : (['ice40'] as const))
    for (const [i, layer] of some.entries()) {
      const candidate: Candidate = { name: `${op.name.toLowerCase()}_sample_${i}`, layer, device: { family } };
      if (!buildable(candidate)) continue;
      const design = layer.op.rtl(layer, { family }, candidate.name);
      const { stat } = await testCall()(synthesize(design, design.top, { provider, family, outOfContext: true }));
      const counted = parseStat(stat, family);
      const estimate = layer.op.resources(layer, { family });
      // Carry cells of ice40 take a LUT's place unless the sum's LUT shares it.
      const most = counted.lut + (counted.cells['SB_CARRY'] ?? 0);
      const near = within(estimate.lut, counted.lut) || within(estimate.lut, most);
      if (near && estimate.bram === counted.bram) continue;
      const said = `LUT ${estimate.lut}, RAM ${estimate.bram}`;
      gaps.push(`${shown(candidate)}: ${said}; Yosys: LUT ${counted.lut}, RAM ${counted.bram}`);
    }
  return gaps;
}
