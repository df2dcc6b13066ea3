import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeTree } from '../util/files.ts';
import { compareFolders } from './compare-folders.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-compare-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const differences = (a: Record<string, string | Uint8Array>, b: Record<string, string | Uint8Array>) => {
  writeTree(join(folder, 'a'), a);
  writeTree(join(folder, 'b'), b);
  return compareFolders(join(folder, 'a'), join(folder, 'b'));
};

it('compares every byte of what tells of the result, and nothing of what tells of the run', () => {
  const same = { 'build.json': '{}', 'bitfile/finn-accel.bin': Uint8Array.of(1, 2, 3) };
  const run = (text: string) => ({ 'time_per_step.json': text, 'log/a/1-yosys.log': text, 'report/report.html': text });
  expect(differences({ ...same, ...run('one') }, { ...same, ...run('another') })).toEqual([]);
});

it('names file, step, first byte and what stands around it', () => {
  const found = differences(
    {
      'report/estimate_layer_cycles.json': '{ "MVAU_0": 32 }\n',
      'bitfile/finn-accel.bin': Uint8Array.of(0, 255, 1, 2),
      'stitched_ip/a.v': 'module a;',
      'stitched_ip/only.v': 'x',
      'own/thing.txt': 'same, and more',
    },
    {
      'report/estimate_layer_cycles.json': '{ "MVAU_0": 64 }\n',
      'bitfile/finn-accel.bin': Uint8Array.of(0, 255, 7, 2),
      'stitched_ip/a.v': 'module a;',
      'own/thing.txt': 'same',
    },
  );
  expect(found).toEqual([
    { file: 'bitfile/finn-accel.bin', step: 'bitfile', offset: 2, first: '01 02', second: '07 02' },
    { file: 'own/thing.txt', offset: 4, first: '"same, and more"', second: '"same"' },
    {
      file: 'report/estimate_layer_cycles.json',
      step: 'fold',
      offset: 12,
      first: '"{ \\"MVAU_0\\": 32 }\\n"',
      second: '"{ \\"MVAU_0\\": 64 }\\n"',
    },
    { file: 'stitched_ip/only.v', step: 'codegen, stitch', first: '1 bytes' },
  ]);
});
