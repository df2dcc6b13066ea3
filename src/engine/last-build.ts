import { join } from 'node:path';
import { readIfThere, removeFile, writeAtomically } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Instance } from './graph.ts';
import type { Result } from './known.ts';
import type { StepRecord } from './records.ts';
import type { Store } from './store.ts';

/** What a record says beside the fingerprint, which whoever asks has. */
type Rest = Omit<StepRecord, 'fingerprint'>;

interface Entry {
  readonly key: string;
  /** Tells whether the record is still the one that this was read from. */
  readonly stamp: string;
  /** A `Rest` as JSON. */
  readonly rest: string;
}

/** Of how many instances beside its own a build keeps what builds before it found, at most. */
const mostOthers = 10_000;

/**
 * What the last builds in one place found or made: copies of their step records, by instance, in one file, so that a
 * build that has nothing to do need not read thousands. A copy counts as long as the record lies there untouched.
 */
export class LastBuild {
  readonly #path: string;
  readonly #store: Store;
  #entries: Map<string, Entry>;
  #missed = false;

  /** What lies in the store for this place; nothing where the file is not whole. */
  constructor(store: Store, place: string) {
    this.#store = store;
    this.#path = join(store.folder, 'builds', `${sha256(place).slice(0, 32)}.txt`);
    this.#entries = read(this.#path);
  }

  /** The result of an instance, if its key was this one and its record is as it was. */
  find({ path, step }: Instance, key: string, fingerprint: Fingerprint): Result | undefined {
    const entry = this.#entries.get(path);
    if (entry?.key !== key || this.#store.records.stampStep(step.name, key) !== entry.stamp) {
      this.#missed = true;
      return undefined;
    }
    const { makes, calls, diagnostics, seconds } = JSON.parse(entry.rest) as Rest;
    return { key, record: { fingerprint, makes, calls, diagnostics, seconds } };
  }

  /** Was it asked for something that it did not know? */
  get missed(): boolean {
    return this.#missed;
  }

  /** Something is going to be done: what is written here is not the last any more. */
  forget(): void {
    try {
      removeFile(this.#path);
    } catch {
      // Where that may not be written, nothing else is.
    }
  }

  /** Notes what a build found or made. Instances that it did not look at stay as they are. */
  write(results: Iterable<readonly [Instance, Result]>): void {
    const found = new Map<string, Entry>();
    for (const [{ path, step }, { key, record }] of results) {
      const stamp = this.#store.records.stampStep(step.name, key);
      const { makes, calls, diagnostics, seconds } = record;
      const rest: Rest = { makes, calls, diagnostics, seconds };
      if (stamp !== undefined) found.set(path, { key, stamp, rest: JSON.stringify(rest) });
    }
    const others = [...this.#entries].filter(([path]) => !found.has(path));
    this.#entries = new Map([...(others.length > mostOthers ? [] : others), ...found]);
    const lines = [...this.#entries].map(([path, { key, stamp, rest }]) => [path, key, stamp, rest].join('\t'));
    const body = lines.join('\n');
    try {
      writeAtomically(this.#path, `${sha256(body)}\n${body}`);
    } catch {
      // A cache that cannot be written is read record by record.
    }
  }
}

function read(path: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const bytes = bytesOf(path);
  const text = new TextDecoder().decode(bytes);
  if (text.slice(0, 64) !== sha256(bytes.subarray(65))) return entries;
  for (let from = 65; from < text.length; ) {
    const end = text.indexOf('\n', from);
    const [name, key, stamp, rest] = text.slice(from, end < 0 ? text.length : end).split('\t');
    if (name !== undefined && key !== undefined && stamp !== undefined && rest !== undefined)
      entries.set(name, { key, stamp, rest });
    from = end < 0 ? text.length : end + 1;
  }
  return entries;
}

function bytesOf(path: string): Uint8Array {
  try {
    return readIfThere(path) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}
