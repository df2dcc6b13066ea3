import { readdirSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listTree } from '../util/files.ts';
import { writerOf } from '../util/process-mark.ts';
import { storedOf } from './content.ts';
import { digest } from './fingerprint.ts';
import { objectPath } from './objects.ts';
import { type CallRecord, type LastRun, readRecord, type StepRecord } from './records.ts';

/** The kinds of entries of a store, each a folder of it, and what they are in a few words. */
export const kinds = {
  objects: 'contents of results',
  steps: 'records of steps',
  calls: 'records of tool calls',
  last: 'what ran last, for explanations',
  builds: 'copies of records, to be read at once',
  roots: 'what each build used last',
  downloads: 'models that were fetched',
  work: 'folders of calls that failed or run elsewhere, and scratch',
} as const;
export type Kind = keyof typeof kinds;

/** A file or folder of a store that goes as a whole. */
export interface Item {
  readonly kind: Exclude<Kind, 'objects' | 'roots'>;
  /** Below the cache's folder. */
  readonly path: string;
  readonly bytes: number;
  /** When it was written or used last, in ms by the file system's clock. */
  readonly time: number;
  /** The objects that it names. */
  readonly names: readonly string[];
  /** The record, without ending, that it tells of. */
  readonly of?: string | undefined;
}

/** An object as it lies there. */
export interface Lying {
  readonly path: string;
  readonly bytes: number;
  readonly time: number;
}

/** All that a store has and that can be made again. */
export interface Inventory {
  readonly items: readonly Item[];
  readonly objects: ReadonlyMap<string, Lying>;
  readonly bytes: number;
}

/** Looks at everything in a store. `now` is the file system's clock: times after it become now, there too. */
export function inventory(folder: string, now: number): Inventory {
  const objects = new Map<string, Lying>();
  const items: Item[] = [];
  const time = (path: string, found: number): number => {
    if (found <= now + 1000) return found;
    try {
      utimesSync(join(folder, path), now / 1000, now / 1000);
    } catch {
      // It is another's.
    }
    return now;
  };
  const file = (path: string): Lying | undefined => {
    const stat = writerOf(path) === undefined ? statSync(join(folder, path), { throwIfNoEntry: false }) : undefined;
    return stat?.isFile() ? { path, bytes: stat.size, time: time(path, stat.mtimeMs) } : undefined;
  };
  for (const [object, path] of listObjects(folder)) {
    const found = file(path);
    if (found) objects.set(object, found);
  }
  for (const kind of ['steps', 'calls', 'last', 'builds', 'downloads'] as const)
    for (const below of listTree(join(folder, kind))) {
      const found = file(`${kind}/${below}`);
      if (found) items.push({ ...found, kind, ...read(folder, kind, below) });
    }
  for (const name of namesIn(join(folder, 'work'))) {
    if (!isKept(name)) continue;
    const path = `work/${name}`;
    const found = [path, ...listTree(join(folder, path)).map((below) => `${path}/${below}`)].flatMap(
      (one) => statSync(join(folder, one), { throwIfNoEntry: false }) ?? [],
    );
    const bytes = found.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
    // What still writes into it, a job of a killed finn for one, keeps it young.
    const changed = found.reduce((newest, { mtimeMs }) => Math.max(newest, mtimeMs), 0);
    if (found.length > 0) items.push({ kind: 'work', path, bytes, time: time(path, changed), names: [] });
  }
  const bytes =
    items.reduce((sum, item) => sum + item.bytes, 0) +
    [...objects.values()].reduce((sum, object) => sum + object.bytes, 0);
  return { items, objects, bytes };
}

/** Folders of calls that failed, and of calls that run elsewhere. */
const isKept = (name: string): boolean => /^(failed|job)-/.test(name);

/** The files in objects/ that have the name of an object, by the object, as paths below the cache. */
function* listObjects(folder: string): Generator<[object: string, path: string]> {
  for (const start of namesIn(join(folder, 'objects')))
    for (const rest of namesIn(join(folder, 'objects', start))) {
      const object = `${start}${rest}`;
      if (/^[0-9a-f]{64}$/.test(object) && start.length === 2) yield [object, `objects/${objectPath(object)}`];
    }
}

/** What a file says of others. */
function read(folder: string, kind: Item['kind'], below: string): Pick<Item, 'names' | 'of'> {
  const path = join(folder, kind, below);
  if (kind === 'steps') return { names: objectsOfStep(readRecord<StepRecord>(path)) };
  if (kind === 'calls') return { names: objectsOfCall(readRecord<CallRecord>(path)) };
  const last = kind === 'last' ? readRecord<LastRun>(path) : undefined;
  return { names: [], of: last && `steps/${dirname(below)}/${digest(last.fingerprint)}` };
}

/** The objects that a step's record names. */
const objectsOfStep = (record: StepRecord | undefined): string[] =>
  Object.values(record?.makes ?? {})
    .flatMap(storedOf)
    .map(([object]) => object);

/** The objects that a call's record names. */
const objectsOfCall = (record: CallRecord | undefined): string[] =>
  record ? [record.log, ...Object.values(record.outputs)].map(([object]) => object) : [];

/** Names of what is in a folder, sorted; none where there is no such folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
