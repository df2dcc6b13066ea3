import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Stored } from '../../src/engine/content.ts';
import { openStore } from '../../src/engine/store.ts';
import { listTree, mirrorTree, readTree, writeTree } from '../../src/util/files.ts';
import { contentHash } from '../../src/util/hash.ts';
import { random } from '../../src/util/random.ts';

/** Seconds for the files of one tree. */
export interface TreeTimes {
  readonly bytes: number;
  readonly files: number;
  /** `cp -r` to a folder that is not there. */
  readonly copy: number;
  /** SHA-256 alone, of what is in memory. */
  readonly hash: number;
  /** From a folder into an empty store. */
  readonly store: number;
  /** From the store to an empty folder, every byte checked. */
  readonly restore: number;
  /** The same where it is all there already. */
  readonly again: number;
}

/** Sizes as a build's results have them: a few models and netlists of megabytes, and many small files. */
const sizes = [8_000_000, 4_000_000, ...Array<number>(4).fill(1_000_000), ...Array<number>(40).fill(100_000)];

/** Hashes, stores and restores a tree of about so many bytes, each the best of so many times. */
export function treeTimes(scratch: string, bytes: number, attempts = 3): TreeTimes {
  const folder = (name: string): string => join(scratch, `tree-${name}`);
  const total = writeFiles(folder('source'), bytes);
  const best = { copy: Infinity, hash: Infinity, store: Infinity, restore: Infinity, again: Infinity };
  const time = (what: keyof typeof best, work: () => void): void => {
    const from = performance.now();
    work();
    best[what] = Math.min(best[what], (performance.now() - from) / 1000);
  };
  // In turns, since other work disturbs all of them.
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const name of ['copy', 'store', 'restored']) rmSync(folder(name), { recursive: true, force: true });
    time('copy', () => execFileSync('cp', ['-r', folder('source'), folder('copy')]));
    const inMemory = readTree(folder('source'));
    time('hash', () => {
      for (const content of Object.values(inMemory)) contentHash(content);
    });
    const store = openStore(folder('store'));
    const stored: [string, Stored][] = [];
    time('store', () => {
      for (const [path, content] of Object.entries(readTree(folder('source'))))
        stored.push([path, store.objects.write(content)]);
    });
    const restore = (): void =>
      mirrorTree(
        folder('restored'),
        Object.fromEntries(stored.map(([path, object]) => [path, store.objects.read(object)!])),
      );
    time('restore', restore);
    time('again', restore);
    store.close();
    if (digestOf(folder('restored')) !== digestOf(folder('source')))
      throw new Error('what was restored is another tree');
  }
  return { bytes: total, files: listTree(folder('source')).length, ...best };
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

function digestOf(folder: string): string {
  const hash = createHash('sha256');
  for (const [path, content] of Object.entries(readTree(folder))) hash.update(path).update(content);
  return hash.digest('hex');
}
