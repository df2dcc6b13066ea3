import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../src/ir/npy.ts';
import { ran, Workplace } from './e2e/workplace.ts';
import { available, shared } from './helpers/require.ts';

const recipes = fileURLToPath(new URL('../recipes/', import.meta.url));
const names = readdirSync(recipes, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory()
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
const planOf = async (recipe: string): Promise<Line[]> => {
  const { status, out } = await work.start(['plan', recipe, '--json']);
  expect(status).toBe(0);
  return (JSON.parse(out) as { steps: Line[] }).steps;
};

it('all recipes are known here', () => {
  expect(names.sort()).toEqual([
    'bnn-pynq/bnn-pynq.yaml',
    'bnn-pynq/ulx3s.yaml',
    'cybersecurity-mlp/cybersecurity-mlp.yaml',
    'digits/digits.yaml',
    'digits/train.yaml',
    'digits/ulx3s.yaml',
    'kws/kws.yaml',
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

describe.skipIf(!available('shared'))('recipes of finn-examples', () => {
  const builds: Readonly<Record<string, number>> = {
    'bnn-pynq/bnn-pynq.yaml': 14,
    'bnn-pynq/ulx3s.yaml': 1,
    'cybersecurity-mlp/cybersecurity-mlp.yaml': 4,
    'kws/kws.yaml': 1,
  };
  for (const recipe of Object.keys(builds))
    it(`${recipe} validates, plans and folds`, async () => {
      const checked = await work.start(['validate', recipe]);
      // An estimate may warn that a board is nearly full; whether it fits is for place and route to say.
      expect(checked.err).not.toContain('error');
      expect(checked.status).toBe(0);
      expect(checked.out).toBe(`${recipe}: right, ${builds[recipe]} build${builds[recipe] === 1 ? '' : 's'}\n`);
      const planned = await planOf(recipe);
      expect(planned.filter(({ step }) => step === 'fold')).toHaveLength(builds[recipe]!);
      expect(planned.filter(({ scope }) => scope.endsWith('*'))).toEqual([]);
      const built = await work.build(recipe, '--until', 'fold');
      expect(built.status).toBe(0);
      expect(new Set(ran(built.events))).toEqual(new Set(['fetch', 'import', 'streamline', 'lower', 'fold']));
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
