import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeTree } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import type { Manifest } from './manifest.ts';
import { standing } from './standing.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-standing-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const files = { 'report/a.json': '{"a":1}', 'intermediate_models/fold.onnx': 'a model' };
const outline: Manifest = {
  format: 2,
  finn: { version: '1', code: 'c' },
  recipe: 'r',
  build: 'b',
  network: 'n',
  folding: 'f',
  target: { name: 't', board: 'x', part: 'p', clock_mhz: '12' },
  outputs: ['estimate'],
  recipe_files: {},
  model: {},
  inputs: {},
  tools: {},
  plugins: {},
  steps: { 'fold/b': { key: 'k', makes: { dataflow: 'd' } } },
  verdicts: [],
  expect: [],
  files: {},
};

/** A folder as a build leaves it. */
function write(manifest: Manifest = outline): void {
  writeTree(folder, files);
  const entries = Object.entries(files).map(([path, text]) => [path, { sha256: sha256(text), size: text.length }]);
  writeTree(folder, { 'build.json': JSON.stringify({ ...manifest, files: Object.fromEntries(entries) }) });
}

test('a whole folder of the same results stands, and gives its reports', () => {
  write();
  const found = standing(folder, outline);
  expect(Object.keys(found?.reports ?? {})).toEqual(['report/a.json']);
  expect(found?.expect).toEqual([]);
});

test.each<[string, Partial<Manifest>]>([
  ['another key', { steps: { 'fold/b': { key: 'other', makes: { dataflow: 'd' } } } }],
  ['another content', { steps: { 'fold/b': { key: 'k', makes: { dataflow: 'other' } } } }],
  ['other outputs', { outputs: ['bitfile'] }],
  ['another finn', { finn: { version: '2', code: 'c' } }],
])('%s: it is written', (_, change) => {
  write();
  expect(standing(folder, { ...outline, ...change })).toBeUndefined();
});

test('a file that is gone or has another size, a damaged report, a build.json that is none: it is written', () => {
  const damages = [
    () => rmSync(join(folder, 'intermediate_models/fold.onnx')),
    () => writeFileSync(join(folder, 'intermediate_models/fold.onnx'), 'a longer model'),
    () => writeFileSync(join(folder, 'intermediate_models/fold.onnx'), 'A model'),
    () => writeFileSync(join(folder, 'report/a.json'), '{"a":2}'),
    () => writeFileSync(join(folder, 'build.json'), '{'),
    () => writeFileSync(join(folder, 'build.json'), '{}'),
    () => rmSync(join(folder, 'build.json')),
  ];
  for (const damage of damages) {
    write();
    expect(standing(folder, outline)).toBeDefined();
    damage();
    expect(standing(folder, outline)).toBeUndefined();
  }
});

test('a folder that is older than the program is written', () => {
  write();
  utimesSync(join(folder, 'build.json'), 1, 1);
  expect(standing(folder, outline)).toBeUndefined();
});
