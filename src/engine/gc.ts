import { statSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../util/files.ts';
import { tryLock, waitForLock } from '../util/lock.ts';
import { type Inventory, type Item, inventory, type Kind, type Lying } from './inventory.ts';
import { hasEnded, leaseIn, readLeases } from './lease.ts';
import { cannotWrite, writing } from './objects.ts';
import { type Root, readRoots } from './roots.ts';
import { writeEstimate } from './size.ts';
import { sweep } from './sweep.ts';

/** How many files or folders, and how many bytes. */
export interface Removed {
  readonly entries: number;
  readonly bytes: number;
}

/** What was removed from a store. */
export interface Evicted {
  /** By kind of entry. */
  readonly removed: Readonly<Partial<Record<Kind, Removed>>>;
  /** Bytes before and after. */
  readonly before: number;
  readonly after: number;
}

/** Folders of failed calls and of calls elsewhere are kept for a week, and no longer. */
const keptMilliseconds = 7 * 24 * 3_600_000;
/** What a process says of time and what the file system says differ by the grain of their clocks. */
const slackMilliseconds = 1000;
/** After so many removals it is looked again for processes that have begun to use the store. */
const batch = 200;
/** Of what was used at the same time, this goes first: what tools made costs most. */
const order: readonly Item['kind'][] = ['work', 'steps', 'last', 'builds', 'calls', 'downloads'];

const lockOf = (folder: string): string => join(folder, 'work', 'lock-gc');

/**
 * Removes what no record names, and then the least recently used until there are at most so many bytes: records before
 * the objects that only they name. What a living process uses or wrote stays. Undefined where another process is doing
 * this. Throws FinnError 'cache/write'.
 */
export function evict(folder: string, limit: number): Evicted | undefined {
  return writing(folder, () => {
    const lock = tryLock(lockOf(folder));
    if (!lock.held) return undefined;
    try {
      return collect(folder, limit);
    } finally {
      lock.release();
    }
  });
}

/** The same after all others that do this. Rejects with FinnError 'cache/write' or the signal's reason. */
export async function evictInTurn(folder: string, limit: number, signal: AbortSignal): Promise<Evicted> {
  // Whoever finds it, after this process was killed, clears up its lock.
  const lease = leaseIn(folder, () => {});
  lease.take();
  try {
    const release = await waitForLock(lockOf(folder), signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw cannotWrite(folder, cause);
    });
    try {
      return writing(folder, () => collect(folder, limit, lease.name));
    } finally {
      release();
    }
  } finally {
    lease.end();
  }
}

/** `own` is a lease that guards nothing. */
function collect(folder: string, limit: number, own?: string): Evicted {
  sweep(folder);
  // What the file system calls now: clocks of machines differ, and are set back.
  const now = statSync(lockOf(folder)).mtimeMs;
  const collector = new Collector(folder, now, own);
  const evicted = collector.collect(limit);
  writeEstimate(folder, { bytes: evicted.after, left: evicted.after, looked: Date.now() });
  return evicted;
}

class Collector {
  readonly #folder: string;
  readonly #now: number;
  readonly #own: string | undefined;
  readonly #there: Inventory;
  readonly #roots: readonly Root[];
  /** When a record was used last by a build, by its path without ending. */
  readonly #used = new Map<string, number>();
  /** How many records name an object. */
  readonly #named = new Map<string, number>();
  readonly #removed: Partial<Record<Kind, Removed>> = {};
  /** Records that living processes use, and since when what is written may be theirs. */
  #held = new Set<string>();
  #since = Number.POSITIVE_INFINITY;
  #left: number;
  #removals = 0;

