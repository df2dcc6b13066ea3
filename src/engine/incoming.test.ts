import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listTree } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import { type Incoming, incoming } from './incoming.ts';
import { Damaged, outgoing } from './outgoing.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-incoming-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failing = (cause: unknown): Error => new Error(`cannot: ${(cause as NodeJS.ErrnoException).code}`);

/** Bytes of which no two parts are equal. */
function bytesOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8) * 13 + (index >> 16)) & 255);
}

async function send(to: Incoming, bytes: Uint8Array, part: number): Promise<void> {
  for (let from = 0; from < bytes.length; from += part) await to.write(bytes.subarray(from, from + part));
}

async function read(from: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of from) parts.push(part);
  return Buffer.concat(parts);
}

it.each([
  [0, 1],
  [1, 1],
  [1000, 7],
  [1 << 20, 1 << 20],
  [3_000_001, 65_536],
  [9_000_000, 65_537],
])('stores %i bytes in parts of %i, and gives them out in parts', async (size, part) => {
  const bytes = bytesOf(size);
  const path = join(folder, 'aa', 'object');
  const object = incoming(path, sha256(bytes), failing);
  await send(object, bytes, part);
  expect(await object.end()).toEqual({ stored: true });
  expect(sha256(readFileSync(path))).toBe(sha256(bytes));
  expect(statSync(path).mode & 0o222).toBe(0);
  expect(listTree(folder)).toEqual(['aa/object']);
  expect(sha256(await read(outgoing(path, [sha256(bytes), size])))).toBe(sha256(bytes));
});

it.each([10, 3_000_000])('stores nothing of %i bytes that have another hash, and tells it', async (size) => {
  const bytes = bytesOf(size);
  const object = incoming(join(folder, 'object'), sha256('another'), failing);
  await send(object, bytes, 65_536);
  expect(await object.end()).toEqual({ stored: false, hash: sha256(bytes) });
  expect(listTree(folder)).toEqual([]);
});

it.each([10, 3_000_000, 9_000_000])('leaves nothing of %i bytes that are not to come on', async (size) => {
  const object = incoming(join(folder, 'object'), sha256('another'), failing);
  // Not waited for: some of it is being written when it is dropped.
  const bytes = bytesOf(size);
  for (let from = 0; from < size; from += 65_536) void object.write(bytes.subarray(from, from + 65_536));
  await object.drop();
  expect(listTree(folder)).toEqual([]);
});

it('once it is whole it is stored, whatever becomes of the connection', async () => {
  const bytes = bytesOf(3_000_000);
  const object = incoming(join(folder, 'object'), sha256(bytes), failing);
  await send(object, bytes, 65_536);
  const ended = object.end();
  await object.drop();
  expect(await ended).toEqual({ stored: true });
  expect(sha256(readFileSync(join(folder, 'object')))).toBe(sha256(bytes));
});

it.each([10, 9_000_000])('says why %i bytes cannot be written', async (size) => {
  writeFileSync(join(folder, 'file'), '');
  const bytes = bytesOf(size);
  const object = incoming(join(folder, 'file', 'object'), sha256(bytes), failing);
  const all = async (): Promise<unknown> => {
    await send(object, bytes, 65_536);
    return object.end();
  };
  await expect(all()).rejects.toThrow(/^cannot: E/);
  await object.drop();
  expect(listTree(folder)).toEqual(['file']);
});

it.each([
  ['changed', (bytes: Uint8Array) => bytes.map((byte, index) => (index === 0 ? byte ^ 1 : byte))],
  ['cut short', (bytes: Uint8Array) => bytes.subarray(0, -1)],
])('does not give out the last part of what is %s', async (_, spoil) => {
  const bytes = bytesOf(3_000_000);
  const path = join(folder, 'object');
  writeFileSync(path, spoil(bytes));
  let given = 0;
  const all = async (): Promise<void> => {
    for await (const part of outgoing(path, [sha256(bytes), bytes.length])) given += part.length;
  };
  await expect(all()).rejects.toBeInstanceOf(Damaged);
  expect(given).toBeLessThan(bytes.length);
});

it('what is not there is damaged too', async () => {
  await expect(read(outgoing(join(folder, 'object'), [sha256('x'), 1]))).rejects.toBeInstanceOf(Damaged);
});
