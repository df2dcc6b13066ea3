import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../../src/engine/store.ts';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { listTree } from '../../src/util/files.ts';
import { sha256 } from '../../src/util/hash.ts';
import { myMark } from '../../src/util/process-mark.ts';
import { buildRow } from './killed.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  await buildRow(rig);
  rig.take();
  const store = openStore(cache());
  const log = store.objects.write(Buffer.from('the log'));
  store.records.writeCall('k', { tool: 't', version: '1', args: [], outputs: {}, log, seconds: 1 });
  mkdirSync(join(cache(), 'downloads'));
  writeFileSync(join(cache(), 'downloads', sha256('a model')), 'a model');
  writeFileSync(join(cache(), 'downloads', `${sha256('url').slice(0, 32)}.${myMark()}.part`), 'a mod');
});
afterEach(() => rig.remove());

const cache = (): string => join(rig.folder, '.finn');
const objectOf = (text: string): string => `objects/${sha256(text).slice(0, 2)}/${sha256(text).slice(2)}`;
const found = (repair = false) =>
  verifyStore(cache(), repair).findings.map(({ path, fault, removed }) => [fault, path, removed]);

function put(path: string, contents: string): void {
  mkdirSync(dirname(join(cache(), path)), { recursive: true });
  rmSync(join(cache(), path), { force: true });
  writeFileSync(join(cache(), path), contents);
}

it('finds nothing in a cache that is whole, and nothing where there is none', () => {
  const { findings, objects, records, downloads, bytes } = verifyStore(cache(), false);
  expect({ findings, objects, downloads }).toEqual({ findings: [], objects: 5, downloads: 1 });
  expect(records).toBeGreaterThanOrEqual(4 + 1 + 1);
  expect(bytes).toBeGreaterThan(1000);
  expect(verifyStore(join(rig.folder, 'none'), true)).toEqual({
    objects: 0,
    records: 0,
    downloads: 0,
    bytes: 0,
    findings: [],
  });
});

it('tells what is wrong, and with repair removes it; what it does not know it leaves alone', async () => {
  const stray = `${objectOf('ab')}.${myMark().replace(/p\d+/, `p${spawnSync('true').pid}`)}-1.tmp`;
  const strayRecord = `calls/k.json.${stray.split('.').slice(1).join('.')}`;
  const writing = `${objectOf('ab')}.${myMark()}-1.tmp`;
  put(objectOf('a'), 'x');
  put(objectOf('ab'), '');
  put(objectOf('abc'), 'abcd');
  put(`downloads/${sha256('a model')}`, 'a mode');
  put(objectOf('nobody names this, and nobody may say how long it is'), '');
  put(stray, 'half');
  put(strayRecord, 'half');
  put(writing, 'half');
  put('objects/README', 'mine');
  put('steps/notes.txt', 'mine');
  rmSync(join(cache(), objectOf('the log')));
  const steps = listTree(join(cache(), 'steps')).filter((path) => path.endsWith('.json'));
  const record = (name: string): string => `steps/${steps.find((path) => path.startsWith(`${name}/`))}`;
  const text = readFileSync(join(cache(), record('d')), 'utf8');
  put(record('d'), text.replace('"seconds"', '"Seconds"'));
  const other = record('c').replace(/[0-9a-f]{64}/, '0'.repeat(64));
  put(other, readFileSync(join(cache(), record('c')), 'utf8'));
  const roots = listTree(join(cache(), 'roots'))[0]!;
  truncateSync(join(cache(), 'roots', roots), 100);
  const expected = [
    ['damaged', objectOf('a')],
    ['truncated', objectOf('ab')],
    ['damaged', objectOf('abc')],
    ['damaged', `downloads/${sha256('a model')}`],
    ['truncated', objectOf('nobody names this, and nobody may say how long it is')],
    ['leftover', stray],
    ['leftover', strayRecord],
    ['foreign', 'objects/README'],
    ['foreign', 'steps/notes.txt'],
    ['incomplete', 'calls/k.json'],
    ['damaged', record('d')],
    ['damaged', other],
    ['damaged', `roots/${roots}`],
  ].sort((a, b) => (a[1]! < b[1]! ? -1 : 1));
  expect(found()).toEqual(expected.map((one) => [...one, false]));
  // The records of what is removed go too: nobody finds a result by them.
  const gone = ['a', 'b', 'c'].map((name) => ['incomplete', record(name)]);
  const all = [...expected, ...gone].sort((a, b) => (a[1]! < b[1]! ? -1 : 1));
  expect(found(true)).toEqual(all.map(([fault, path]) => [fault, path, fault !== 'foreign']));
  expect(found(true).map(([fault]) => fault)).toEqual(['foreign', 'foreign']);
  expect(readFileSync(join(cache(), writing), 'utf8')).toBe('half');
  expect(await buildRow(rig)).toBe('abcd');
  expect(rig.take()).toEqual(['a n', 'b n', 'c n', 'd n']);
});

it('says what the system does not let it read, or does not let it remove', () => {
  // A folder where an object should be: as root everything may be read.
  const path = join(cache(), objectOf('a'));
  rmSync(path);
  mkdirSync(path);
  expect(found()).toEqual([['incomplete', expect.stringMatching(/^steps\/a\//), false]]);
  if (process.getuid?.() === 0) return;
  chmodSync(join(cache(), objectOf('ab')), 0);
  expect(found().map(([fault]) => fault)).toContain('unreadable');
});
