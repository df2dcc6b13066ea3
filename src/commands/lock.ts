import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Diagnostic, error, FinnError, fail } from '../diagnostics/diagnostic.ts';
import { finnVersion } from '../engine/own-code.ts';
import type { Outcome } from '../engine/scheduler.ts';
import { statIfThere, writeAtomically } from '../util/files.ts';
import { reason } from '../util/system-error.ts';
import { parseTool, sorted, type ToolVersions } from './manifest.ts';

/** finn.lock: what was fetched or generated, and the tools that made the results, finn among them. */
export interface Lock {
  readonly lock: 2;
  /** sha256 by URL or command. */
  readonly sources: Readonly<Record<string, string>>;
  /** Version by kind of program, by tool. */
  readonly tools: ToolVersions;
}

export const emptyLock: Lock = { lock: 2, sources: {}, tools: {} };

/** finn.lock lies beside its recipe; recipes of one folder share it. */
export const lockPath = (recipe: string): string => join(dirname(recipe), 'finn.lock');

/** No lock comes near this. */
const LARGEST = 10_000_000;

/** The lock beside a recipe, if there is one. Throws FinnError 'lock/malformed'. */
export function readLock(recipe: string): Lock | undefined {
  const path = lockPath(recipe);
  const stat = statIfThere(path);
  if (!stat) return undefined;
  const anew = '`git checkout` it, or delete it: `finn lock` writes it anew';
  const refuse = (why: string, hint = anew): never => fail('lock/malformed', `${path} ${why}`, { hint });
  // A pipe would be waited for.
  if (!stat.isFile()) return refuse('is not a lock file of finn: it is no file');
  if (stat.size > LARGEST) return refuse(`has ${stat.size} bytes, a lock file of finn at most ${LARGEST}`);
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    return refuse(`cannot be read: ${reason(cause)}`, 'its owner has to let you read it');
  }
  if (/^<{7} /m.test(text))
    return refuse(
      'has the marks of a merge that was not ended (`<<<<<<<`)',
      'take one of the two (`git checkout --ours finn.lock`); then `finn lock` brings it up to date',
    );
  const why = (read: unknown): string => {
    if (!isRecord(read)) return 'it is no JSON object';
    if (read['lock'] !== 1 && read['lock'] !== 2)
      return `its format is ${JSON.stringify(read['lock']) ?? 'not said'}, and this finn reads 2`;
    const part = isTexts(read['sources']) ? 'tools' : 'sources';
    return read[part] === undefined ? `it lacks \`${part}\`` : `\`${part}\` is malformed`;
  };
  try {
    const read: unknown = JSON.parse(text);
    if (isRecord(read) && isTexts(read['sources']) && isRecord(read['tools'])) {
      const { lock, sources, tools } = read;
      if (lock === 2 && Object.values(tools).every(isTexts)) return { lock, sources, tools: tools as ToolVersions };
      // Format 1 did not say what kind of program a tool was: what it pins of tools is nothing that can be held to.
      if (lock === 1) return { ...emptyLock, sources };
    }
    return refuse(`is not a lock file of finn: ${why(read)}`);
  } catch (cause) {
    if (cause instanceof FinnError) throw cause;
    return refuse(`is not a lock file of finn: ${(cause as Error).message}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is Record<string, string> =>
  isRecord(value) && Object.values(value).every((one) => typeof one === 'string');

/** Kind and version of each tool that steps may call, as a lock has them. What is part of finn is pinned with finn. */
export function lockedTools(outcomes: readonly Outcome[]): ToolVersions {
  const tools: Record<string, Record<string, string>> = { finn: { npm: finnVersion() } };
  for (const { result } of outcomes)
    for (const [name, text] of Object.entries(result?.record.fingerprint.tools ?? {})) {
      const { kind, version } = parseTool(text);
      if (kind !== 'module') tools[name] = { ...tools[name], [kind]: version };
    }
  return tools;
}

/** A lock with more in it; what it has of the same name is replaced. */
export const extendLock = (old: Lock, sources: ReadonlyMap<string, string>, tools: ToolVersions): Lock => ({
  lock: 2,
  sources: { ...old.sources, ...Object.fromEntries(sources) },
  tools: {
    ...old.tools,
    ...Object.fromEntries(Object.entries(tools).map(([name, kinds]) => [name, { ...old.tools[name], ...kinds }])),
  },
});

/** The lock as text: names in order, so that it is the same whoever wrote it. */
const lockText = ({ lock, sources, tools }: Lock): string =>
  `${JSON.stringify({ lock, sources: sorted(sources), tools: sorted(mapValues(tools, sorted)) }, null, 2)}\n`;

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

/** Writes the lock beside a recipe, if that changes it. FinnError 'cli/file' where it cannot be written. */
export function writeLock(recipe: string, lock: Lock): void {
  const path = lockPath(recipe);
  const text = lockText(lock);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  try {
    writeAtomically(path, text);
  } catch (cause) {
    fail('cli/file', `cannot write ${path}: ${reason(cause)}`, {
      hint: 'it lies beside its recipe, in a folder that you have to be able to write',
    });
  }
}

/** What another lock says of the same names and, unless only what is `replaced` counts, what it has no longer or anew. */
export function lockChanges(before: Lock, after: Lock, { replaced = false } = {}): string[] {
  const flat = ({ sources, tools }: Lock): Record<string, string> => ({
    ...mapValues(sources, (hash) => `sha256 ${hash}`),
    ...Object.fromEntries(
      Object.entries(tools).flatMap(([name, kinds]) =>
        Object.entries(kinds).map(([kind, version]) => [`${name} (${kind})`, version]),
      ),
    ),
  });
  const [from, to] = [flat(before), flat(after)];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .sort()
    .filter((name) => !replaced || (name in from && name in to))
    .flatMap((name) => (from[name] === to[name] ? [] : [`${name}: ${from[name] ?? 'new'} → ${to[name] ?? 'gone'}`]));
}

/** 'npm 0.55.944', 'native 0.23 and npm 0.55.944' */
const kindsText = (kinds: Readonly<Record<string, string>>): string =>
  Object.entries(sorted(kinds))
    .map(([kind, version]) => `${kind} ${version}`)
    .join(' and ');

/** Tools of another kind or version than the lock has, by name. */
export function toolDrift(lock: Lock, tools: ToolVersions): Diagnostic[] {
  return Object.entries(tools).flatMap(([name, kinds]) =>
    Object.entries(kinds)
      .filter(([kind, version]) => lock.tools[name]?.[kind] !== version)
      .map(([kind, version]) => {
        const pinned = lock.tools[name];
        return error(
          'lock/drift',
          `${name} is ${kind} ${version} here; finn.lock has ${pinned ? kindsText(pinned) : 'none'}`,
          {
            hint: pinned
              ? 'install the version of the lock, or `finn lock` and check the lock in again'
              : '`finn lock` adds it',
          },
        );
      }),
  );
}

/** What was fetched or generated with another content than the lock has, by name. */
export function sourceDrift(lock: Lock, sources: ReadonlyMap<string, string>): Diagnostic[] {
  return [...sources]
    .filter(([name, hash]) => lock.sources[name] !== undefined && lock.sources[name] !== hash)
    .map(([name, hash]) =>
      error('lock/drift', `\`${name}\` gives sha256 ${hash}; finn.lock has ${lock.sources[name]}`, {
        hint: 'find out why it changed, or `finn lock` and check the lock in again',
      }),
    );
}
