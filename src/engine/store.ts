import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, removeTree, sizeIfThere, walkTree } from '../util/files.ts';
import { tryLockOfSilent, waitForLock } from '../util/lock.ts';
import { myMark } from '../util/process-mark.ts';
import { type Content, storedOf } from './content.ts';
import { type Evicted, evict } from './gc.ts';
import { type Kind, kinds, namesIn } from './inventory.ts';
import { leaseIn } from './lease.ts';
import { type Objects, objects, writing } from './objects.ts';
import { callRecord, type Records, records, stepRecord } from './records.ts';
import { rootFile, writeRoot } from './roots.ts';
import { addToEstimate, mayBeAbove } from './size.ts';
import { sweep } from './sweep.ts';

/** What a build used of the store. */
export interface Used {
  readonly steps: readonly (readonly [step: string, key: string])[];
  /** Keys of calls. */
  readonly calls: readonly string[];
}

/**
 * The cache, `.finn/`: objects, step records, call records, scratch. Several processes may use one, on several machines:
 * objects and records are written whole by rename, and equal names mean equal contents.
 */
export interface Store {
  readonly folder: string;
  readonly objects: Objects;
  readonly records: Records;
  /** Is every file of this content there, with the size it should have? */
  has(content: Content): boolean;
  /**
   * A build begins; `name` tells it from the others that use the cache. From now on gc leaves alone what this process
   * uses and what the build of this name used the last time. Sweeps what processes that are gone left behind.
   */
  begin(name: string): void;
  /** A build has ended, well or not: what it used is the last that gc removes. The file whose time says so. */
  used(name: string, used: Used): string;
  /**
   * Removes the least recently used until there are at most so many bytes, if this process wrote anything and the cache
   * may have grown too large; what went, if it was looked at.
   */
  evict(limit: number): Evicted | undefined;
  /**
   * Waits until no other process that uses the cache has claimed this name (of letters, digits, '-' and '_'), and claims
   * it until the returned function is called. Whoever waited looks into the store again first. A claim of a process that
   * is gone does not count; where a cache cannot be written nothing is claimed. Rejects with the signal's reason.
   */
  claim(name: string, signal: AbortSignal): Promise<() => void>;
  /**
   * As `claim`, but it does not wait: undefined where another process has it. One of another machine that has not touched
   * its claim for an hour, by the clock of the file system, is taken for gone.
   */
  tryClaim(name: string): (() => void) | undefined;
  /** A new empty folder in work/, to be removed or kept. */
  scratch(): string;
  /** The folder in work/ of a call that runs elsewhere: it outlives this process, so that the next one finds it again. */
  jobFolder(key: string): string;
  /** All folders of calls that run, or ran, elsewhere, and what is claimed while someone waits for them. */
  jobs(): readonly { readonly directory: string; readonly name: string }[];
  /** Removes a scratch folder. */
  discard(scratch: string): void;
  /** Keeps a scratch folder under a lasting name, in the place of an earlier one of this name; its new path. */
  keep(scratch: string, name: string): string;
  /** Removes what was kept under this name, if anything. */
  drop(name: string): void;
  /** How much is in it, by kind of entry. */
  contents(): readonly { readonly kind: Kind; readonly entries: number; readonly bytes: number }[];
  /** This process does not use the store any more, for now. */
  close(): void;
}

/** What is claimed while a call of this key is made. */
export const claimOf = (key: string): string => `call-${key}`;

/** Machines that share a cache may sleep, or lose the file system for a while. */
const silentMilliseconds = 3_600_000;

let scratches = 0;

/** The store in a folder, which need not be there yet; nothing is written before a build begins or makes something. */
export function openStore(folder: string, onCorrupt: (object: string) => void = () => {}): Store {
  const work = join(folder, 'work');
  const lease = leaseIn(folder, () => sweep(folder));
  let written = 0;
  const ears = {
    corrupt: onCorrupt,
    uses: lease.note,
    writes(bytes: number): void {
      written += bytes;
      lease.tell();
    },
  };
  const held = objects(join(folder, 'objects'), ears);
  return {
    folder,
    objects: held,
    records: records(folder, ears),
    has: (content) => storedOf(content).every((stored) => held.has(stored)),
    begin: (name) => lease.take(rootFile(name)),
    used(name, { steps, calls }) {
      const paths = [...steps.map(([step, key]) => stepRecord(step, key)), ...calls.map(callRecord)];
      try {
        writeRoot(folder, name, paths);
        lease.renew();
      } catch {
        // A cache that cannot be written loses nothing either.
      }
      return join(folder, 'roots', rootFile(name));
    },
    evict(limit) {
      if (written === 0) return undefined;
      const estimate = addToEstimate(folder, written);
      written = 0;
      return mayBeAbove(estimate, limit) ? evict(folder, limit) : undefined;
    },
    async claim(name, signal) {
      lease.tell();
      try {
        return await waitForLock(join(work, `lock-${name}`), signal);
      } catch {
        signal.throwIfAborted();
        return () => {};
      }
    },
    tryClaim(name) {
      try {
        const lock = tryLockOfSilent(join(work, `lock-${name}`), join(work, `seen-${name}`), silentMilliseconds);
        return lock.held ? lock.release : undefined;
      } catch {
        return undefined;
      }
    },
    scratch() {
      lease.tell();
      scratches += 1;
      const path = join(work, `scratch-${myMark()}-${scratches}`);
      return writing(path, () => {
        makeFolder(path);
        return path;
      });
    },
    jobFolder(key) {
      lease.tell();
      const path = join(work, `job-${key}`);
      return writing(path, () => {
        makeFolder(path);
        return path;
      });
    },
    jobs: () =>
      namesIn(work).flatMap((name) => {
        const key = /^job-([0-9a-f]+)$/.exec(name)?.[1];
        return key === undefined ? [] : [{ directory: join(work, name), name: claimOf(key) }];
      }),
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
      (Object.keys(kinds) as Kind[]).map((kind) => {
        let [entries, bytes] = [0, 0];
        for (const path of walkTree(join(folder, kind))) {
          entries += 1;
          bytes += sizeIfThere(join(folder, kind, path)) ?? 0;
        }
        return { kind, entries, bytes };
      }),
    close: lease.end,
  };
}
