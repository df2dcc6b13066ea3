import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { listTree, removeTree, sizeIfThere } from '../util/files.ts';
import { processIsAlive } from '../util/lock.ts';
import { type Content, storedOf } from './content.ts';
import { type Objects, objects, writing } from './objects.ts';
import { type Records, records } from './records.ts';

/**
 * The cache, `.finn/`: objects, step records, call records, scratch. Several processes may use one: objects and records
 * are written whole by rename, and equal names mean equal contents.
 */
export interface Store {
  readonly folder: string;
  readonly objects: Objects;
  readonly records: Records;
  /** Is every file of this content there, with the size it should have? */
  has(content: Content): boolean;
  /** A new empty folder in work/, to be removed or kept. */
  scratch(): string;
  /** The folder in work/ of a call that runs elsewhere: it outlives this process, so that the next one finds it again. */
  jobFolder(key: string): string;
  /** Removes a scratch folder. */
  discard(scratch: string): void;
  /** Keeps a scratch folder under a lasting name, in the place of an earlier one of this name; its new path. */
  keep(scratch: string, name: string): string;
  /** Removes what was kept under this name, if anything. */
  drop(name: string): void;
  /** How much is in it, by kind of entry. */
  contents(): readonly { readonly kind: string; readonly entries: number; readonly bytes: number }[];
}

let scratches = 0;

/** The store in a folder, which need not be there yet; nothing is written before the first result. */
export function openStore(folder: string, onCorrupt: (object: string) => void = () => {}): Store {
  const held = objects(join(folder, 'objects'), onCorrupt);
  const work = join(folder, 'work');
  let swept = false;
  return {
    folder,
    objects: held,
    records: records(folder),
    has: (content) => storedOf(content).every((stored) => held.has(stored)),
    scratch() {
      if (!swept) sweep(work);
      swept = true;
      scratches += 1;
      const path = join(work, `scratch-${process.pid}-${scratches}`);
      return writing(path, () => {
        removeTree(path);
        mkdirSync(path, { recursive: true });
        return path;
      });
    },
    jobFolder(key) {
      const path = join(work, `job-${key}`);
      return writing(path, () => {
        mkdirSync(path, { recursive: true });
        return path;
      });
    },
    discard: removeTree,
    keep(scratch, name) {
      const path = join(work, name);
      return writing(path, () => {
        removeTree(path);
        renameSync(scratch, path);
        return path;
      });
    },
    drop: (name) => removeTree(join(work, name)),
    contents: () =>
      ['objects', 'steps', 'calls', 'last', 'work'].map((kind) => {
        const paths = listTree(join(folder, kind));
        const bytes = paths.reduce((sum, path) => sum + (sizeIfThere(join(folder, kind, path)) ?? 0), 0);
        return { kind, entries: paths.length, bytes };
      }),
  };
}

/** Removes the scratch folders of processes that are gone. */
function sweep(work: string): void {
  let names: string[];
  try {
    names = readdirSync(work);
  } catch {
    return;
  }
  for (const name of names) {
    const pid = /^scratch-(\d+)-\d+$/.exec(name)?.[1];
    if (pid !== undefined && !processIsAlive(Number(pid))) removeTree(join(work, name));
  }
}
