import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import type { Bar } from '../../src/commands/time-plot.ts';

/** One build of all layers of a network up to synthesis. */
export interface LayerBuild {
  readonly jobs: number;
  readonly seconds: number;
  /** Seconds on the clock by kind of step: where several ran at once, each has its share of that time. */
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
export async function layerBuilds(
  cli: string,
  root: string,
  scratch: string,
  jobs: readonly number[],
): Promise<LayerBuild[]> {
  const folder = join(scratch, 'vgg');
  mkdirSync(folder);
  execFileSync(process.execPath, [join(root, 'recipes/networks/make.mjs'), ...network, join(folder, 'model.onnx')]);
  writeFileSync(join(folder, 'recipe.yaml'), `${recipe.join('\n')}\n`);
  const builds: LayerBuild[] = [];
  for (const count of jobs) builds.push(await build(cli, folder, count));
  return builds;
}

async function build(cli: string, folder: string, jobs: number): Promise<LayerBuild> {
  const out = join(folder, `out-${jobs}`);
  const args = ['build', 'recipe.yaml', '--until', 'synthesize', '--json', '--jobs', String(jobs), '--out', out];
  const from = performance.now();
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { ...process.env, FINN_CACHE: join(folder, `cache-${jobs}`) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const shares = new Shares();
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    const { type, id } = JSON.parse(line) as { type: string; id?: { step: string; scope: string[] } };
    if (type === 'started' && id) shares.begin([id.step, ...id.scope].join('/'));
    if (type === 'finished' && id) shares.end([id.step, ...id.scope].join('/'));
  }
  const [status] = (await exit) as [number | null];
  if (status !== 0) throw new Error(`synthesis of layers with ${jobs} jobs: exit status ${status}`);
  const seconds = (performance.now() - from) / 1000;
  const { steps } = JSON.parse(readFileSync(join(out, 'vgg/radio-arty-it/build.json'), 'utf8')) as {
    steps: Record<string, object>;
  };
  const netlists = Object.entries(steps).filter(([name]) => name.startsWith('synthesize/'));
  const bar = { name: `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`, parts: shares.parts() };
  return { jobs, seconds, bar, netlists: JSON.stringify(netlists), layers: netlists.length };
}

/** Divides the time that passes among the steps that run in it. */
class Shares {
  readonly #running = new Set<string>();
  readonly #sums = new Map<string, number>();
  #since = performance.now();

  begin(step: string): void {
    this.#pass();
    this.#running.add(step);
  }

  end(step: string): void {
    this.#pass();
    this.#running.delete(step);
  }

  parts(): [string, number][] {
    this.#pass();
    return [...this.#sums];
  }

  #pass(): void {
    const now = performance.now();
    const kinds = this.#running.size > 0 ? [...this.#running].map((step) => step.split('/')[0]!) : ['finn itself'];
    for (const kind of kinds)
      this.#sums.set(kind, (this.#sums.get(kind) ?? 0) + (now - this.#since) / 1000 / kinds.length);
    this.#since = now;
  }
}
