import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../src/ir/npy.ts';
import { Workplace } from './e2e/workplace.ts';
import { available, shared } from './helpers/require.ts';

const recipes = fileURLToPath(new URL('../recipes/', import.meta.url));
/** Every recipe; networks/ holds what others extend. */
const names = readdirSync(recipes, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name !== 'networks'
    ? readdirSync(join(recipes, entry.name)).flatMap((file) =>
        file.endsWith('.yaml') ? [`${entry.name}/${file}`] : [],
      )
    : [],
);

/** The recipes in a temporary folder, with ../shared/models as their mirror. */
let work: Workplace;
beforeAll(() => {
  work = new Workplace();
  for (const name of readdirSync(recipes)) {
    mkdirSync(work.path(name));
    cpSync(join(recipes, name), work.path(name), { recursive: true });
  }
  work.write('finn.config.yaml', `mirrors: [${JSON.stringify(join(shared, 'models'))}]\n`);
});
afterAll(() => work.remove());

type Line = { step: string; scope: string; state: string; because: string[] };
const planOf = async (recipe: string, ...more: readonly string[]): Promise<Line[]> => {
  const { status, out } = await work.start(['plan', recipe, '--json', ...more]);
  expect(status).toBe(0);
  return (JSON.parse(out) as { steps: Line[] }).steps;
};

it('all recipes are known here', () => {
  expect(names.sort()).toEqual([
    'bnn-pynq/bnn-pynq.yaml',
    'bnn-pynq/seeded.yaml',
    'bnn-pynq/ulx3s.yaml',
    'cybersecurity-mlp/cybersecurity-mlp.yaml',
    'digits/digits.yaml',
    'digits/train.yaml',
    'digits/ulx3s.yaml',
    'fpga17/fpga17.yaml',
    'gravitational-wave/gravitational-wave.yaml',
    'gtsrb/gtsrb.yaml',
    'gtsrb/seeded.yaml',
    'kws/kws.yaml',
    'mobilenet-v1/mobilenet-v1.yaml',
    'mobilenet-v1/seeded.yaml',
    'mobilenet-v1/u250.yaml',
    'nids-unfolded/nids-unfolded.yaml',
    'resnet50/resnet50.yaml',
    'resnet50/seeded.yaml',
    'ulx3s/ulx3s.yaml',
    'vgg10-radioml/seeded.yaml',
    'vgg10-radioml/vgg10-radioml.yaml',
  ]);
});

it('digits/train.yaml is planned without running anything', async () => {
  const checked = await work.start(['validate', 'digits/train.yaml']);
  expect(checked).toMatchObject({ status: 0, err: '' });
  expect(checked.out).toContain('the model is made by `python3 train.py --out model.onnx`');
  const steps = await planOf('digits/train.yaml');
  expect(steps[0]).toMatchObject({ step: 'run-model', scope: 'digits' });
  expect(steps.find(({ step }) => step === 'codegen')).toMatchObject({
    scope: 'digits/icebreaker/*',
    because: ['known after fold'],
  });
  expect([work.has('digits/model.onnx'), work.has('the-cache')]).toEqual([false, false]);
});

