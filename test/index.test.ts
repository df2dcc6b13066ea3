import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import * as finn from '../src/index.ts';

const file = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../recipes/digits/${name}`, import.meta.url)));

it('the library reads a network, executes it, writes it, and says why it cannot be integer', () => {
  const network = finn.readModel(file('digits.onnx'));
  const images = finn.readNpy(file('test-images.npy'));
  const float = finn.parseDataType('float32')!;
  const pixels = finn.tensor(
    float,
    [1, 64],
    Float32Array.from(images.data.subarray(0, 64), (x) => x / 16),
  );
  const scores = finn.evaluate(network, new Map([[network.inputs[0]!.name, pixels]])).get('scores')!;
  const best = scores.data.indexOf(Math.max(...scores.data));
  expect(best).toBe(finn.readNpy(file('test-labels.npy')).data[0]);
  // Fed with reals and without a quantiser in front, it cannot be integer: that is said, by name.
  expect(() => finn.split(network)).toThrow(finn.FinnError);
  const again = finn.readModel(finn.writeModel(network));
  expect(finn.evaluate(again, new Map([[network.inputs[0]!.name, pixels]])).get('scores')!.data).toEqual(scores.data);
});

it('the library knows steps, operators, boards and recipes', () => {
  expect(finn.steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['import', 'streamline', 'lower', 'fold', 'codegen', 'synthesize', 'stitch', 'bitfile']),
  );
  expect(finn.operators.map(({ name }) => name)).toContain('MVAU');
  expect(finn.loadBoard('icebreaker').part).toBe('up5k-sg48');
  const { recipe } = finn.loadRecipe(fileURLToPath(new URL('../recipes/digits/digits.yaml', import.meta.url)));
  expect([...recipe!.builds.keys()]).toContain('icebreaker');
});
