import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listTree } from '../util/files.ts';
import { objectPath, objects } from './objects.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-objects-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const held = () => objects(folder, { writes: () => {}, corrupt: () => {} });
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

it('writes later what it would write at once', async () => {
  const stored = await held().writeLater(bytesOf('module a;'));
  const path = join(folder, objectPath(stored[0]));
  expect(readFileSync(path, 'utf8')).toBe('module a;');
  expect(statSync(path).mode & 0o777).toBe(0o444);
  expect(held().write(bytesOf('module a;'))).toEqual(stored);
  expect(listTree(folder)).toEqual([objectPath(stored[0])]);
});

it('writes many at once, equal ones too, and leaves nothing else behind', async () => {
  const texts = Array.from({ length: 300 }, (_, i) => `module m${i % 100};`);
  const all = await Promise.all(texts.map((text) => held().writeLater(bytesOf(text))));
  expect(new Set(listTree(folder))).toEqual(new Set(all.map(([object]) => objectPath(object))));
  for (const [place, stored] of all.entries()) expect(Buffer.from(held().read(stored)!).toString()).toBe(texts[place]);
});

it('writes later over what was cut off', async () => {
  const stored = held().write(bytesOf('module a;'));
  rmSync(join(folder, objectPath(stored[0])));
  writeFileSync(join(folder, objectPath(stored[0])), 'module a;');
  truncateSync(join(folder, objectPath(stored[0])), 3);
  await held().writeLater(bytesOf('module a;'));
  expect(Buffer.from(held().read(stored)!).toString()).toBe('module a;');
});

it('says that it cannot write', async () => {
  const [object] = held().write(bytesOf('module a;'));
  rmSync(join(folder, object.slice(0, 2)), { recursive: true });
  writeFileSync(join(folder, object.slice(0, 2)), 'a file where a folder should be');
  await expect(held().writeLater(bytesOf('module a;'))).rejects.toMatchObject({
    diagnostics: [{ code: 'cache/write' }],
  });
});
