import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../util/hash.ts';
import { inMirrors } from './mirrors.ts';

let folder = '';
let index = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-mirror-'));
  index = join(folder, 'index.json');
  mkdirSync(join(folder, 'a/deep'), { recursive: true });
  mkdirSync(join(folder, 'b'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const find = (text: string, remember = true): string | undefined => {
  const found = inMirrors(sha256(text), [join(folder, 'a'), join(folder, 'none'), join(folder, 'b')], index, remember);
  return found && new TextDecoder().decode(found);
};
const noted = (): string[] =>
  Object.keys(JSON.parse(readFileSync(index, 'utf8'))).map((path) => path.slice(folder.length));

test('a file is found by its content, in any folder of any mirror, also behind a link', () => {
  write('b/one', 'the one');
  write('a/deep/two', 'the second');
  expect([find('the one'), find('the second'), find('the third')]).toEqual(['the one', 'the second', undefined]);
  write('elsewhere', 'the third');
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'a/link'));
  expect(find('the third')).toBe('the third');
});

test('small files are read first, and no more than needed', () => {
  write('a/large', 'x'.repeat(1000));
  write('a/small', 'small');
  write('b/wanted', 'wanted');
  expect(find('wanted')).toBe('wanted');
  expect(noted()).toEqual(['/a/small', '/b/wanted']);
  // What is known to be something else is not read again; what has changed is.
  const time = new Date(1e12);
  write('a/small', 'short');
  utimesSync(join(folder, 'a/small'), time, time);
  expect(find('short')).toBe('short');
  write('b/wanted', 'another');
  expect(find('wanted')).toBe(undefined);
});

test('nothing is noted where that is not wanted, and a broken index is none', () => {
  write('a/one', 'the one');
  expect(find('the one', false)).toBe('the one');
  expect(() => noted()).toThrow('ENOENT');
  write('index.json', '{"a');
  expect(find('the one')).toBe('the one');
  expect(noted()).toEqual(['/a/one']);
});
