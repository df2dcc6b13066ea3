import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Stored } from '../../src/engine/content.ts';
import { openStore } from '../../src/engine/store.ts';
import { restoreTree, storeAll } from '../../src/engine/trees.ts';
import { hashFile, hashTree, listTree, writeTree } from '../../src/util/files.ts';
import { random } from '../../src/util/random.ts';

/** Seconds for the files of one tree. */
export interface TreeTimes {
  readonly bytes: number;
  readonly files: number;
  /** `cp -r` to a folder that is not there. */
  readonly copy: number;
  /** The most memory that this process had. */
  readonly megabytes: number;
  /** Read, and SHA-256. */
  readonly hash: number;
  /** From a folder into an empty store. */
  readonly store: number;
  /** From the store to a folder that is not there, every byte checked. */
  readonly restore: number;
  /** The same where it is all there already. */
  readonly again: number;
}

/** Sizes as a build's results have them: a few models and netlists of megabytes, and many small files. */
const sizes = [8_000_000, 4_000_000, ...Array<number>(4).fill(1_000_000), ...Array<number>(40).fill(100_000)];

/** Hashes, stores and restores a tree of about so many bytes, each the best of so many times. */
export async function treeTimes(scratch: string, bytes: number, attempts = 3): Promise<TreeTimes> {
  const folder = (name: string): string => join(scratch, `tree-${name}`);
  const source = folder('source');
  const total = writeFiles(source, bytes);
  const paths = listTree(source);
  const best = { copy: Infinity, hash: Infinity, store: Infinity, restore: Infinity, again: Infinity };
  const time = async (what: keyof typeof best, work: () => unknown): Promise<void> => {
    const from = performance.now();
    await work();
    best[what] = Math.min(best[what], (performance.now() - from) / 1000);
  };
  function* contents(): Generator<Uint8Array> {
    for (const path of paths) yield readFileSync(join(source, path));
  }
  // In turns, since other work disturbs all of them.
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const name of ['copy', 'store', 'restored']) rmSync(folder(name), { recursive: true, force: true });
    await time('copy', () => execFileSync('cp', ['-r', source, folder('copy')]));
    await time('hash', () => {
      for (const path of paths) hashFile(join(source, path));
    });
    const store = openStore(folder('store'));
    let stored: Stored[] = [];
    await time('store', async () => {
      stored = await storeAll(store.objects, contents());
    });
    const files = Object.fromEntries(paths.map((path, place) => [path, stored[place]!]));
    await time('restore', () => restoreTree(store.objects, folder('restored'), files));
    await time('again', () => restoreTree(store.objects, folder('restored'), files));
    store.close();
    if (hashTree(folder('restored')) !== hashTree(source)) throw new Error('what was restored is another tree');
  }
  return { bytes: total, files: paths.length, megabytes: process.resourceUsage().maxRSS / 1000, ...best };
}

function writeFiles(folder: string, bytes: number): number {
  const next = random('tree');
  const noise = Uint8Array.from({ length: 1 << 20 }, () => next.int(0, 255));
  let total = 0;
  for (let i = 0; total < bytes; i += 1) {
    const content = new Uint8Array(sizes[i % sizes.length]!);
    for (let at = 0; at < content.length; at += noise.length)
      content.set(noise.subarray(0, Math.min(noise.length, content.length - at)), at);
    // No two files are alike.
    new DataView(content.buffer).setUint32(0, i);
    writeTree(folder, { [`${i % 37}/${i}.bin`]: content });
    total += content.length;
  }
  return total;
}
