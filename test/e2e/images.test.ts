import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.ts';
import { available, shared } from '../helpers/require.ts';
import { Workplace } from './workplace.ts';

const cnvFolding = fileURLToPath(new URL('../../recipes/bnn-pynq/folding/cnv-w1a1.json', import.meta.url));

interface Case {
  readonly name: string;
  readonly model: string;
  readonly input: string;
  readonly surroundings: string;
  readonly folding: string;
  /** Cycles of a frame; published where somebody has. */
  readonly interval: number;
}

/** Takes a quarter of an hour: see .ci/nightly. */
const mobilenet: Case = {
  name: 'mobilenet',
  model: 'mobilenetv1-w4a4-64',
  input: 'accelerator_input.npy',
  surroundings:
    'input: { datatype: uint8, scale: 1/255, mean: [0.485, 0.456, 0.406], std: 0.226 }, output: { top_k: 5 }',
  folding: '{ target_fps: 400 }',
  interval: 246016,
};

const cases: readonly Case[] = [
  {
    name: 'cnv',
    model: 'cnv-w1a1',
    input: 'accelerator_input.npy',
    surroundings: 'input: { datatype: uint8, scale: 1/255 }, output: { top_k: 1 }',
    folding: '{ file: cnv-w1a1.json, layers: { StreamingMaxPool_0: { pe: 4 } } }',
    interval: 32768,
  },
  {
    name: 'resnet8',
    model: 'resnet8-w4a4',
    input: 'accelerator_input.npy',
    surroundings: 'input: { datatype: uint8, scale: 2/255, bias: -1 }, output: { top_k: 5 }',
    folding: '{ target_fps: 3000 }',
    interval: 32768,
  },
  {
    name: 'cnn1d',
    model: 'cnn1d-w4a4',
    input: 'input.npy',
    surroundings: 'output: { top_k: 1 }',
    folding: '{ target_fps: 50000 }',
    interval: 1536,
  },
  ...(process.env['FINN_NIGHTLY'] ? [mobilenet] : []),
];

const recipe = `
finn: 1
name: images
networks:
${cases
  .map(
    ({ name, model, surroundings }) =>
      `  ${name}: { model: { file: ${model}.onnx }, ${surroundings}, verify: { input: ${name}-input.npy, expected: ${name}-output.npy } }`,
  )
  .join('\n')}
targets:
  zcu104: { board: zcu104, clock_mhz: 100 }
folding:
${cases.map(({ name, folding }) => `  ${name}: ${folding}`).join('\n')}
builds:
${cases.map(({ name }) => `  ${name}: { network: ${name}, target: zcu104, folding: ${name} }`).join('\n')}
outputs: [estimate, rtlsim_performance]
tools: { simulation: verilator }
`;

describe.skipIf(!(available('shared') && available('verilator')))('convolutional networks, simulated whole', () => {
  const work = new Workplace();
  beforeAll(() => {
    work.write('images.yaml', recipe);
    copyFileSync(cnvFolding, work.path('cnv-w1a1.json'));
    for (const { name, model, input } of cases) {
      const golden = join(shared, 'golden', model);
      copyFileSync(join(shared, 'models', `${model}.onnx`), work.path(`${model}.onnx`));
      copyFileSync(join(golden, input), work.path(`${name}-input.npy`));
      copyFileSync(join(golden, 'accelerator_output.npy'), work.path(`${name}-output.npy`));
    }
  });
  afterAll(() => work.remove());

  it.each(cases)(
    '$name computes its golden classes, bit for bit, at the pace that its schedules say',
    async ({ name, interval }) => {
      const { status, err, events } = await work.build('images.yaml', '--build', name);
      expect({ status, err }).toEqual({ status: 0, err: '' });
      // Another pace than predicted would be a warning.
      const warnings = events.filter((event: EngineEvent) => event.type === 'diagnostic');
      expect(warnings).toEqual([]);
      const report = <T>(file: string): T => work.json<T>(`build/images/${name}/report`, file);
      const said = report<Record<string, number>>('estimate_network_performance.json');
      const seen = report<Record<string, number>>('rtlsim_performance.json');
      expect(seen).toMatchObject({ interval_cycles: interval, TIMEOUT: 0, UNFINISHED_OUTS: 0 });
      expect(seen['latency_cycles']).toBe(said['scheduled_latency_cycles']);
      expect(seen['N']).toBeGreaterThanOrEqual(8);
      const { verdicts } = work.json<{ verdicts: { stage: string; vectors: number; elements: number }[] }>(
        `build/images/${name}/build.json`,
      );
      expect(verdicts.map(({ stage }) => stage)).toEqual(['import', 'streamline', 'lower', 'codegen', 'stitch']);
      for (const { elements } of verdicts) expect(elements).toBeGreaterThan(0);
    },
    1_800_000,
  );
});
