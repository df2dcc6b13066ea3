// `npm run results`: our circuits beside published ones. docs/results.md says what is compared, and has what came out.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toolVersion } from './results/measure.ts';
import { mvauSweep } from './results/mvau-sweep.ts';
import { type Kind, kinds } from './results/published.ts';
import type { Fold } from './results/unsw.ts';
import { simulateUnsw, synthesizeUnsw } from './results/unsw-report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    most: { type: 'string', default: '512' },
    kind: { type: 'string' },
    fold: { type: 'string', default: '1,8' },
    npm: { type: 'boolean', default: false },
  },
});
const shared = fileURLToPath(new URL('../../shared', import.meta.url));
const provider = values.npm ? 'npm' : 'native';
const print = (line: string): void => console.log(line);

async function unsw(): Promise<void> {
  print('| fold | frames simulated | interval | latency | LUT | through | FF | SRL in LUT | RAMB18 |');
  print('|---|---|---|---|---|---|---|---|---|');
  for (const fold of values.fold.split(',').map(Number) as Fold[]) {
    const { frames, interval, latency } = await simulateUnsw(shared, fold, 48, 'iverilog');
    const { merged, through, ff, bram, cells } = await synthesizeUnsw(shared, fold, provider);
    const shifts = (cells['SRL16E'] ?? 0) + (cells['SRLC32E'] ?? 0);
    print(`| ${[fold, frames, interval, latency, merged, through, ff, shifts, bram].join(' | ')} |`);
  }
}

const kind = kinds.find((k) => k === values.kind) as Kind | undefined;
const jobs: Readonly<Record<string, () => Promise<void>>> = {
  sweep: () => mvauSweep({ most: Number(values.most), provider, print, ...(kind && { kind }) }),
  unsw,
};
const wanted = positionals.length > 0 ? positionals : Object.keys(jobs);
const unknown = wanted.find((name) => !jobs[name]);
if (unknown !== undefined)
  throw new Error(`no results are called ${unknown}; there are ${Object.keys(jobs).join(', ')}`);
print(`${await toolVersion(provider)}, synth_xilinx -family xcup -nowidelut -nodsp, out of context`);
for (const name of wanted) {
  print('');
  await jobs[name]!();
}
