import { codes } from '../../diagnostics/codes.ts';
import type { Diagnostic, Location } from '../../diagnostics/diagnostic.ts';
import { staysBelow } from '../../util/files.ts';
import { canonicalJson, hashJson, sha256 } from '../../util/hash.ts';
import { type Content, familyContent, type Stored, storedOf, type TreeContent, treeContent } from '../content.ts';
import { digest } from '../fingerprint.ts';
import type { CallMade, CallRecord, StepRecord } from '../records.ts';
import { isStored } from './action-result.ts';

/** Raised when what lies on a server changes its meaning: other versions of finn then do not find it. */
const format = 1;

/** Whose record it is. */
export type Owner = { readonly kind: 'step'; readonly step: string; readonly key: string } | CallOwner;
interface CallOwner {
  readonly kind: 'call';
  readonly key: string;
}
export type RecordOf<O extends Owner> = O extends CallOwner ? CallRecord : StepRecord;

/** Path of the record among an ActionResult's files. */
export const recordPath = 'record.json';

/** The name under /ac: SHA-256 of the owner, so that keys of steps, of calls and of other programs never meet. */
export const actionName = (owner: Owner): string => hashJson({ program: 'finn', format, ...owner });

/** A record as an object of /cas: canonical JSON, with its owner and a checksum. */
export function encodeRecord<O extends Owner>(owner: O, record: RecordOf<O>): Uint8Array {
  const whole = { program: 'finn', format, ...owner, record };
  return Buffer.from(canonicalJson({ ...whole, sum: hashJson(whole) }));
}

/** All objects that a record names, each once, by hash. */
export function objectsOf(record: StepRecord | CallRecord): Stored[] {
  const all =
    'makes' in record ? Object.values(record.makes).flatMap(storedOf) : [...Object.values(record.outputs), record.log];
  const once = new Map(all.map((stored) => [stored[0], stored] as const));
  return [...once.values()].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Reads a record that a server gave: its checksum, its owner, the shape of all that is in it, and for a step that its
 * fingerprint digests to the key and that its contents hash to what they say. Throws Error with what is wrong.
 */
export function decodeRecord<O extends Owner>(owner: O, bytes: Uint8Array): RecordOf<O> {
  const parsed: unknown = parse(bytes);
  if (!isMap(parsed)) throw new Error('it is no JSON object');
  const { sum, ...whole } = parsed;
  if (sum !== hashJson(whole)) throw new Error('its checksum is wrong');
  const { record, ...rest } = whole;
  if (canonicalJson(rest) !== canonicalJson({ program: 'finn', format, ...owner })) {
    throw new Error('it is that of another result');
  }
  if (!isMap(record)) throw new Error('it has no record');
  if (owner.kind === 'call') checkCall(record);
  else checkStep(record, owner.step, owner.key);
  return record as unknown as RecordOf<O>;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Error('it is no JSON');
  }
}

type Json = Record<string, unknown>;
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isSeconds = (value: unknown): value is number => typeof value === 'number' && value >= 0;

function demand(right: boolean, what: string): void {
  if (!right) throw new Error(`its ${what} wrong`);
}

function checkCall(record: Json): void {
  const { tool, version, args, outputs, log, seconds } = record;
  demand(isText(tool) && isText(version) && isSeconds(seconds), 'tool, version or time is');
  demand(Array.isArray(args) && args.every(isText), 'arguments are');
  demand(isMap(outputs) && Object.values(outputs).every(isStored), 'outputs are');
  demand(isStored(log), 'log is');
}

function checkStep(record: Json, step: string, key: string): void {
  const { fingerprint, makes, calls, diagnostics, seconds } = record as unknown as StepRecord;
  demand(isMap(fingerprint) && fingerprint.step === step && digest(fingerprint) === key, 'fingerprint is');
  demand(isMap(makes) && Object.values(makes).every(isContent), 'contents are');
  demand(Array.isArray(calls) && calls.every(isCallMade), 'calls are');
  demand(Array.isArray(diagnostics) && diagnostics.every(isDiagnostic), 'diagnostics are');
  demand(isSeconds(seconds), 'time is');
}

const isCallMade = (value: unknown): value is CallMade =>
  isMap(value) &&
  [value['tool'], value['version'], value['label']].every(isText) &&
  isText(value['key']) &&
  /^[0-9a-f]{64}$/.test(value['key']) &&
  isSeconds(value['seconds']);

const isDiagnostic = (value: unknown): value is Diagnostic =>
  isMap(value) &&
  isText(value['code']) &&
  Object.hasOwn(codes, value['code']) &&
  isText(value['severity']) &&
  ['error', 'warning', 'note'].includes(value['severity']) &&
  isText(value['message']) &&
  (value['hint'] === undefined || isText(value['hint'])) &&
  (value['at'] === undefined || isPlace(value['at'])) &&
  (value['also'] === undefined || (Array.isArray(value['also']) && value['also'].every(isAlso)));

const isAlso = (value: unknown): boolean => isMap(value) && isText(value['message']) && isPlace(value['at']);

/** Whatever shows it may trust its form. */
function isPlace(value: unknown): value is Location {
  if (!isMap(value)) return false;
  const { in: kind, path, start, end, origin, line, pointer } = value;
  if (kind === 'file') return isText(path) && Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (kind === 'network') return Array.isArray(origin) && origin.every(isText);
  if (kind === 'log') return isText(path) && Number.isSafeInteger(line);
  return kind === 'recipe' && isText(pointer);
}

function isContent(value: unknown): value is Content {
  if (!isMap(value)) return false;
  const { hash, items } = value;
  if (items === undefined) return isTree(value);
  return (
    Array.isArray(items) &&
    items.every((item) => Array.isArray(item) && item.length === 2 && isText(item[0]) && isTree(item[1])) &&
    hash === familyContent(items as [string, TreeContent][]).hash
  );
}

function isTree(value: unknown): value is TreeContent {
  if (!isMap(value) || !isMap(value['files'])) return false;
  const files = value['files'];
  return (
    Object.keys(files).every(staysBelow) &&
    Object.values(files).every(isStored) &&
    value['hash'] === treeContent(files as Record<string, Stored>).hash
  );
}

/** The object that bytes are. */
export const objectOf = (bytes: Uint8Array): Stored => [sha256(bytes), bytes.length];
