// `npm run bench`: figures of this machine, measured now. Nothing is asserted. docs/bench.md says what they are for.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { timePlot } from '../src/commands/time-plot.ts';
import { readModel } from '../src/onnx/import.ts';
import { splitGemm } from '../src/passes/clean/split-gemm.ts';
import { appendTopK, feedInput } from '../src/passes/clean/surround.ts';
import { toLayers } from '../src/passes/lower/to-layers.ts';
import { split } from '../src/passes/streamline/walk.ts';
import { rational } from '../src/util/rational.ts';
import { layerBuilds } from './bench/layers.ts';
import { imageSeconds, networks, processCost, recipeOf } from './bench/networks.ts';
import { nodeStart, noOps } from './bench/no-op.ts';
import { remoteSpeed } from './bench/remote.ts';
import { simulationSpeed } from './bench/simulation.ts';
import { treeTimes } from './bench/tree.ts';
import { watchLatency } from './bench/watch.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = join(root, 'dist/start.cjs');
const shared = join(root, '../shared/models');
const full = process.argv.includes('--full');
const scratch = mkdtempSync(join(tmpdir(), 'finn-bench-'));

const say = (figure: string, value: string, goal = ''): void =>
  console.log(`${figure.padEnd(66)} ${value.padStart(16)}  ${goal}`);
