import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Diagnostic, error, fail } from '../diagnostics/diagnostic.ts';
import { writeAtomically } from '../util/files.ts';
import { canonicalJson } from '../util/hash.ts';

/** finn.lock: what was fetched or generated, and the tools that made the results. */
export interface Lock {
  readonly lock: 1;
  /** sha256 by URL or command. */
  readonly sources: Readonly<Record<string, string>>;
  /** Version by tool. */
  readonly tools: Readonly<Record<string, string>>;
}

/** finn.lock lies beside its recipe. */
export const lockPath = (recipe: string): string => join(dirname(recipe), 'finn.lock');

export function readLock(recipe: string): Lock | undefined {
  const path = lockPath(recipe);
  if (!existsSync(path)) return undefined;
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<Lock>;
    if (read.lock === 1 && read.sources && read.tools) return read as Lock;
  } catch {
    // falls through to the message
  }
  return fail('lock/malformed', `${path} is not a lock file of finn`, {
    hint: 'delete it; the next build writes it anew',
  });
}

/** Writes what changed; a recipe that fetches and runs nothing needs no lock and gets none unless one is there. */
export function updateLock(
  recipe: string,
  old: Lock | undefined,
  sources: ReadonlyMap<string, string>,
  tools: Readonly<Record<string, string>>,
): void {
  if (!old && sources.size === 0) return;
  const lock: Lock = {
    lock: 1,
    sources: { ...old?.sources, ...Object.fromEntries(sources) },
    tools: { ...old?.tools, ...tools },
  };
  const text = `${JSON.stringify(JSON.parse(canonicalJson(lock)), null, 2)}\n`;
  if (old && text === `${JSON.stringify(JSON.parse(canonicalJson(old)), null, 2)}\n`) return;
  writeAtomically(lockPath(recipe), text);
}

/** What differs between the lock and this machine, by name. */
export function drift(lock: Lock, tools: Readonly<Record<string, string>>): Diagnostic[] {
  return Object.entries(tools)
    .filter(([name, version]) => lock.tools[name] !== version)
    .map(([name, version]) =>
      error('lock/drift', `${name} is ${version} here; finn.lock has ${lock.tools[name] ?? 'none'}`, {
        hint: 'install the version of the lock, or build without --locked and check the lock in again',
      }),
    );
}

/** What was fetched or generated with another content than the lock has, by name. */
export function sourceDrift(lock: Lock, sources: ReadonlyMap<string, string>): Diagnostic[] {
  return [...sources]
    .filter(([name, hash]) => lock.sources[name] !== undefined && lock.sources[name] !== hash)
    .map(([name, hash]) =>
      error('lock/drift', `\`${name}\` gives sha256 ${hash}; finn.lock has ${lock.sources[name]}`, {
        hint: 'find out why it changed, or build without --locked and check the lock in again',
      }),
    );
}
