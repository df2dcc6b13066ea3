import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashFile, readIfThere, statIfThere } from '../util/files.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';
import type { Judged } from './expect.ts';
import type { FileEntry, Manifest } from './manifest.ts';

/** What a build's folder holds that need not be written again. */
export interface Standing {
  /** Reports and verdicts, as the files of a build that was just made have them. */
  readonly reports: Readonly<Record<string, Uint8Array>>;
  readonly expect: readonly Judged[];
}

/**
 * A build's folder that was written by this finn from these results and is whole; undefined where it has to be written.
 * `outline` is the manifest without files and gates: the files follow from the rest, so they need not be made to know
 * that they are the same. Networks of millions of weights take seconds to be printed.
 */
export function standing(folder: string, outline: Manifest): Standing | undefined {
  const path = join(folder, 'build.json');
  const written = statIfThere(path);
  // The code of commands is not in the manifest's hash of finn.
  if (!written?.isFile() || written.mtimeMs <= newestCode()) return undefined;
  const found = parsed(readIfThere(path));
  if (!found || !isOf(found, outline)) return undefined;
  const { files, expect } = found;
  // It was written last: what was changed since, or in the same tick of the clock, may be anything.
  const asWritten = ([name, { sha256: hash, size }]: readonly [string, FileEntry]): boolean => {
    const file = join(folder, name);
    const stat = statIfThere(file);
    if (!stat?.isFile() || stat.size !== size) return false;
    return stat.ctimeMs < written.ctimeMs || hashFile(file) === hash;
  };
  if (!Object.entries(files).every(asWritten)) return undefined;
  const reports: Record<string, Uint8Array> = {};
  for (const [name, entry] of Object.entries(files)) {
    if (!isReport(name)) continue;
    const bytes = readIfThere(join(folder, name));
    if (!bytes || sha256(bytes) !== entry.sha256) return undefined;
    reports[name] = bytes;
  }
  return { reports, expect };
}

/** Is it a file of a build's folder that finn itself reads: for its tables and gates? */
export const isReport = (path: string): boolean =>
  path.startsWith('report/') || path === 'verification_output/verdicts.json';

function isOf(found: Manifest, outline: Manifest): boolean {
  const { files: _, expect: __, ...before } = found;
  const { files: ___, expect: ____, ...now } = outline;
  return canonicalJson(before) === canonicalJson(now);
}

function parsed(bytes: Uint8Array | undefined): Manifest | undefined {
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Manifest>;
    const entries: readonly Partial<FileEntry>[] = Object.values(found.files ?? {});
    const whole = entries.every(({ sha256: hash, size }) => typeof hash === 'string' && typeof size === 'number');
    return found.files && Array.isArray(found.expect) && whole ? (found as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

/** When the newest module of this folder came there: packages and copies may say that it was written long before. */
function newestCode(): number {
  const folder = dirname(fileURLToPath(import.meta.url));
  return Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).ctimeMs));
}
