// Stores and restores a tree that is larger than what it may take of memory, for large-tree.test.ts. Arguments: folder,
// how many files, bytes of each. Prints a line of JSON: MB of memory before and at the most, and whether all is the same.
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/engine/store.ts';
import { restoreTree, storeAll } from '../../src/engine/trees.ts';
import { hashTree } from '../../src/util/files.ts';

const [folder = '', count = '0', size = '0'] = process.argv.slice(2);
const at = (path: string): string => join(folder, path);
const most = (): number => process.resourceUsage().maxRSS / 1000;

/** A file with one byte of its own, that takes no place on the disk. */
function write(path: string, number: number): void {
  const file = openSync(path, 'w');
  writeSync(file, Buffer.from([number]), 0, 1, Number(size) / 2);
  closeSync(file);
  truncateSync(path, Number(size));
}
function* contents(): Generator<Uint8Array> {
  for (const path of paths) yield readFileSync(join(at('from'), path));
}

const paths = Array.from({ length: Number(count) }, (_, i) => `${i}.bin`);
mkdirSync(at('from'));
for (const [i, path] of paths.entries()) write(join(at('from'), path), i);
const before = most();
const { objects } = openStore(at('.finn'));
const stored = await storeAll(objects, contents());
const files = Object.fromEntries(paths.map((path, i) => [path, stored[i]!]));
const whileStored = most();
await restoreTree(objects, at('to'), files);
await restoreTree(objects, at('to'), files);
const same = hashTree(at('to')) === hashTree(at('from'));
console.log(JSON.stringify({ before, whileStored, most: most(), same }));
