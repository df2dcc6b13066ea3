import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { evaluate } from '../../src/ir/evaluate.ts';
import { sizeOf, tensor } from '../../src/ir/tensor.ts';
import { readModel } from '../../src/onnx/import.ts';
import { foldConstants } from '../../src/passes/streamline/constants.ts';
import { random } from '../../src/util/random.ts';

/** A published network with seeded weights, and how long it may take from import to estimate. */
export interface Network {
  readonly title: string;
  /** Words for recipes/networks/make.mjs. */
  readonly make: readonly string[];
  /** YAML of the network's input and output, of its board and of its folding. */
  readonly input: string;
  readonly output: string;
  readonly target: string;
  readonly folding: string;
  readonly goal: number;
  /** Most MB in memory. */
  readonly memory?: number;
}

export const networks: readonly Network[] = [
  {
    title: 'CNV-w1a1',
    make: ['cnv'],
    input: '{ datatype: uint8, scale: 1/255 }',
    output: '{ top_k: 1 }',
    target: '{ board: pynq-z1, clock_mhz: 100 }',
    folding: '{ target_fps: 3000 }',
    goal: 1.5,
  },
  {
    title: 'MobileNet-v1-w4a4, 224×224',
    make: ['mobilenet-v1'],
    input: '{ datatype: uint8, scale: 1/255, mean: [0.485, 0.456, 0.406], std: 0.226 }',
    output: '{ top_k: 5 }',
    target: '{ board: zcu104, clock_mhz: 5000/27 }',
    folding: '{ target_fps: 200 }',
    goal: 3,
  },
  {
    title: 'ResNet-50-w1a2, 25 M weights',
    make: ['resnet50', 'joins=equal'],
    input: '{ datatype: uint8 }',
    output: '{ top_k: 5 }',
    target: '{ board: u250, clock_mhz: 250 }',
    folding: '{ target_fps: 2700, mvau_wwidth_max: 128 }',
    goal: 8,
    memory: 2048,
  },
];

/** A folder with the network's model and a recipe that stops at the estimate: no vectors are run, and FIFOs are not sized. */
export function recipeOf(network: Network, root: string, folder: string): string {
  execFileSync(process.execPath, [
    join(root, 'recipes/networks/make.mjs'),
    ...network.make,
    join(folder, 'model.onnx'),
  ]);
  const path = join(folder, 'recipe.yaml');
  const text = [
    'finn: 1',
    'name: bench',
    `networks: { it: { model: { file: model.onnx }, input: ${network.input}, output: ${network.output} } }`,
    `targets: { it: ${network.target} }`,
    `folding: { it: ${network.folding} }`,
    'matrix: [{ network: [it], target: [it], folding: [it] }]',
    'outputs: [estimate]',
    'verify: { at: [] }',
    'steps: { stitch: { fifos: { sizing: none } } }',
  ];
  writeFileSync(path, `${text.join('\n')}\n`);
  return path;
}

/** Of a whole process: seconds, seconds of CPU in all threads, and the most memory it had, in MB. */
export interface ProcessCost {
  readonly seconds: number;
  readonly cpu: number;
  readonly megabytes: number;
}

/** Runs the command in a process of its own, which says at its end what it has taken. */
export function processCost(cli: string, args: readonly string[], cwd: string, cache: string): ProcessCost {
  const teller =
    "process.on('exit', () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage(); " +
    "process.stderr.write('\\ncost ' + JSON.stringify([(userCPUTime + systemCPUTime) / 1e6, maxRSS / 1024])); });";
  const from = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(teller)}`, cli, ...args],
    { cwd, encoding: 'utf8', env: { ...process.env, FINN_CACHE: cache }, maxBuffer: 1 << 28 },
  );
  const seconds = (performance.now() - from) / 1000;
  if (status !== 0) throw new Error(`finn ${args.join(' ')}: exit status ${status}\n${stderr}`);
  const [cpu, megabytes] = JSON.parse(/\ncost (.*)$/.exec(stderr)![1]!) as [number, number];
  return { seconds, cpu, megabytes };
}

/** Seconds that the interpreter takes for one image, the weights' quantisers done before. */
export function imageSeconds(model: string): number {
  const graph = foldConstants(readModel(new Uint8Array(readFileSync(model))));
  const { name, type } = graph.inputs[0]!;
  const next = random('image');
  const pixels = Float32Array.from({ length: sizeOf(type.shape) }, () => next.int(-512, 512) / 256);
  const from = performance.now();
  evaluate(graph, new Map([[name, tensor(type.dtype, type.shape, pixels)]]));
  return (performance.now() - from) / 1000;
}
