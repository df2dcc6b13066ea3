import { error, FinnError } from '../diagnostics/diagnostic.ts';
import { hashFile, holds, sizeIfThere, writeAtomically } from '../util/files.ts';
import { mirrorTree } from '../util/mirror.ts';
import { hashFileLater } from '../util/pieces.ts';
import type { Stored } from './content.ts';
import { inOnePiece, type Objects } from './objects.ts';

/** A file of a tree: contents in memory, or in the store. */
export type TreeFile = Uint8Array | Stored;

/** So many are written while the next one is hashed: as many as Node has threads for it. */
const writtenAtOnce = 4;
/** Bytes that may wait to be written, beside one content that is larger by itself. */
const mostWaiting = 16e6;

/**
 * Stores contents, in their order. The next is asked for when there is room for it in memory: they need not be there at
 * once. Rejects with FinnError 'cache/write' once nothing is being written any more.
 */
export async function storeAll(
  objects: Pick<Objects, 'write' | 'writeLater'>,
  contents: Iterable<Uint8Array>,
): Promise<Stored[]> {
  const stored: Stored[] = [];
  const writes = new Set<Promise<void>>();
  let place = 0;
  let waiting = 0;
  const write = async (content: Uint8Array, at: number): Promise<void> => {
    waiting += content.length;
    stored[at] = await objects.writeLater(content);
    waiting -= content.length;
  };
  try {
    for (const content of contents) {
      const at = place;
      place += 1;
      if (content.length < inOnePiece) {
        stored[at] = objects.write(content);
        continue;
      }
      const one = write(content, at);
      writes.add(one);
      one.then(
        () => writes.delete(one),
        () => {},
      );
      while (writes.size >= writtenAtOnce || (waiting > mostWaiting && writes.size > 0)) await Promise.race(writes);
    }
    await Promise.all(writes);
    return stored;
  } finally {
    await Promise.allSettled(writes);
  }
}

/**
 * Makes a folder the whole image of these files: what else is below it goes. Each file is placed by rename; one that is right
 * already is only read, and keeps its time. Large ones go through memory in pieces, and everything that comes from
 * the store is checked before it is placed. Rejects with FinnError 'cache/lost' where something is not in the store any
 * more, with RangeError for a path that leaves the folder, with the system's error where the folder cannot be written.
 */
export async function restoreTree(
  objects: Objects,
  to: string,
  files: Readonly<Record<string, TreeFile>>,
): Promise<void> {
  await mirrorTree(to, Object.keys(files), async (path, target) => {
    const file = files[path]!;
    if (await isThere(file, target)) return;
    if (file instanceof Uint8Array) writeAtomically(target, file);
    else if (!(await objects.copyTo(file, target))) throw lostObject(file);
  });
}

/** What a person is told of an object that should be there: FinnError 'cache/lost'. */
export const lostObject = ([object]: Stored): FinnError =>
  new FinnError(error('cache/lost', `the stored content ${object.slice(0, 12)} is lost`, { hint: 'build again' }));

/** Has the file these contents? Nothing of the store is read to know it. */
export async function isThere(file: TreeFile, path: string): Promise<boolean> {
  if (file instanceof Uint8Array) return holds(path, file);
  const [object, size] = file;
  if (sizeIfThere(path) !== size) return false;
  return (size < inOnePiece ? hashFile(path) : await hashFileLater(path)) === object;
}