/** Recipes whose models are made or fetched at the first build: how many builds, and why their networks are not looked into. */
const waiting: readonly (readonly [string, number, 'made by `node make.mjs' | 'fetched from https://'])[] = [
  ['bnn-pynq/seeded.yaml', 3, 'made by `node make.mjs'],
  ['fpga17/fpga17.yaml', 3, 'made by `node make.mjs'],
  ['gravitational-wave/gravitational-wave.yaml', 2, 'made by `node make.mjs'],
  ['gtsrb/gtsrb.yaml', 1, 'fetched from https://'],
  ['gtsrb/seeded.yaml', 1, 'made by `node make.mjs'],
  ['mobilenet-v1/mobilenet-v1.yaml', 2, 'fetched from https://'],
  ['mobilenet-v1/seeded.yaml', 2, 'made by `node make.mjs'],
  ['mobilenet-v1/u250.yaml', 1, 'fetched from https://'],
  ['resnet50/resnet50.yaml', 1, 'fetched from https://'],
  ['resnet50/seeded.yaml', 2, 'made by `node make.mjs'],
  ['ulx3s/ulx3s.yaml', 3, 'made by `node make.mjs'],
  ['vgg10-radioml/seeded.yaml', 1, 'made by `node make.mjs'],
  ['vgg10-radioml/vgg10-radioml.yaml', 1, 'fetched from https://'],
];
for (const [recipe, builds, why] of waiting)
  it(`${recipe} validates and is planned, and nothing is run or fetched`, async () => {
    const checked = await work.start(['validate', recipe]);
    expect(checked).toMatchObject({ status: 0, err: '' });
    const [first, ...rest] = checked.out.trimEnd().split('\n');
    expect(first).toBe(`${recipe}: right, ${builds} build${builds === 1 ? '' : 's'}`);
    expect(rest.length).toBeGreaterThan(0);
    for (const line of rest) expect(line).toContain(`not looked into, the model is ${why}`);
    const planned = await planOf(recipe);
    expect(planned.filter(({ step }) => step === 'fold')).toHaveLength(builds);
    const source = why.startsWith('made') ? 'run-model' : 'fetch';
    expect(planned.filter(({ step }) => step === source)).toHaveLength(rest.length);
    expect(planned.find(({ step }) => step === 'codegen')).toMatchObject({ because: ['known after fold'] });
    expect(work.has('the-cache')).toBe(false);
  });

it('seeded networks run with all files that their program reads', async () => {
  const files = readdirSync(join(recipes, 'networks')).filter((name) => name.endsWith('.mjs'));
  for (const name of files) expect(work.read('networks/seeded.yaml')).toContain(`- ${name}\n`);
  const refused = await work.start(['build', 'fpga17/fpga17.yaml', '--build', 'sfc-max', '--until', 'fold']);
  expect(refused.status).not.toBe(0);
  expect(refused.out + refused.err).toContain('fpga17/fpga17.yaml wants to run `node make.mjs mlp');
});

describe('seeded networks fold to the published cycles', () => {
  const slowest: readonly (readonly [string, string, number])[] = [
    ['fpga17', 'sfc-max', 16],
    ['fpga17', 'lfc-max', 128],
    ['ulx3s', 'lfc', 2048],
    ['gravitational-wave', 'gravitational-wave-pynq-z1-control', 4000],
    ['vgg10-radioml-seeded', 'vgg10-radioml-w4a4-zcu104-examples', 1032],
  ];
  it.each(slowest)('%s, %s', async (recipe, build, cycles) => {
    const path = recipe.endsWith('-seeded') ? `${recipe.slice(0, -7)}/seeded.yaml` : `${recipe}/${recipe}.yaml`;
    const built = await work.build(path, '--build', build, '--until', 'fold', '--allow-run');
    expect({ status: built.status, err: built.err }).toMatchObject({ status: 0 });
    const layers = work.json<Record<string, number>>('build', recipe, build, 'report/estimate_layer_cycles.json');
    expect(Math.max(...Object.values(layers))).toBe(cycles);
  });

  it('fpga17: each layer of LFC-max takes what its published folding says', () => {
    expect(work.json('build/fpga17/lfc-max/report/estimate_layer_cycles.json')).toMatchObject({
      MVAU_0: 104,
      MVAU_1: 128,
      MVAU_2: 128,
      MVAU_3: 128,
    });
  });
});

