import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { readIfThere, removeFile, writeAtomically } from '../util/files.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';
import type { Content, Stored } from './content.ts';
import type { InstanceId } from './events.ts';
import type { Fingerprint } from './fingerprint.ts';
import { type Ears, writing } from './objects.ts';

/** One tool call that a step made, for the build's manifest. */
export interface CallMade {
  readonly tool: string;
  readonly version: string;
  readonly key: string;
  readonly label: string;
  /** How long it took when it ran, now or earlier. */
  readonly seconds: number;
}

/** What a step made of given inputs. */
export interface StepRecord {
  readonly fingerprint: Fingerprint;
  readonly makes: Readonly<Record<string, Content>>;
  readonly calls: readonly CallMade[];
  /** Warnings and notes of the step. */
  readonly diagnostics: readonly Diagnostic[];
  /** How long it took when it ran. */
  readonly seconds: number;
}

/** What a tool made of given inputs. Only calls that ended well have one. */
export interface CallRecord {
  readonly tool: string;
  readonly version: string;
  readonly args: readonly string[];
  readonly outputs: Readonly<Record<string, Stored>>;
  readonly log: Stored;
  readonly seconds: number;
}

/** The last result of a step in a scope, to say what changed since. */
export interface LastRun {
  readonly fingerprint: Fingerprint;
  readonly seconds: number;
}

/** Records are JSON for people, with a checksum, each written whole by rename. What cannot be read is absent. */
export interface Records {
  readStep(step: string, key: string): StepRecord | undefined;
  writeStep(step: string, key: string, record: StepRecord): void;
  removeStep(step: string, key: string): void;
  /** Tells a step's record from any other that lay there before or after; undefined if there is none. */
  stampStep(step: string, key: string): string | undefined;
  readCall(key: string): CallRecord | undefined;
  writeCall(key: string, record: CallRecord): void;
  removeCall(key: string): void;
  readLast(id: InstanceId): LastRun | undefined;
  /** As far as possible: it serves explanations only. */
  writeLast(id: InstanceId, last: LastRun): void;
}

/** The path of a step's record below the cache, without ending. */
export const stepRecord = (step: string, key: string): string => `steps/${fileName(step)}/${key}`;
/** The path of a call's record below the cache, without ending. */
export const callRecord = (key: string): string => `calls/${key}`;
const lastRecord = ({ step, scope }: InstanceId): string => `last/${fileName(step)}/${fileName(scope.join('/'))}`;

/** Records below a folder: steps/<name>/<key>.json, calls/<key>.json, last/<step>/<scope>.json. */
export function records(folder: string, ears: Pick<Ears, 'writes' | 'uses'>): Records {
  const pathOf = (record: string): string => join(folder, `${record}.json`);
  const use = <T>(record: string): T | undefined => {
    const found = readRecord<T>(pathOf(record));
    if (found) ears.uses(record);
    return found;
  };
  const write = (record: string, contents: object): void => {
    const text = recordText(contents);
    ears.uses(record);
    ears.writes(text.length);
    writing(pathOf(record), () => writeAtomically(pathOf(record), text));
  };
  const remove = (record: string): void => writing(pathOf(record), () => removeFile(pathOf(record)));
  return {
    readStep: (step, key) => use<StepRecord>(stepRecord(step, key)),
    writeStep: (step, key, record) => write(stepRecord(step, key), record),
    removeStep: (step, key) => remove(stepRecord(step, key)),
    stampStep(step, key) {
      const record = stepRecord(step, key);
      const stat = statSync(pathOf(record), { throwIfNoEntry: false });
      if (stat) ears.uses(record);
      return stat && `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    },
    readCall: (key) => use<CallRecord>(callRecord(key)),
    writeCall: (key, record) => write(callRecord(key), record),
    removeCall: (key) => remove(callRecord(key)),
    readLast: (id) => readRecord<LastRun>(pathOf(lastRecord(id))),
    writeLast(id, last) {
      const path = pathOf(lastRecord(id));
      try {
        writeAtomically(path, recordText(last));
      } catch {
        // A cache that cannot be written explains less.
      }
    },
  };
}

/** A record from its file; undefined where there is none that is whole and can be read. */
export function readRecord<T>(path: string): T | undefined {
  try {
    const bytes = readIfThere(path);
    return bytes && parse<T>(bytes);
  } catch {
    return undefined;
  }
}

function parse<T>(bytes: Uint8Array): T | undefined {
  const { sum, ...record } = JSON.parse(new TextDecoder().decode(bytes));
  return sum === sha256(canonicalJson(record)) ? (record as T) : undefined;
}

const recordText = (record: object): string =>
  `${JSON.stringify({ ...record, sum: sha256(canonicalJson(record)) }, undefined, 1)}\n`;

/** A text as one file name: itself where it is plain and short, else its beginning and a hash. */
function fileName(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9._-]/g, '~');
  return plain === text && text.length <= 100 && !text.startsWith('.') && text !== ''
    ? text
    : `${plain.slice(0, 80)}~${sha256(text).slice(0, 16)}`;
}
