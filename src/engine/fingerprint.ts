import { contentHash, hashJson } from '../util/hash.ts';
import type { AnyStep, Sources } from './step.ts';

/** Hash of one artifact, or of every item of a family, in its order. */
export type NeedHash = string | readonly (readonly [key: string, hash: string])[];

/** All that a result depends on, as readable data. Two instances with equal fingerprints have the same result. */
export interface Fingerprint {
  /** Raised when the meaning of this record changes. */
  readonly format: 1;
  readonly step: string;
  /** Content of each input, not its history. */
  readonly needs: Readonly<Record<string, NeedHash>>;
  /** Content of what is read from outside. */
  readonly sources: Readonly<Record<string, string>>;
  /** Kind and version of each tool that it may call: 'npm@0.55.944'. */
  readonly tools: Readonly<Record<string, string>>;
  /** What the step sees of the settings: plain JSON. */
  readonly config: unknown;
  /** Hash of finn's own code. */
  readonly finn: string;
}

/** Parts of a fingerprint that are found from outside. */
export interface Ingredients {
  readonly needs: Readonly<Record<string, NeedHash>>;
  readonly sources: Sources;
  readonly tools: Readonly<Record<string, string>>;
  readonly config: unknown;
}

/** What a step's result depends on. */
export const fingerprint = (step: AnyStep, of: Ingredients, finn: string): Fingerprint => ({
  format: 1,
  step: step.name,
  needs: of.needs,
  sources: Object.fromEntries(Object.entries(of.sources).map(([name, bytes]) => [name, contentHash(bytes)])),
  tools: of.tools,
  config: of.config === undefined ? null : of.config,
  finn,
});

/** The key of a fingerprint: SHA-256 of its canonical JSON. Throws TypeError if the config is not plain JSON. */
export const digest = (print: Fingerprint): string => hashJson(print);

/**
 * What differs between two fingerprints of one step, a line each, the values in it where people can read them:
 * 'config.layers.MVAU_1.pe: 8 → 16', 'needs.network: changed'. Empty if nothing does.
 */
export function differences(before: Fingerprint, after: Fingerprint): string[] {
  const lines: string[] = [];
  if (before.format !== after.format) lines.push('the format of cache records changed');
  compareHashes('needs', flatten(before.needs), flatten(after.needs), lines);
  for (const [name, hash] of Object.entries(after.needs)) {
    const old = before.needs[name];
    if (Array.isArray(old) && Array.isArray(hash) && reordered(old, hash)) lines.push(`needs.${name}: order changed`);
  }
  compareHashes('sources', before.sources, after.sources, lines);
  compareValues('tools', before.tools, after.tools, lines);
  compareValues('config', before.config, after.config, lines);
  if (before.finn !== after.finn) lines.push(codeChanged(before.finn, after.finn));
  return lines;
}

function flatten(needs: Fingerprint['needs']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, hash] of Object.entries(needs)) {
    if (typeof hash === 'string') flat[name] = hash;
    else for (const [key, item] of hash) flat[`${name}.${key}`] = item;
  }
  return flat;
}

function reordered(before: readonly (readonly [string, string])[], after: readonly (readonly [string, string])[]) {
  const keys = (list: readonly (readonly [string, string])[]): string[] => list.map(([key]) => key);
  const [a, b] = [keys(before), keys(after)];
  return (
    a.length === b.length && a.join('\n') !== b.join('\n') && [...a].sort().join('\n') === [...b].sort().join('\n')
  );
}

function compareHashes(
  path: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  lines: string[],
): void {
  for (const name of namesOf(before, after)) {
    if (before[name] === after[name]) continue;
    const what = before[name] === undefined ? 'new' : after[name] === undefined ? 'gone' : 'changed';
    lines.push(`${path}.${name}: ${what}`);
  }
}

/** What differs between two configs of one step, in the same words. */
export function configDifferences(before: unknown, after: unknown): string[] {
  const lines: string[] = [];
  compareValues('config', before, after, lines);
  return lines;
}

function compareValues(path: string, before: unknown, after: unknown, lines: string[]): void {
  // What came as a whole, or went, is named part by part, as it is written.
  const [old, now] = [before ?? {}, after ?? {}];
  if (isRecord(old) && isRecord(now) && namesOf(old, now).length > 0) {
    for (const name of namesOf(old, now)) compareValues(`${path}.${name}`, old[name], now[name], lines);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    for (let i = 0; i < before.length; i += 1) compareValues(`${path}[${i}]`, before[i], after[i], lines);
    return;
  }
  const [from, to] = [show(before), show(after)];
  if (from !== to) lines.push(`${path}: ${from} → ${to}`);
}

const namesOf = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const widest = 120;
function show(value: unknown): string {
  if (value === undefined) return 'unset';
  const text = typeof value === 'string' && /^[\w./:%+@-]+$/.test(value) ? value : JSON.stringify(value);
  return text.length > widest ? `${text.slice(0, widest)}…` : text;
}

/** Which code changed: finn's own, or behind a '+' that of plug-ins. */
function codeChanged(before: string, after: string): string {
  const [[own, plugins], [ownNow, pluginsNow]] = [before.split('+'), after.split('+')];
  if (own !== ownNow) return 'finn’s own code changed';
  if (plugins === undefined) return 'there are plug-ins now';
  return pluginsNow === undefined ? 'there are no plug-ins any more' : 'a plug-in changed';
}