const seconds = (value: number): string => (value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`);
const best = (values: readonly number[]): number => Math.min(...values);
const ratio = (value: number, to: number): string => `${(value / to).toFixed(2)} of ${to} s`;

let caches = 0;
const newCache = (): string => join(scratch, `cache-${caches++}`);

/** Seconds of a whole process; its output where that is wanted. */
function run(args: readonly string[], cache: string, cwd = root): { seconds: number; out: string } {
  const from = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, FINN_CACHE: cache },
    maxBuffer: 1 << 28,
  });
  const took = (performance.now() - from) / 1000;
  if (status !== 0) throw new Error(`finn ${args.join(' ')}: exit status ${status}\n${stdout}${stderr}`);
  return { seconds: took, out: stdout };
}

const out = (name: string): string[] => ['--plain', '--out', join(scratch, name)];
const repeat = <T>(n: number, work: () => T): T[] => Array.from({ length: n }, work);

/** Milliseconds of streamline and of lower, the best of five. */
function compileTimes(file: string, surround: (graph: ReturnType<typeof readModel>) => ReturnType<typeof readModel>) {
  const graph = surround(splitGemm(readModel(new Uint8Array(readFileSync(join(shared, file))))));
  const times = repeat(5, () => {
    const begin = performance.now();
    const { core } = split(graph);
    const middle = performance.now();
    const { diagnostics } = toLayers(core, { standaloneThresholds: false });
    if (diagnostics.length > 0) throw new Error(diagnostics[0]!.message);
    return [middle - begin, performance.now() - middle] as const;
  });
  return [best(times.map(([a]) => a)), best(times.map(([, b]) => b))] as const;
}

interface Plan {
  readonly steps: readonly { readonly step: string; readonly scope: string; readonly state: string }[];
}

/** A copy of a recipe's folder, since builds write locks beside recipes. */
function copyOf(name: string): string {
  cpSync(join(root, 'recipes', name), join(scratch, name), {
    recursive: true,
    filter: (path) => !path.endsWith('.lock'),
  });
  return join(scratch, name, `${name}.yaml`);
}

/** Which steps a plan would run after one layer's PE changed. */
function changedPe(recipe: string, cache: string): string {
  const text = readFileSync(recipe, 'utf8');
  const changed = text.replace(/(MVAU_2: \{ pe: )1,/, '$12,');
  if (changed === text) throw new Error('the recipe has another form than expected');
  writeFileSync(recipe, changed);
  const { steps } = JSON.parse(run(['plan', recipe, '--build', 'icebreaker', '--json'], cache).out) as Plan;
  const again = steps.filter(({ state }) => state !== 'fresh' && state !== 'restored');
  return again.map(({ step, scope }) => `${step} ${scope}`).join('\n    ');
}

/** The engine beside ninja, wireit, cp and curl. */
async function engineSpeed(): Promise<void> {
  const node = nodeStart();
  say('node with nothing to do', seconds(node.wall), `${seconds(node.cpu)} of CPU`);
  const rows = await noOps(cli, scratch, full);
  for (const { steps, tool, first, again } of rows) {
    const figure = `${steps} steps, nothing to do: ${tool}`;
    const ninja = rows.find((row) => row.steps === steps && row.tool === 'ninja')?.again;
    if (!again) say(figure, 'none', 'the tool is not here, failed, or its first build took too long');
    else if (tool !== 'ninja' && tool !== 'wireit' && ninja) {
      const beyond = (kind: 'wall' | 'cpu'): string =>
        `${((again[kind] - node[kind]) / Math.max(ninja[kind], 0.001)).toFixed(1)}`;
      const goal = `${seconds(again.cpu)} of CPU; less node's, in ninja's: ${beyond('wall')} (CPU ${beyond('cpu')}) of 2`;
      say(figure, seconds(again.wall), goal);
    } else say(figure, seconds(again.wall), `${seconds(again.cpu)} of CPU; first ${seconds(first!.wall)}`);
  }
  const tree = await treeTimes(scratch, full ? 1e9 : 1e8);
  const size = `${(tree.bytes / 1e6).toFixed(0)} MB in ${tree.files} files`;
  say(`${size}: cp -r`, seconds(tree.copy), `read and hashed alone ${seconds(tree.hash)}`);
  for (const what of ['store', 'restore', 'again'] as const) {
    const name = { store: 'into the store', restore: 'from the store, checked', again: 'the same, all there' }[what];
    say(`${size}: ${name}`, seconds(tree[what]), `${(tree[what] / tree.copy).toFixed(1)} × cp -r`);
  }
  say(`${size}: the most memory of this process`, `${tree.megabytes.toFixed(0)} MB`);
  if (spawnSync('nginx', ['-v']).error) say('remote cache', 'skipped', 'no nginx');
  else {
    const { bytes, files, finnSeconds, curlSeconds } = await remoteSpeed(scratch);
    const figure = `remote cache: ${(bytes / 1e6).toFixed(0)} MB in ${files} files, pulled and checked`;
    say(figure, seconds(finnSeconds), `curl ${seconds(curlSeconds)}: ${(finnSeconds / curlSeconds).toFixed(1)} ×`);
  }
}

/** Synthesis of layers with one job and with two; `--plot FILE` draws where the time went. */
function layersSpeed(): void {
  const [two, one] = layerBuilds(cli, root, scratch, [2, 1]);
  if (one!.netlists !== two!.netlists) throw new Error('netlists differ by the number of jobs');
  for (const { jobs, layers, seconds: took } of [one!, two!])
    say(`VGG-like, ${layers} layers synthesized, ${jobs} ${jobs === 1 ? 'job' : 'jobs'}`, seconds(took));
  say('  the same bytes, and', `${(one!.seconds / two!.seconds).toFixed(2)} × faster`, 'two cores');
  const plot = process.argv.indexOf('--plot');
  if (plot > 0)
    writeFileSync(
      process.argv[plot + 1]!,
      `${timePlot('VGG-like network, layers synthesized', [one!.bar, two!.bar])}\n`,
    );
}

/** From a save to the estimates that `finn watch` shows. */
async function watchSpeed(): Promise<void> {
  const middle = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  const told = (all: readonly number[], goal: number): [string, string] => [
    `${middle(all).toFixed(0)} ms`,
    `worst ${Math.max(...all).toFixed(0)} of ${goal} ms`,
  ];
  copyOf('networks');
  const digits = copyOf('digits');
  const mobilenet = join(dirname(copyOf('mobilenet-v1')), 'seeded.yaml');
  const folding = join(dirname(mobilenet), 'folding/zcu104.json');
  const out = ['--until', 'fold', '--out', join(scratch, 'watched')];
  const one = 'mobilenet-v1-w4a4-zcu104-examples-zcu104';
  for (const { title, goal, saves, ...rest } of [
    { title: 'digits', goal: 300, saves: 20, args: [digits, ...out], file: digits, texts: ['pe: 2,', 'pe: 1,'] },
    {
      title: 'MobileNet-v1',
      goal: 1000,
      saves: 8,
      args: [mobilenet, '--build', one, '--allow-run', ...out],
      file: folding,
      texts: ['"PE": 32', '"PE": 16'],
    },
  ] as const) {
    const { idle, building } = await watchLatency({ cli, cwd: scratch, cache: newCache(), saves, ...rest });
    say(`finn watch of ${title}, from a save to its estimates`, ...told(idle, goal));
    say('  while the build of the save before runs', ...told(building, goal));
  }
}

/** From recipes to estimates, bitstreams and simulations. */
async function compilerSpeed(): Promise<void> {
  const start = best(repeat(3, () => run(['--version'], newCache()).seconds));
  say('node and finn --version', seconds(start));

  if (existsSync(shared)) {
    const one = (recipe: string, build: string) =>
      best(
        repeat(
          3,
          () => run(['build', recipe, '--build', build, '--until', 'fold', ...out('fold')], newCache()).seconds,
        ),
      );
    const tfc = one(copyOf('bnn-pynq'), 'tfc-w1a1-pynq-z1-examples');
    say('TFC-w1a1, import to estimate, empty cache, whole process', seconds(tfc), ratio(tfc, 0.6));
    const unsw = one(copyOf('cybersecurity-mlp'), 'unsw-nb15-pynq-z1-examples');
    say('intrusion detection, import to estimate, empty cache, whole process', seconds(unsw), ratio(unsw, 0.6));
    const pixels = (graph: ReturnType<typeof readModel>) =>
      appendTopK(feedInput(graph, { datatype: 'uint8', scale: [rational(1n, 255n)] }), 1);
    for (const [file, surround] of [
      ['tfc-w1a1.onnx', pixels],
      ['tfc-w2a2.onnx', pixels],
      [
        'unsw-nb15-mlp-w2a2.onnx',
        (graph: ReturnType<typeof readModel>) => feedInput(graph, { datatype: 'bipolar', scale: [rational(1n)] }),
      ],
    ] as const) {
      const [streamlined, lowered] = compileTimes(file, surround);
      say(`${file}: streamline, lower, in process`, `${streamlined.toFixed(0)} + ${lowered.toFixed(0)} ms`);
    }
  } else {
    say('TFC and intrusion detection', 'skipped', 'no ../shared/models');
  }

  for (const network of networks) {
    const folder = join(scratch, network.make[0]!);
    mkdirSync(folder);
    const recipe = recipeOf(network, root, folder);
    const args = ['build', recipe, '--until', 'fold', ...out('network')];
    const { seconds: took, cpu, megabytes } = processCost(cli, args, root, newCache());
    const memory = `${megabytes.toFixed(0)}${network.memory === undefined ? '' : ` of ${network.memory}`} MB`;
    const goal = `${ratio(took, network.goal)}; ${seconds(cpu)} of CPU, ${memory}`;
    say(`${network.title}, import to estimate, empty cache, whole process`, seconds(took), goal);
    if (network.make[0] !== 'mobilenet-v1') continue;
    const image = imageSeconds(join(folder, 'model.onnx'));
    say(`${network.title}, one image in the interpreter`, seconds(image), ratio(image, 3));
  }

  const digits = copyOf('digits');
  const cache = newCache();
  const until = full ? 'bitfile' : 'codegen';
  const cold = run(['build', digits, '--build', 'icebreaker', '--until', until, ...out('digits')], cache).seconds;
  if (full) say('digits on iCEBreaker, empty cache to bitstream', seconds(cold), ratio(cold, 120));
  else say('digits on iCEBreaker, import to codegen, empty cache, whole process', seconds(cold));
  const again = best(
    repeat(5, () => run(['build', digits, '--build', 'icebreaker', '--until', until, ...out('digits')], cache).seconds),
  );
  say('the same with nothing to do, whole process', seconds(again), ratio(again, 0.4));
  say('  against the build before it', `${(cold / again).toFixed(0)} × faster`);
  say('finn plan, whole process', seconds(best(repeat(3, () => run(['plan', digits], cache).seconds))));
  console.log(
    `\nMVAU_2's pe from 1 to 2; steps to run again${full ? '' : ' (synthesize and what follows never ran)'}:`,
  );
  console.log(`    ${changedPe(digits, cache)}\n`);

  if (full && existsSync(shared)) {
    const [recipe, build] = [join(root, 'recipes/bnn-pynq/bnn-pynq.yaml'), 'tfc-w1a1-pynq-z1-examples'];
    for (const { simulator, cyclesPerSecond, compileSeconds } of await simulationSpeed(recipe, build, scratch)) {
      const goal = `compiled in ${seconds(compileSeconds)}; ${(cyclesPerSecond / 1e6).toFixed(2)} of 1 M`;
      say(`tfc-w1a1, finn-examples' folding, ${simulator}: cycles a second`, cyclesPerSecond.toFixed(0), goal);
    }
  }
}

try {
  if (!existsSync(cli)) execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' });
  writeFileSync(join(scratch, 'finn.config.yaml'), JSON.stringify({ mirrors: [shared] }));
  console.log(`node ${process.version}; the best of a few runs\n`);
  const only = ['--engine', '--watch'].find((part) => process.argv.includes(part));
  if (!only) await compilerSpeed();
  if (only !== '--engine') await watchSpeed();
  if (only !== '--watch') await engineSpeed();
  if (full) layersSpeed();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
