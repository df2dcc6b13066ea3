import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashFile, listTree } from './files.ts';
import { sha256 } from './hash.ts';
import { hashFileLater, placeChecked, SourceError } from './pieces.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-pieces-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Contents of so many bytes, no two pieces of them alike. */
const contents = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 9)) & 255));
const at = (path: string): string => join(folder, path);

it('places what it should be, of any size, in new folders and over what was there', async () => {
  for (const size of [0, 1, 512 * 1024, 512 * 1024 + 1, 2_300_001]) {
    const bytes = contents(size);
    writeFileSync(at('from'), bytes, { mode: 0o444 });
    chmodSync(at('from'), 0o444);
    expect(await hashFileLater(at('from'))).toBe(sha256(bytes));
    expect(hashFile(at('from'))).toBe(sha256(bytes));
    for (const to of ['deep/below/to', 'to'])
      expect([await placeChecked(at('from'), at(to), sha256(bytes)), readFileSync(at(to)).equals(bytes)]).toEqual([
        true,
        true,
      ]);
    // It is a person's file now.
    expect(statSync(at('to')).mode & 0o200).toBe(0o200);
    rmSync(at('from'));
  }
  expect(listTree(folder)).toEqual(['deep/below/to', 'to']);
});

it('leaves everything as it was where the contents are not those', async () => {
  writeFileSync(at('from'), contents(1_000_000));
  writeFileSync(at('to'), 'old');
  expect(await placeChecked(at('from'), at('to'), sha256('another'))).toBe(false);
  expect(await placeChecked(at('from'), at('none'), sha256('another'))).toBe(false);
  expect([listTree(folder), readFileSync(at('to'), 'utf8')]).toEqual([['from', 'to'], 'old']);
});

it('tells whether it could not read or not write', async () => {
  writeFileSync(at('from'), contents(300_000));
  const gone = placeChecked(at('gone'), at('to'), sha256(''));
  await expect(gone).rejects.toBeInstanceOf(SourceError);
  await expect(gone).rejects.toMatchObject({ cause: { code: 'ENOENT' } });
  await expect(placeChecked(folder, at('to'), sha256(''))).rejects.toBeInstanceOf(SourceError);
  const over = placeChecked(at('from'), folder, hashFile(at('from')));
  await expect(over).rejects.not.toBeInstanceOf(SourceError);
  const below = placeChecked(at('from'), at('from/to'), hashFile(at('from')));
  await expect(below).rejects.not.toBeInstanceOf(SourceError);
  expect(listTree(folder)).toEqual(['from']);
});

it('never places anything else, whoever writes to the file meanwhile', async () => {
  const bytes = contents(4_000_000);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    writeFileSync(at('from'), bytes);
    rmSync(at('to'), { force: true });
    const placing = placeChecked(at('from'), at('to'), sha256(bytes));
    const file = openSync(at('from'), 'r+');
    // After so many turns a byte changes that was read already, or was not.
    for (let turn = 0; turn < attempt; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    writeSync(file, Buffer.from([1, 2, 3]), 0, 3, attempt % 2 === 0 ? 3_900_000 : 10);
    closeSync(file);
    if (await placing) expect(hashFile(at('to'))).toBe(sha256(bytes));
    else expect(listTree(folder)).toEqual(['from']);
  }
});
