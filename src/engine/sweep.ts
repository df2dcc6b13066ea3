import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeFile, removeTree } from '../util/files.ts';
import { tryLock } from '../util/lock.ts';
import { isGone, isMark, type ProcessMark, writerOf } from '../util/process-mark.ts';
import { hasEnded, leaseNames, readLeases } from './lease.ts';

/** How long what another machine left unfinished, or a part of a download, may lie there. */
const oldMilliseconds = 7 * 24 * 3_600_000;

const scratchForm = /^scratch-(.+)-\d+$/;

/**
 * Removes what processes that are gone left unfinished in a store: their tools, which may still run, their scratch
 * folders, temporary files and locks. Nothing is looked at where no lease tells of such a process. What cannot be
 * removed stays for the next time.
 */
export function sweep(folder: string): void {
  if (!leaseNames(folder).some((name) => isGone(name.replace(/-\d+$/, '')) !== false)) return;
  const now = Date.now();
  const ended = readLeases(folder).filter((lease) => hasEnded(lease, now));
  if (ended.length === 0) return;
  const lock = locked(join(folder, 'work', 'lock-sweep'));
  if (!lock) return;
  try {
    const gone = new Set(ended.map(({ mark }) => mark));
    clear(folder, (mark, path) => gone.has(mark) || (isGone(mark) ?? isOld(path, now)));
    // Last: who is killed in the midst of this is followed by one who does it again.
    for (const { name } of ended) quietly(() => removeFile(join(folder, 'leases', name)));
  } finally {
    lock.release();
  }
}

/** Removes everything unfinished whose writer is gone, as `gone` says of a mark and of a file's path. */
function clear(folder: string, gone: (mark: ProcessMark, path: string) => boolean): void {
  const work = join(folder, 'work');
  const scratch = entries(work).filter((name) => {
    const mark = scratchForm.exec(name)?.[1];
    return mark !== undefined && isMark(mark) && gone(mark, join(work, name));
  });
  endOrphans(scratch);
  for (const name of scratch) quietly(() => removeTree(join(work, name)));
  for (const name of entries(work)) {
    if (!/^(lock|seen)-/.test(name)) continue;
    if (name.endsWith('.break') || name.startsWith('seen-')) {
      if (isOld(join(work, name), Date.now())) quietly(() => removeFile(join(work, name)));
      continue;
    }
    // Taken, if its holder is gone, and given back.
    const lock = locked(join(work, name));
    lock?.release();
  }
  for (const below of temporaryPlaces(folder))
    for (const name of entries(below)) {
      const writer = writerOf(name);
      const path = join(below, name);
      if (writer !== undefined && gone(writer, path)) quietly(() => removeFile(path));
      // The next download goes on from it, if there is one.
      if (name.endsWith('.part') && isOld(path, Date.now())) quietly(() => removeFile(path));
    }
}

/** The folders in which files are written. */
const temporaryPlaces = (folder: string): string[] => [
  folder,
  ...['calls', 'builds', 'roots', 'downloads'].map((name) => join(folder, name)),
  ...['objects', 'steps', 'last'].flatMap((name) =>
    entries(join(folder, name)).map((below) => join(folder, name, below)),
  ),
];

/**
 * Kills the tools, and all that they started, of scratch folders (given by name or path) whose finn is gone: programs of
 * this user whose environment has one of them as FINN_SCRATCH. Does nothing where there is no /proc.
 */
export function endOrphans(scratchFolders: readonly string[]): void {
  const folders = new Set(scratchFolders.map((path) => basename(path)));
  if (folders.size === 0) return;
  // Until there are none: one that is not seen may start others in the meantime.
  for (let round = 0; round < 20; round += 1) {
    const found = entries('/proc').filter((pid) => /^\d+$/.test(pid) && folders.has(scratchOf(pid)));
    if (found.length === 0) return;
    for (const pid of found) quietly(() => process.kill(Number(pid), 'SIGKILL'));
  }
}

/** The name of the scratch folder in the environment of a process; '' where it has none or is not ours to see. */
function scratchOf(pid: string): string {
  if (Number(pid) === process.pid) return '';
  try {
    // A process that has ended has no program, and would be found again and again until its parent asks for it.
    readlinkSync(`/proc/${pid}/exe`);
    const words = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    const word = words.find((one) => one.startsWith('FINN_SCRATCH='));
    return word === undefined ? '' : basename(Buffer.from(word, 'latin1').toString().slice('FINN_SCRATCH='.length));
  } catch {
    return '';
  }
}

const isOld = (path: string, now: number): boolean => {
  const time = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return time !== undefined && Math.abs(now - time) > oldMilliseconds;
};

function locked(path: string): { release(): void } | undefined {
  try {
    const lock = tryLock(path);
    return lock.held ? lock : undefined;
  } catch {
    return undefined;
  }
}

function quietly(remove: () => void): void {
  try {
    remove();
  } catch {
    // It is another user's, or the file system is read-only.
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
