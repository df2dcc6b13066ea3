import { join } from 'node:path';
import { type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import { readIfThere, removeFile, writeAtomically } from '../util/files.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';
import type { Content, Stored } from './content.ts';
import type { InstanceId } from './events.ts';
import type { Fingerprint } from './fingerprint.ts';
import { writing } from './objects.ts';

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
  readCall(key: string): CallRecord | undefined;
  writeCall(key: string, record: CallRecord): void;
  removeCall(key: string): void;
  readLast(id: InstanceId): LastRun | undefined;
  /** As far as possible: it serves explanations only. */
  writeLast(id: InstanceId, last: LastRun): void;
}

/** Records below a folder: steps/<name>/<key>.json, calls/<key>.json, last/<step>/<scope>.json. */
export function records(folder: string): Records {
  const stepPath = (step: string, key: string): string => join(folder, 'steps', fileName(step), `${key}.json`);
  const callPath = (key: string): string => join(folder, 'calls', `${key}.json`);
  const lastPath = ({ step, scope }: InstanceId): string =>
    join(folder, 'last', fileName(step), `${fileName(scope.join('/'))}.json`);
  return {
    readStep: (step, key) => read<StepRecord>(stepPath(step, key)),
    writeStep: (step, key, record) => write(stepPath(step, key), record),
    removeStep: (step, key) => remove(stepPath(step, key)),
    readCall: (key) => read<CallRecord>(callPath(key)),
    writeCall: (key, record) => write(callPath(key), record),
    removeCall: (key) => remove(callPath(key)),
    readLast: (id) => read<LastRun>(lastPath(id)),
    writeLast(id, last) {
      try {
        write(lastPath(id), last);
      } catch (cause) {
        if (!(cause instanceof FinnError)) throw cause;
      }
    },
  };
}

function read<T>(path: string): T | undefined {
  const bytes = readIfThere(path);
  if (!bytes) return undefined;
  try {
    const { sum, ...record } = JSON.parse(new TextDecoder().decode(bytes));
    return sum === sha256(canonicalJson(record)) ? (record as T) : undefined;
  } catch {
    return undefined;
  }
}

function write(path: string, record: object): void {
  const sum = sha256(canonicalJson(record));
  writing(path, () => writeAtomically(path, `${JSON.stringify({ ...record, sum }, undefined, 1)}\n`));
}

const remove = (path: string): void => writing(path, () => removeFile(path));

/** A text as one file name: itself where it is plain and short, else its beginning and a hash. */
function fileName(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9._-]/g, '~');
  return plain === text && text.length <= 100 && !text.startsWith('.') && text !== ''
    ? text
    : `${plain.slice(0, 80)}~${sha256(text).slice(0, 16)}`;
}