describe.skipIf(!available('shared'))('recipes of finn-examples', () => {
  /** All builds; those whose models ../shared has, where it has not all. */
  const builds: Readonly<Record<string, readonly [number, (readonly string[])?]>> = {
    'bnn-pynq/bnn-pynq.yaml': [
      26,
      ['tfc-w1a1', 'tfc-w1a2', 'tfc-w2a2']
        .flatMap((network) => ['pynq-z1', 'ultra96', 'zcu104', 'u250'].map((board) => `${network}-${board}-examples`))
        .concat('tfc-w1a1-icebreaker', 'tfc-w1a1-hx8k'),
    ],
    'bnn-pynq/ulx3s.yaml': [1],
    'cybersecurity-mlp/cybersecurity-mlp.yaml': [4],
    'kws/kws.yaml': [1],
    'nids-unfolded/nids-unfolded.yaml': [2],
  };
  for (const [recipe, [all, there]] of Object.entries(builds))
    it(`${recipe} validates, plans and folds`, async () => {
      const checked = await work.start(['validate', recipe]);
      // An estimate may warn that a board is nearly full; whether it fits is for place and route to say.
      expect(checked.err).not.toContain('error');
      expect(checked.status).toBe(0);
      const [first, ...rest] = checked.out.trimEnd().split('\n');
      expect(first).toBe(`${recipe}: right, ${all} build${all === 1 ? '' : 's'}`);
      expect(rest).toHaveLength(there ? 3 : 0);
      for (const line of rest) expect(line).toMatch(/^ {2}cnv-\w+: not looked into, the model is fetched from https:/);
      const chosen = (there ?? []).flatMap((name) => ['--build', name]);
      const planned = await planOf(recipe, ...chosen);
      expect(planned.filter(({ step }) => step === 'fold')).toHaveLength(there?.length ?? all);
      expect(planned.filter(({ scope }) => scope.endsWith('*'))).toEqual([]);
      const built = await work.build(recipe, '--until', 'fold', ...chosen);
      expect(built.status).toBe(0);
      // Recipes share networks, and a cache: some steps are known by then.
      const finished = built.events.flatMap((event) => (event.type === 'finished' ? [event.id.step] : []));
      expect(new Set(finished)).toEqual(new Set(['fetch', 'import', 'streamline', 'lower', 'fold']));
      expect(Object.keys(work.json<{ sources: object }>(recipe, '..', 'finn.lock').sources)[0]).toMatch(/^https:/);
    });

  /** Cycles of FINN for the same folding, without the suffixes of its layers. */
  const finnCycles = (network: string, configuration: string): Record<string, number> => {
    const path = join(shared, 'golden', network, 'finn', configuration, 'estimate_layer_cycles.json');
    const golden = work.json<Record<string, number>>(relative(work.folder, path));
    return Object.fromEntries(Object.entries(golden).map(([name, n]) => [name.replace(/_(hls|rtl)_/, '_'), n]));
  };
  const cycles = (build: string): Record<string, number> =>
    work.json('build', build, 'report/estimate_layer_cycles.json');

  it('take the cycles that FINN says for their folding files', () => {
    for (const network of ['tfc-w1a1', 'tfc-w1a2', 'tfc-w2a2'])
      expect(cycles(`bnn-pynq/${network}-pynq-z1-examples`)).toEqual(finnCycles(network, 'examples_folding'));
    expect(cycles('kws/kws-mlp-w3a3-pynq-z1-examples')).toEqual(finnCycles('kws-mlp-w3a3', 'examples_folding'));
  });

  it('fold CNV with finn-examples’ file to the cycles that FINN says, but for windows and pools, which are ours', async () => {
    cpSync(join(shared, 'models/cnv-w1a1.onnx'), work.path('bnn-pynq/cnv-here.onnx'));
    work.write(
      'bnn-pynq/cnv-here.yaml',
      [
        'finn: 1',
        'extends: bnn-pynq.yaml',
        'networks:',
        '  here: { model: { file: cnv-here.onnx }, input: { datatype: uint8, scale: 1/255 }, output: { top_k: 1 } }',
        'builds: { cnv: { network: here, target: pynq-z1, folding: examples-cnv-w1a1 } }',
        '',
      ].join('\n'),
    );
    const built = await work.build('bnn-pynq/cnv-here.yaml', '--build', 'cnv', '--until', 'fold');
    expect({ status: built.status, err: built.err }).toMatchObject({ status: 0 });
    const [ours, theirs] = [cycles('cnv-here/cnv'), finnCycles('cnv-w1a1', 'examples_folding')];
    expect(Object.keys(ours)).toHaveLength(Object.keys(theirs).length);
    const products = (all: Record<string, number>): Record<string, number> =>
      Object.fromEntries(Object.entries(all).filter(([name]) => /^(MVAU|LabelSelect)/.test(name)));
    expect(products(ours)).toEqual(products(theirs));
    expect(Math.max(...Object.values(ours))).toBe(32768);
    rmSync(work.path('bnn-pynq/cnv-here.yaml'));
  });

  it('stop at the netlist for boards of AMD, and say so where a bitfile is asked for', async () => {
    work.write('kws/bitfile.yaml', 'finn: 1\nname: kws-bitfile\nextends: kws.yaml\noutputs: [estimate, bitfile]\n');
    const { status, err } = await work.start(['validate', 'kws/bitfile.yaml']);
    expect(status).toBe(0);
    expect(err).toContain(
      'warning: finn can make no bitstream for pynq-z1 (xc7z020clg400-1): bitfile of kws-mlp-w3a3-pynq-z1-examples will not be made [recipe/no-bitstream]',
    );
    rmSync(work.path('kws/bitfile.yaml'));
    const steps = (await planOf('kws/kws.yaml')).map(({ step }) => step);
    expect(steps).toEqual(expect.arrayContaining(['synthesize', 'stitch', 'simulate']));
    for (const step of ['bitfile', 'driver', 'verify-shell']) expect(steps).not.toContain(step);
  });

  it('compute what the golden vectors say, from the model to the simulated circuit', async () => {
    const golden = join(shared, 'golden/tfc-w1a1');
    for (const name of ['accelerator_input.npy', 'accelerator_output.npy'])
      cpSync(join(golden, name), work.path(`bnn-pynq/${name}`));
    work.write(
      'bnn-pynq/verified.yaml',
      [
        'finn: 1',
        'name: verified',
        'extends: bnn-pynq.yaml',
        'networks:',
        '  tfc-w1a1:',
        '    verify: { input: accelerator_input.npy, expected: accelerator_output.npy }',
        'outputs: [rtlsim_performance]',
        `tools: { simulation: ${available('verilator') ? 'verilator' : 'npm'} }`,
        'expect: { interval_cycles: "== 64" }',
        '',
      ].join('\n'),
    );
    const build = 'tfc-w1a1-pynq-z1-examples';
    const built = await work.build('bnn-pynq/verified.yaml', '--build', build);
    expect({ status: built.status, err: built.err }).toEqual({ status: 0, err: '' });
    type Verdict = { stage: string; vectors: number; elements: number };
    const { verdicts } = work.json<{ verdicts: Verdict[] }>('build/verified', build, 'build.json');
    const right = readNpy(work.bytes('bnn-pynq/accelerator_output.npy'));
    expect(verdicts.map(({ stage }) => stage)).toEqual(['import', 'streamline', 'lower', 'codegen', 'stitch']);
    for (const { stage, vectors, elements } of verdicts) {
      expect(elements, stage).toBeGreaterThan(0);
      if (stage !== 'codegen') expect(vectors, stage).toBe(right.shape[0]);
    }
    const found = readNpy(work.bytes(`build/verified/${build}/verification_output/accelerator_output.npy`));
    expect([...found.data]).toEqual([...right.data]);
    expect(work.json('build/verified', build, 'report/rtlsim_performance.json')).toMatchObject({ interval_cycles: 64 });
  });
});
