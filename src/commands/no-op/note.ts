import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Environment } from '../../config/environment.ts';
import type { Said } from '../../engine/executors/grounds.ts';

/**
 * What a build with nothing to do was: what it looked at, as it was, and what it printed. Where all of it is as it was, the
 * next one can say the same without reading any of it.
 */
export interface Note {
  /** The words behind `finn`, the folder, Node and the user. */
  readonly call: Call;
  /** Variables of the environment that may bear on it. */
  readonly surroundings: Readonly<Record<string, string>>;
  /** All that was looked at. */
  readonly stamps: Stamps;
  /** What programs said of their versions. */
  readonly said: readonly Said[];
  /** Whose time says when the build was last asked for. */
  readonly root: string;
  /** Folder in which whoever uses the cache has a file. */
  readonly leases: string;
  /** What was printed. Nothing until the stamps were the same before and after a whole build. */
  readonly printed?: Printed | undefined;
}

export interface Call {
  readonly words: readonly string[];
  readonly folder: string;
  readonly node: string;
  readonly user: number | undefined;
}

/** What a build printed: lines, and among them how it ended. */
export interface Printed {
  readonly lines: readonly (readonly [to: 'out' | 'err', text: string])[];
  /** Place of the line that says how many steps were fresh, and in which time. */
  readonly done: number;
  readonly fresh: number;
  /** Were diagnostics coloured? */
  readonly color: boolean;
}

/** This very call of finn. */
export const thisCall = (words: readonly string[]): Call => ({
  words,
  folder: process.cwd(),
  node: `${process.version} ${process.execPath} ${process.execArgv.join(' ')}`,
  user: process.getuid?.(),
});

/** Files and folders, by their absolute paths, as they lie there or do not. */
export interface Stamps {
  readonly paths: readonly string[];
  /** Of each path what `stampOf` says, one behind the other. */
  readonly numbers: readonly number[];
}

type Stamp = readonly [device: number, number: number, size: number, changed: number];

/** What `stampOf` says where there is nothing. */
const NOTHING: Stamp = [0, 0, 0, 0];

/**
 * Identifies a file or folder as it lies there: device, number, size, and when it was last changed, in ms. What is written to, or
 * another one in its place, has another stamp, whatever clocks say: nobody can choose the time of the last change.
 */
function stampOf(path: string): Stamp {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat ? [stat.dev, stat.ino, stat.size, stat.ctimeMs] : NOTHING;
  } catch {
    // A file where a folder should be, or a folder that may not be looked into.
    return NOTHING;
  }
}

/** The stamps of these paths, now; undefined where a file system counts time in seconds and cannot tell two changes apart. */
export function stampsOf(paths: readonly string[]): Stamps | undefined {
  const stamps = paths.map(stampOf);
  if (stamps.some(([, , , changed]) => changed !== 0 && changed % 1000 === 0)) return undefined;
  return { paths, numbers: stamps.flat() };
}

/** Is everything as it was? */
export function hold({ paths, numbers }: Stamps): boolean {
  let at = 0;
  for (const path of paths) {
    const [device, number, size, changed] = stampOf(path);
    if (device !== numbers[at] || number !== numbers[at + 1]) return false;
    if (size !== numbers[at + 2] || changed !== numbers[at + 3]) return false;
    at += 4;
  }
  return true;
}

/**
 * Where the notes of a recipe's builds may lie: in the cache that the environment names, else in that beside the recipe or a
 * finn.config.yaml above it.
 */
export function placesOf(recipe: string, environment: Environment): string[] {
  if (environment['FINN_CACHE']) return [resolve(environment['FINN_CACHE'])];
  const places: string[] = [];
  for (let folder = dirname(resolve(recipe)); ; folder = dirname(folder)) {
    places.push(join(folder, '.finn'));
    if (folder === dirname(folder)) return places;
  }
}

/** The note's file in a cache. */
export const pathIn = (cache: string, call: Call): string =>
  join(cache, 'builds', `no-op-${digest(JSON.stringify(call))}.json`);

/** The note of a call, if there is one that is whole. */
export function findNote(recipe: string, call: Call, environment: Environment): Note | undefined {
  for (const cache of placesOf(recipe, environment)) {
    try {
      const [sum, head = '', stamps = ''] = readFileSync(pathIn(cache, call), 'utf8').split('\n');
      if (digest(head) !== sum) return undefined;
      const note = JSON.parse(head) as Note;
      if (JSON.stringify(note.call) !== JSON.stringify(call)) return undefined;
      return { ...note, stamps: JSON.parse(stamps) as Stamps };
    } catch {
      // None here, or none that can be read.
    }
  }
  return undefined;
}

/** A note as text. Stamps that are damaged do not hold, so that they need no digest. */
export function textOf({ stamps, ...rest }: Note): string {
  const head = JSON.stringify(rest);
  return [digest(head), head, JSON.stringify(stamps)].join('\n');
}

/** 64 bits, as FNV-1a counts them: against accidents only. Loading Node's SHA-256 takes longer than all the rest. */
function digest(text: string): string {
  let [a, b] = [0x811c9dc5, 0x811c9dc5];
  for (let i = 0; i < text.length; i += 1) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
  }
  return [a, b].map((sum) => (sum >>> 0).toString(16).padStart(8, '0')).join('');
}