  constructor(folder: string, now: number, own: string | undefined) {
    this.#folder = folder;
    this.#now = now;
    this.#own = own;
    this.#there = inventory(folder, now);
    this.#left = this.#there.bytes;
    this.#roots = readRoots(folder);
    for (const { records, time } of this.#roots)
      for (const record of records) this.#used.set(record, Math.max(this.#used.get(record) ?? 0, Math.min(time, now)));
    for (const { names } of this.#there.items)
      for (const name of new Set(names)) this.#named.set(name, (this.#named.get(name) ?? 0) + 1);
    this.#look();
  }

  collect(limit: number): Evicted {
    for (const [name, object] of this.#there.objects) if (!this.#named.has(name)) this.#removeObject(object);
    const old = ({ kind, time }: Item): boolean => kind === 'work' && this.#now - time > keptMilliseconds;
    for (const item of this.#there.items) if (old(item)) this.#remove(item);
    for (const item of this.#leastRecentFirst()) {
      if (this.#left <= limit) break;
      this.#remove(item);
    }
    this.#removeRoots();
    return { removed: this.#removed, before: this.#there.bytes, after: this.#left };
  }

  /** Jobs are not among them: they may be in a queue. */
  #leastRecentFirst(): Item[] {
    const rank = (item: Item): number => this.#used.get(recordOf(item)) ?? this.#used.get(item.of ?? '') ?? item.time;
    return this.#there.items
      .filter(
        (item) =>
          !item.path.startsWith('work/job-') && !(item.kind === 'work' && this.#now - item.time > keptMilliseconds),
      )
      .map((item) => ({ item, rank: rank(item) }))
      .sort(
        (a, b) =>
          a.rank - b.rank ||
          order.indexOf(a.item.kind) - order.indexOf(b.item.kind) ||
          (a.item.path < b.item.path ? -1 : 1),
      )
      .map(({ item }) => item);
  }

  /** Reads what living processes use. */
  #look(): void {
    const held = new Set<string>();
    let since = Number.POSITIVE_INFINITY;
    const lists = new Map(this.#roots.map(({ file, records }) => [file, records]));
    for (const lease of readLeases(this.#folder)) {
      if (lease.name === this.#own || hasEnded(lease, this.#now)) continue;
      since = Math.min(since, lease.born - slackMilliseconds, this.#now);
      for (const record of lease.records) held.add(record);
      for (const root of lease.roots) for (const record of lists.get(root) ?? []) held.add(record);
    }
    this.#held = held;
    this.#since = since;
  }

  #remove(item: Item): void {
    if (this.#removals % batch === 0) this.#look();
    this.#removals += 1;
    // What tells of a record in use goes no more than that.
    if ([recordOf(item), item.of ?? ''].some((record) => this.#held.has(record))) return;
    if (!this.#take(item, item.kind)) return;
    for (const name of new Set(item.names)) {
      const count = this.#named.get(name)! - 1;
      this.#named.set(name, count);
      const object = this.#there.objects.get(name);
      if (count === 0 && object) this.#removeObject(object);
    }
  }

  #removeObject(object: Lying): void {
    this.#take(object, 'objects');
  }

  /** Removes it, unless it was written or used since a living process began, or since it was looked at. */
  #take({ path, bytes, time }: Lying, kind: Kind): boolean {
    const full = join(this.#folder, path);
    const stat = statSync(full, { throwIfNoEntry: false });
    if (!stat || time >= this.#since || changedSince(stat.mtimeMs, time, kind)) return false;
    removeTree(full);
    this.#left -= bytes;
    const sum = this.#removed[kind] ?? { entries: 0, bytes: 0 };
    this.#removed[kind] = { entries: sum.entries + 1, bytes: sum.bytes + bytes };
    return true;
  }

  /** A root that names nothing any more has no use. */
  #removeRoots(): void {
    const there = (record: string): boolean =>
      statSync(join(this.#folder, `${record}.json`), { throwIfNoEntry: false }) !== undefined;
    for (const { file, records, time } of this.#roots)
      if (time < this.#since && !records.some(there)) removeTree(join(this.#folder, 'roots', file));
  }
}

/** A folder's own time may be older than that of what is in it. */
const changedSince = (found: number, time: number, kind: Kind): boolean =>
  kind === 'work' ? found > time + 2 : Math.abs(found - time) > 2;

const recordOf = ({ path }: Item): string => path.replace(/\.json$/, '');
