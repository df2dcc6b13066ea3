import { join } from 'node:path';
import { hashFile, removeFile, sizeIfThere, walkTree } from '../util/files.ts';
import { isGone, writerOf } from '../util/process-mark.ts';
import { type Stored, storedOf } from './content.ts';
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
  /** What the records say of the sizes of objects. */
  readonly #sizes = new Map<string, number>();
  /** Objects that records name and that were not there when the objects were read. */
  readonly #missing = new Set<string>();

  constructor(folder: string, repair: boolean) {
    this.#folder = folder;
    this.#repair = repair;
  }

  verify(): Verified {
    for (const kind of ['steps', 'calls'] as const) for (const path of this.#list(kind)) this.#record(path);
    for (const path of this.#list('last'))
      if (this.#isRecord(path)) this.#check(path, readRecord<LastRun>(this.#full(path)) !== undefined);
    for (const object of this.#sizes.keys()) this.#missing.add(object);
    for (const path of this.#list('objects')) this.#object(path);
    for (const path of this.#list('downloads')) this.#download(path);
    const roots = new Set(readRoots(this.#folder).map(({ file }) => `roots/${file}`));
    for (const path of this.#list('roots')) this.#check(path, roots.has(path));
    this.#incomplete();
    return { ...this.#count, findings: this.#findings.sort((a, b) => (a.path < b.path ? -1 : 1)) };
  }

  /** Files of a kind, without those that are being written. */
  *#list(kind: string): Generator<string> {
    for (const below of walkTree(this.#full(kind))) {
      const path = `${kind}/${below}`;
      const writer = writerOf(path);
      if (writer === undefined) yield path;
      else if (isGone(writer) === true) this.#found(path, 'leftover');
    }
  }

  #record(path: string): void {
    if (!this.#isRecord(path)) return;
    const named = this.#named(path);
    if (!this.#check(path, named !== undefined)) return;
    for (const [object, size] of named!) this.#sizes.set(object, size);
  }

  /** The objects that the record of a step or a call names; undefined if it is not whole. */
  #named(path: string): readonly Stored[] | undefined {
    if (path.startsWith('calls/')) {
      const call = readRecord<CallRecord>(this.#full(path));
      return call && [call.log, ...Object.values(call.outputs)];
    }
    const step = readRecord<StepRecord>(this.#full(path));
    if (!step || !path.endsWith(`/${digest(step.fingerprint)}.json`)) return undefined;
    return Object.values(step.makes).flatMap(storedOf);
  }

  #isRecord(path: string): boolean {
    if (isRecordPath(path)) return true;
    this.#found(path, 'foreign');
    return false;
  }

  #object(path: string): void {
    const object = objectOf(path);
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
    if (kind === 'objects') this.#missing.delete(hash);
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

  /** Finds the records of objects that are not there: nobody finds a result by them. */
  #incomplete(): void {
    for (const { path, removed } of this.#findings)
      if (removed && path.startsWith('objects/')) this.#missing.add(objectOf(path));
    // It may have been written since.
    for (const object of this.#missing)
      if (sizeIfThere(this.#full(`objects/${objectPath(object)}`)) !== undefined) this.#missing.delete(object);
    if (this.#missing.size === 0) return;
    // Read again: only now is it known which of them count. One that gc took since does not.
    for (const kind of ['steps', 'calls'])
      for (const below of walkTree(this.#full(kind))) {
        const path = `${kind}/${below}`;
        if (isRecordPath(path) && this.#named(path)?.some(([object]) => this.#missing.has(object)))
          this.#found(path, 'incomplete');
      }
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

const isRecordPath = (path: string): boolean =>
  (path.startsWith('calls/') ? /^calls\/[^/]+\.json$/ : /^[^/]+\/[^/]+\/[^/]+\.json$/).test(path);

/** The object of a path below objects/. */
const objectOf = (path: string): string => path.slice('objects/'.length).replace('/', '');
