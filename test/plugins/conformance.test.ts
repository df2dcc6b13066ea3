import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadProject } from '../../src/config/project.ts';
import { operatorNamed } from '../../src/operators/index.ts';
import type { Operator } from '../../src/operators/operator.ts';
import { loadPlugins } from '../../src/plugins/load.ts';
import { testCall } from '../../src/sim/direct.ts';
import { candidates, estimateGaps, lint } from '../helpers/battery.ts';
import { conform } from '../helpers/conform.ts';
import { available } from '../helpers/require.ts';

/** The example's operator is held to what finn's own are held to (test/conformance.test.ts). */
const example = fileURLToPath(new URL('./example/', import.meta.url));
let op: Operator;

beforeAll(() => {
  const { project } = loadProject(resolve(example, 'recipe.yaml'), {});
  loadPlugins(project, { mayRun: false });
  op = operatorNamed('PickChannels')!;
});
afterAll(() => {
  loadPlugins({ ...loadProject(resolve(example, 'recipe.yaml'), {}).project, plugins: [] }, { mayRun: false });
});

it('its samples are right, with stalls and without', { timeout: 600_000 }, async () => {
  const all = candidates(op.samples(), 'sample');
  expect(all).toHaveLength(4);
  expect(await conform(all, testCall(), { simulator: available('iverilog') ? 'iverilog' : 'cxxrtl' })).toEqual([]);
});

it.skipIf(!available('verilator'))('Verilator has nothing to say', () => {
  expect(candidates(op.samples(), 'sample').flatMap((one) => lint(one) ?? [])).toEqual([]);
});

it('resources() is near what Yosys counts', { timeout: 600_000 }, async () => {
  expect(await estimateGaps(op)).toEqual([]);
});
