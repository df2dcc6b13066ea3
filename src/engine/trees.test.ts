import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTree } from '../../test/helpers/read-tree.ts';
import { listTree } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import type { Stored } from './content.ts';
import { inOnePiece, type Objects, objectPath, objects } from './objects.ts';
import { restoreTree, storeAll } from './trees.ts';

let folder: string;
let corrupt: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-trees-'));
  corrupt = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const held = (): Objects =>
  objects(join(folder, 'objects'), { writes: () => {}, corrupt: (object) => void corrupt.push(object) });
const pathOf = ([object]: Stored): string => join(folder, 'objects', objectPath(object));
const to = (path = ''): string => join(folder, 'to', path);

/** Small and large ones, two of them alike. */
const tree = (): Record<string, Buffer> => ({
  'a/empty': Buffer.alloc(0),
  'a/small': Buffer.from('module a;'),
  'b/edge': Buffer.alloc(inOnePiece, 'edge'),
  'b/large': Buffer.alloc(1_700_000, 'large'),
  'b/same': Buffer.alloc(1_700_000, 'large'),
  c: Buffer.alloc(600_000, 'c'),
});
const hashes = (files: Readonly<Record<string, Uint8Array>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, sha256(bytes)]));
async function storedTree(): Promise<Record<string, Stored>> {
  const files = tree();
  const stored = await storeAll(held(), Object.values(files));
  return Object.fromEntries(Object.keys(files).map((path, i) => [path, stored[i]!]));
}

it('stores contents in their order and restores them, beside those in memory', async () => {
  const stored = await storedTree();
  expect(Object.values(stored).map(([, size]) => size)).toEqual(Object.values(tree()).map(({ length }) => length));
  expect(stored['b/same']).toEqual(stored['b/large']);
  for (const one of Object.values(stored)) expect(held().has(one)).toBe(true);
  await restoreTree(held(), to(), { ...stored, 'a/made': Buffer.from('made') });
  expect(hashes(readTree(to()))).toEqual(hashes({ ...tree(), 'a/made': Buffer.from('made') }));
  await restoreTree(held(), to(), { c: stored['b/edge']! });
  expect(hashes(readTree(to()))).toEqual(hashes({ c: tree()['b/edge']! }));
});

it('reads nothing of the store where all is there, and writes nothing', async () => {
  const stored = await storedTree();
  await restoreTree(held(), to(), stored);
  const inodes = () => listTree(to()).map((path) => statSync(to(path), { bigint: true }).ino);
  const before = inodes();
  rmSync(join(folder, 'objects'), { recursive: true });
  await restoreTree(held(), to(), stored);
  expect(inodes()).toEqual(before);
});

it('restores what somebody changed, and what is as long but another', async () => {
  const stored = await storedTree();
  await restoreTree(held(), to(), stored);
  for (const path of ['a/small', 'b/large']) {
    const bytes = readFileSync(to(path));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(to(path), bytes);
  }
  await restoreTree(held(), to(), stored);
  expect(hashes(readTree(to()))).toEqual(hashes(tree()));
  // Nothing that a person does there reaches the store.
  for (const one of Object.values(stored)) expect(held().read(one)).toBeDefined();
});

it('never places what is damaged: it is removed, told and lost', async () => {
  const stored = await storedTree();
  await restoreTree(held(), to(), stored);
  for (const path of ['a/small', 'b/large']) {
    const object = stored[path]!;
    const bytes = readFileSync(pathOf(object));
    bytes[bytes.length >> 1]! ^= 0x20;
    chmodSync(pathOf(object), 0o644);
    writeFileSync(pathOf(object), bytes);
    writeFileSync(to(path), 'a person’s');
    await expect(restoreTree(held(), to(), stored)).rejects.toMatchObject({ diagnostics: [{ code: 'cache/lost' }] });
    expect([corrupt.splice(0), existsSync(pathOf(object))]).toEqual([[object[0]], false]);
    expect(readFileSync(to(path), 'utf8')).toBe('a person’s');
    await expect(restoreTree(held(), to(), stored)).rejects.toMatchObject({ diagnostics: [{ code: 'cache/lost' }] });
    await storeAll(held(), Object.values(tree()));
    await restoreTree(held(), to(), stored);
    expect(hashes(readTree(to()))).toEqual(hashes(tree()));
  }
});

it('writes nothing where a path leaves the folder', async () => {
  const stored = await storedTree();
  await expect(restoreTree(held(), to(), { c: stored['c']!, '../x': stored['c']! })).rejects.toThrow(RangeError);
  expect(existsSync(to())).toBe(false);
});

it('asks for the next content when there is room for it', async () => {
  const begun: (() => void)[] = [];
  const slow: Objects = {
    ...held(),
    writeLater: (bytes) => new Promise((resolve) => void begun.push(() => resolve(['x', bytes.length]))),
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  let asked = 0;
  function* contents(size: number): Generator<Uint8Array> {
    for (; asked < 12; ) {
      asked += 1;
      yield new Uint8Array(size);
    }
  }
  const many = storeAll(slow, contents(200_000));
  await turn();
  expect(asked).toBe(4);
  begun.shift()?.();
  await turn();
  expect(asked).toBe(5);
  for (; asked < 12 || begun.length > 0; await turn()) begun.shift()?.();
  expect((await many).length).toBe(12);
  // One that is larger than what may wait goes alone.
  asked = 10;
  const large = storeAll(slow, contents(20_000_000));
  await turn();
  expect(asked).toBe(11);
  for (; asked < 12 || begun.length > 0; await turn()) begun.shift()?.();
  expect((await large).length).toBe(2);
});

it('tells a failure when nothing is being written any more', async () => {
  const open: { resolve: (stored: Stored) => void; reject: (cause: Error) => void }[] = [];
  const slow: Objects = {
    ...held(),
    writeLater: () => new Promise((resolve, reject) => void open.push({ resolve, reject })),
  };
  let told: unknown;
  const all = storeAll(slow, [new Uint8Array(200_000), new Uint8Array(200_000)]).catch((cause: unknown) => {
    told = cause;
  });
  open[0]!.reject(new Error('full'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toBeUndefined();
  open[1]!.resolve(['x', 1]);
  await all;
  expect(told).toEqual(new Error('full'));
});
