import { statSync } from 'node:fs';
import { join } from 'node:path';
import { hashFile, listTree, removeFile, sizeIfThere } from '../util/files.ts';
import { isGone, writerOf } from '../util/process-mark.ts';
import { storedOf } from './content.ts';
import { digest } from './fingerprint.ts';
import { objectPath, writing } from './objects.ts';
import { type CallRecord, type LastRun, readRecord, type StepRecord } from './records.ts';
import { readRoots } from './roots.ts';

/**
 * - damaged: not what its name or its checksum says; truncated: shorter than the records say;
 * - incomplete: a record, whole itself, of objects that are not there;
 * - unreadable: the system refuses to read it; leftover: of a process that was killed; foreign: finn did not write it.
 */
export type Fault = 'damaged' | 'truncated' | 'incomplete' | 'unreadable' | 'leftover' | 'foreign';

export interface Finding {
  /** Below the cache's folder. */
  readonly path: string;
  readonly fault: Fault;
  readonly removed: boolean;
}

export interface Verified {
  /** How many were read. */
  readonly objects: number;
  readonly records: number;
  readonly downloads: number;
  readonly bytes: number;
  /** By path. */
  readonly findings: readonly Finding[];
}

/**
 * Reads every object and record of a store, and what was fetched. With `repair` what is not as it should be is removed,
 * so that it is made or fetched again; what is not finn's never is. Throws FinnError 'cache/write' where that fails.
 */
export function verifyStore(folder: string, repair: boolean): Verified {
  return new Verifier(folder, repair).verify();
}

class Verifier {
  readonly #folder: string;
  readonly #repair: boolean;
  readonly #findings: Finding[] = [];
  readonly #count = { objects: 0, records: 0, downloads: 0, bytes: 0 };
  /** What the records say of objects: the size, and who names it. */
  readonly #sizes = new Map<string, number>();
  readonly #namedBy = new Map<string, string[]>();

  constructor(folder: string, repair: boolean) {
    this.#folder = folder;
    this.#repair = repair;
  }

  verify(): Verified {
    for (const path of this.#list('steps')) this.#step(path);
    for (const path of this.#list('calls')) this.#call(path);
    for (const path of this.#list('last'))
      if (this.#isRecord(path)) this.#check(path, readRecord<LastRun>(this.#full(path)) !== undefined);
    for (const path of this.#list('objects')) this.#object(path);
    for (const path of this.#list('downloads')) this.#download(path);
    const roots = new Set(readRoots(this.#folder).map(({ file }) => `roots/${file}`));
    for (const path of this.#list('roots')) this.#check(path, roots.has(path));
    this.#missing();
    return { ...this.#count, findings: this.#findings.sort((a, b) => (a.path < b.path ? -1 : 1)) };
  }

  /** Files of a kind, without those that are being written. */
  #list(kind: string): string[] {
    return listTree(this.#full(kind)).flatMap((below) => {
      const path = `${kind}/${below}`;
      const writer = writerOf(path);
      if (writer === undefined) return [path];
      if (isGone(writer) === true) this.#found(path, 'leftover');
      return [];
    });
  }

  #step(path: string): void {
    if (!this.#isRecord(path)) return;
    const record = readRecord<StepRecord>(this.#full(path));
    const whole = record !== undefined && path.endsWith(`/${digest(record.fingerprint)}.json`);
    if (this.#check(path, whole)) this.#names(path, Object.values(record!.makes).flatMap(storedOf));
  }

  #call(path: string): void {
    if (!this.#isRecord(path)) return;
    const record = readRecord<CallRecord>(this.#full(path));
    if (this.#check(path, record !== undefined)) this.#names(path, [record!.log, ...Object.values(record!.outputs)]);
  }

  #isRecord(path: string): boolean {
    const own = path.startsWith('calls/') ? /^calls\/[^/]+\.json$/ : /^[^/]+\/[^/]+\/[^/]+\.json$/;
    if (own.test(path)) return true;
    this.#found(path, 'foreign');
    return false;
  }

  #names(path: string, stored: readonly (readonly [object: string, size: number])[]): void {
    for (const [object, size] of stored) {
      this.#sizes.set(object, size);
      this.#namedBy.set(object, [...(this.#namedBy.get(object) ?? []), path]);
    }
  }

  #object(path: string): void {
    const object = path.slice('objects/'.length).replace('/', '');
    if (!/^[0-9a-f]{64}$/.test(object) || path !== `objects/${objectPath(object)}`) this.#found(path, 'foreign');
    else this.#content(path, object, 'objects');
  }

  #download(path: string): void {
    const name = path.slice('downloads/'.length);
    if (/^[0-9a-f]{64}$/.test(name)) this.#content(path, name, 'downloads');
    else if (!name.endsWith('.part')) this.#found(path, 'foreign');
  }

  #content(path: string, hash: string, kind: 'objects' | 'downloads'): void {
    const size = sizeIfThere(this.#full(path));
    // It was removed since the folder was listed.
    if (size === undefined) return;
    this.#count[kind] += 1;
    this.#count.bytes += size;
    const wanted = kind === 'objects' ? this.#sizes.get(hash) : undefined;
    try {
      if (size !== wanted && wanted !== undefined) this.#found(path, size < wanted ? 'truncated' : 'damaged');
      else if (hashFile(this.#full(path)) !== hash) this.#found(path, size === 0 ? 'truncated' : 'damaged');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') this.#found(path, 'unreadable');
    }
  }

  /** Counts a record and says whether it is whole. */
  #check(path: string, whole: boolean): boolean {
    const size = sizeIfThere(this.#full(path));
    if (size === undefined) return false;
    this.#count.records += 1;
    this.#count.bytes += size;
    if (!whole) this.#found(path, 'damaged');
    return whole;
  }

  /** Records of objects that are not there: nobody finds a result by them. */
  #missing(): void {
    const gone = new Set(this.#findings.filter(({ removed }) => removed).map(({ path }) => path));
    const incomplete = new Set<string>();
    for (const [object, records] of this.#namedBy) {
      const path = `objects/${objectPath(object)}`;
      if (gone.has(path) || sizeIfThere(this.#full(path)) === undefined)
        for (const record of records) incomplete.add(record);
    }
    // One that gc took since does not count.
    for (const path of incomplete)
      if (statSync(this.#full(path), { throwIfNoEntry: false })) this.#found(path, 'incomplete');
  }

  #found(path: string, fault: Fault): void {
    const full = this.#full(path);
    const removed = this.#repair && fault !== 'foreign';
    if (removed) writing(full, () => removeFile(full));
    this.#findings.push({ path, fault, removed });
  }

  #full(path: string): string {
    return join(this.#folder, path);
  }
}
