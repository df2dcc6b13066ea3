import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadProject } from '../config/project.ts';
import { loadRecipe } from '../config/recipe.ts';
import type { Instance } from '../engine/graph.ts';
import { steps } from '../steps/index.ts';
import { scopesOf } from '../steps/settings.ts';
import { inRecipeTerms } from './recipe-terms.ts';

const settings = {
  network: { name: 'tfc' },
  build: { name: 'tiny', target: { name: 'ice', board: { id: 'icebreaker' } }, folding: { name: 'small' } },
};
const at = (step: string): Instance =>
  ({ step: { name: step }, scope: { name: 'tiny', settings } }) as unknown as Instance;

describe('what a recipe calls what changed', () => {
  it.each([
    ['fold', 'config.layers.MVAU_1.pe: 2 → 4', 'folding.small.layers.MVAU_1.pe: 2 → 4'],
    ['fold', 'config.choose.fps: 10 → 20', 'folding.small.target_fps: 10 → 20'],
    ['fold', 'config.choose.by: unset → target-fps', 'folding.small: unset → target-fps'],
    ['lower', 'config.verify: true → false', 'verify.at: lower left out'],
    ['simulate', 'config.stitch: false → true', 'verify.at: stitch added'],
    ['fold', 'config.folding: big → small', 'builds.tiny.folding: big → small'],
    ['fold', 'config.clockMhz: 24 → 36', 'targets.ice.clock_mhz: 24 → 36'],
    ['fold', 'config.limits.lut: 1 → 2', 'board icebreaker: resources.lut: 1 → 2'],
    ['fold', 'sources.folding.json: changed', 'folding.small.file: changed'],
    ['import', 'config.input.scale[0]: 1/2 → 1/3', 'networks.tfc.input.scale[0]: 1/2 → 1/3'],
    ['import', 'sources.labels.npy: changed', 'networks.tfc.verify.labels: changed'],
    ['fetch', 'sources.model.onnx: changed', 'networks.tfc.model (model.onnx): changed'],
    ['run-model', 'sources.train.py: new', 'networks.tfc.model.inputs (train.py): new'],
    ['synthesize', 'config.provider: npm → native', 'tools.synthesis: npm → native'],
    ['bitfile', 'config.shell.baud: 1 → 2', 'steps.bitfile.baud: 1 → 2'],
    // Where the recipe has no word for it, it stays as it is.
    ['synthesize', 'tools.yosys: npm@1 → npm@2', 'tools.yosys: npm@1 → npm@2'],
    ['codegen', 'config.name: a → b', 'config.name: a → b'],
    ['somebodys-own', 'config.x: 1 → 2', 'config.x: 1 → 2'],
    ['fold', 'finn’s own code changed', 'finn’s own code changed'],
    ['fold', 'never ran here', 'never ran here'],
  ])('%s: %s', (step, line, told) => expect(inRecipeTerms(line, at(step))).toBe(told));

  it('has a word for every setting that a step sees', () => {
    const path = fileURLToPath(new URL('../../recipes/digits/digits.yaml', import.meta.url));
    const { recipe } = loadRecipe(path);
    const { project } = loadProject(path, {});
    const scopes = scopesOf(recipe!, project, { mayRun: false, pins: new Map(), fetched: new Map() });
    const build = scopes.builds.get('hx8k')!;
    const without = steps.flatMap((step) => {
      const scope = step.per === 'network' ? build.parent! : build;
      if (step.applies?.(scope.settings) === false) return [];
      const config = step.config(scope.settings, scope) as object;
      return Object.keys(config)
        .filter((key) => {
          // What has parts may have a word for each of them.
          const value: unknown = config[key as keyof typeof config];
          const paths = [key, ...(isRecord(value) ? Object.keys(value).map((part) => `${key}.${part}`) : [])];
          const instance = { step, scope } as unknown as Instance;
          return paths.every((one) => inRecipeTerms(`config.${one}: 1 → 2`, instance).startsWith('config.'));
        })
        .map((key) => `${step.name}: ${key}`);
    });
    // Layers are called by the network.
    expect(without).toEqual(['codegen: name']);
  });
});

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null;
