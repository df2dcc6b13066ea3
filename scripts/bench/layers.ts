import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bar } from '../../src/commands/time-plot.ts';
import { timed } from './process.ts';

/** One build of all layers of a network up to synthesis. */
export interface LayerBuild {
  readonly jobs: number;
  readonly seconds: number;
  /** Its seconds by what was synthesized. */
  readonly bar: Bar;
  /** Key and hashes of every layer's netlist, as JSON. */
  readonly netlists: string;
  readonly layers: number;
}

/** Three convolutions of VGG10's and three dense layers: small, so that this takes minutes on two cores. */
const network = ['vgg10-radioml', 'convolutions=3', 'width=8', 'length=64'];
const recipe = [
  'finn: 1',
  'name: vgg',
  'networks: { radio: { model: { file: model.onnx }, output: { top_k: 1 } } }',
  'targets: { arty: { board: arty-a7-100t, clock_mhz: 100 } }',
  'folding: { it: { target_fps: 200000 } }',
  'matrix: [{ network: [radio], target: [arty], folding: [it] }]',
  'outputs: [estimate]',
  'verify: { at: [] }',
];

/** Synthesizes every layer of a small VGG10 by itself, in a fresh cache for each number of jobs. */
export function layerBuilds(cli: string, root: string, scratch: string, jobs: readonly number[]): LayerBuild[] {
  const folder = join(scratch, 'vgg');
  mkdirSync(folder);
  execFileSync(process.execPath, [join(root, 'recipes/networks/make.mjs'), ...network, join(folder, 'model.onnx')]);
  writeFileSync(join(folder, 'recipe.yaml'), `${recipe.join('\n')}\n`);
  return jobs.map((count) => build(cli, folder, count));
}

function build(cli: string, folder: string, jobs: number): LayerBuild {
  const out = join(folder, `out-${jobs}`);
  const args = ['build', 'recipe.yaml', '--until', 'synthesize', '--plain', '--jobs', String(jobs), '--out', out];
  const { wall } = timed([process.execPath, cli, ...args], {
    cwd: folder,
    env: { FINN_CACHE: join(folder, `cache-${jobs}`) },
    limit: 3600,
  });
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(out, 'vgg/radio-arty-it', name), 'utf8')) as T;
  const netlists = Object.entries(read<{ steps: Record<string, object> }>('build.json').steps).filter(([name]) =>
    name.startsWith('synthesize/'),
  );
  const times = read<Record<string, number>>('time_per_step.json');
  const bar = { name: `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`, parts: shares(times, wall) };
  return { jobs, seconds: wall, bar, netlists: JSON.stringify(netlists), layers: netlists.length };
}

/** Seconds on the clock by kind of layer: what each took, divided by how many ran at once on the average. */
export function shares(times: Readonly<Record<string, number>>, wall: number): [string, number][] {
  const sums = new Map<string, number>();
  for (const [name, seconds] of Object.entries(times)) {
    const layer = /^synthesize\/(.*)_\d+$/.exec(name)?.[1] ?? 'import to codegen';
    sums.set(layer, (sums.get(layer) ?? 0) + seconds);
  }
  const total = [...sums.values()].reduce((sum, seconds) => sum + seconds, 0);
  return [...sums].map(([kind, seconds]) => [kind, (seconds * wall) / total]);
}
