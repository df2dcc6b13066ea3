import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, touch, writeAtomically } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';

/** What a build used the last time: the paths of records, below the cache, without their ending. */
export interface Root {
  /** Name of its file. */
  readonly file: string;
  readonly records: readonly string[];
  /** When the build was last run, by the clock of the file system, in ms. */
  readonly time: number;
}

/** The file of a build's root. */
export const rootFile = (name: string): string => `${sha256(name).slice(0, 32)}.txt`;

/**
 * Notes what a build of this name used, now. Where that is what it used the last time, only the file's time changes.
 * Throws the system's error.
 */
export function writeRoot(folder: string, name: string, records: readonly string[]): void {
  const path = join(folder, 'roots', rootFile(name));
  const body = [...new Set(records)].sort().join('\n');
  const head = sha256(body);
  if (headOf(path) === head) touch(path);
  else writeAtomically(path, `${head}\n${body}\n`);
}

/** All roots that are whole. */
export function readRoots(folder: string): Root[] {
  let files: string[];
  try {
    files = readdirSync(join(folder, 'roots')).sort();
  } catch {
    return [];
  }
  return files.flatMap((file): Root[] => {
    const path = join(folder, 'roots', file);
    const stat = statSync(path, { throwIfNoEntry: false });
    const bytes = stat && readIfThere(path);
    if (!bytes || !/^[0-9a-f]{32}\.txt$/.test(file)) return [];
    const text = new TextDecoder().decode(bytes);
    const body = text.slice(65, -1);
    if (text.slice(0, 64) !== sha256(body)) return [];
    return [{ file, records: body === '' ? [] : body.split('\n'), time: stat.mtimeMs }];
  });
}

function headOf(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const head = Buffer.alloc(64);
      readSync(file, head);
      return head.toString();
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
