import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listTree, readIfThere, writeAtomically } from '../util/files.ts';

/** What a file of a mirror was when it was last read, by its path: size, time of change and sha256. */
type Index = Record<string, readonly [size: number, changed: number, sha256: string]>;

/** The most that a file of a mirror may have to be looked at: 2 GB. */
const LARGEST = 2 ** 31;

/**
 * The file of a mirror with the wanted sha256, whatever its name. Small files are looked at first; what was read is
 * remembered in the file `index` (which is written only where `remember` says so), so that a large mirror is hashed once.
 */
export function inMirrors(
  wanted: string,
  mirrors: readonly string[],
  index: string,
  remember: boolean,
): Uint8Array | undefined {
  const known = readIndex(index);
  const files = mirrors
    .flatMap((mirror) => listTree(mirror).map((path) => join(mirror, path)))
    .map((path) => ({ path, stat: statSync(path, { throwIfNoEntry: false }) }))
    .flatMap(({ path, stat }) => (stat && stat.size <= LARGEST ? [{ path, size: stat.size, time: stat.mtimeMs }] : []))
    .sort((a, b) => a.size - b.size || (a.path < b.path ? -1 : 1));
  const isKnown = ({ path, size, time }: (typeof files)[number]): boolean =>
    known[path]?.[0] === size && known[path][1] === time;
  // Those that had the content when they were read last, then those that nobody has read yet.
  const likely = files.filter((file) => isKnown(file) && known[file.path]![2] === wanted);
  const unread = files.filter((file) => !isKnown(file));
  const seen: Index = {};
  let found: Uint8Array | undefined;
  for (const { path, size, time } of [...likely, ...unread]) {
    const bytes = readable(path);
    if (!bytes) continue;
    const digest = createHash('sha256').update(bytes).digest('hex');
    seen[path] = [size, time, digest];
    if (digest !== wanted) continue;
    found = bytes;
    break;
  }
  if (remember && unread.some(({ path }) => Object.hasOwn(seen, path))) note(index, { ...known, ...seen });
  return found;
}

/** A file that may not be read, or that went in this moment, is not the one that is looked for. */
function readable(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** As far as possible: without it the files are read again. */
function note(path: string, index: Index): void {
  try {
    writeAtomically(path, JSON.stringify(index));
  } catch {
    // The cache is read-only, or its disk is full.
  }
}

/** An index that cannot be read is none. */
function readIndex(path: string): Index {
  const bytes = readIfThere(path);
  if (!bytes) return {};
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof read === 'object' && read !== null ? (read as Index) : {};
  } catch {
    return {};
  }
}
