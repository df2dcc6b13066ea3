import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { listTree, readIfThere, sizeIfThere } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import { type Manifest, tellsOfRun } from './manifest.ts';
import { changeText } from './manifest-facts.ts';
import { type ManifestFile, readManifest } from './manifest-file.ts';
import { type Drift, recipeDrift } from './recipe-drift.ts';
import type { Io } from './session.ts';
import { plural } from './table.ts';

export interface VerifyOptions {
  /** A recipe that is to give this build today. */
  readonly recipe?: string | undefined;
  readonly json?: boolean | undefined;
}

/** A file that is not as build.json says. */
interface FileFault {
  readonly file: string;
  readonly what: 'missing' | 'changed' | 'extra';
  /** What build.json has, and what is there. */
  readonly expected?: string;
  readonly found?: string;
}

/**
 * `finn verify-build`: 0 if a build's folder is what its build.json says, and with `recipe` if the recipe, its inputs
 * and the tools today are those of the build; 1 if not, or if build.json itself is malformed. FinnError where there is
 * none.
 */
export async function verifyBuild(given: string, options: VerifyOptions, io: Io): Promise<number> {
  const read = readOrTell(given, options, io);
  if (!read) return 1;
  const { folder, manifest } = read;
  const faults = faultsOf(folder, manifest);
  const drift = options.recipe === undefined ? undefined : await recipeDrift(options.recipe, manifest, io);
  const ok = faults.length === 0 && (drift?.changes.length ?? 0) === 0;
  if (options.json) {
    io.out(JSON.stringify({ folder, ok, files: Object.keys(manifest.files).length, faults, ...drift }));
    return ok ? 0 : 1;
  }
  for (const line of [...faults.map(faultText), ...(drift ? driftText(drift) : [])]) io.out(line);
  const count = plural(Object.keys(manifest.files).length, 'file');
  io.out(`${folder}: ${faults.length === 0 ? `as build.json says, ${count}` : plural(faults.length, 'fault')}`);
  if (drift && options.recipe !== undefined)
    io.out(
      `${options.recipe}: ${drift.changes.length === 0 ? 'as it was when this was built' : plural(drift.changes.length, 'change')}`,
    );
  return ok ? 0 : 1;
}

/** The build.json; undefined where it is malformed, which is told: a build folder that was damaged, not a wrong word. */
function readOrTell(given: string, { json }: VerifyOptions, io: Io): ManifestFile | undefined {
  try {
    return readManifest(given);
  } catch (cause) {
    if (!(cause instanceof FinnError) || cause.diagnostics[0]?.code !== 'build/malformed') throw cause;
    const [diagnostic] = cause.diagnostics;
    if (json) io.out(JSON.stringify({ folder: given, ok: false, malformed: diagnostic.message }));
    else io.err(render(diagnostic, { color: io.color }));
    return undefined;
  }
}

/** What of a folder is not as its manifest says, by path. Files that tell of the run may be as they like. */
function faultsOf(folder: string, { files }: Manifest): FileFault[] {
  const there = new Set(listTree(folder));
  const faults: FileFault[] = Object.entries(files).flatMap(([file, { sha256: expected, size }]): FileFault[] => {
    if (!there.has(file)) return [{ file, what: 'missing', expected }];
    const path = join(folder, file);
    if (sizeIfThere(path) === size) {
      const found = sha256(readIfThere(path) ?? '');
      return found === expected ? [] : [{ file, what: 'changed', expected, found }];
    }
    return [{ file, what: 'changed', expected, found: sha256(readIfThere(path) ?? '') }];
  });
  for (const file of strangers(folder))
    if (!Object.hasOwn(files, file) && !tellsOfRun(file)) faults.push({ file, what: 'extra' });
  for (const file of there)
    if (!Object.hasOwn(files, file) && file !== 'build.json' && !tellsOfRun(file))
      faults.push({ file, what: 'extra', found: sha256(readIfThere(join(folder, file)) ?? '') });
  return faults.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** What of a folder is neither a file nor a folder, by path: links to folders or to nothing, pipes. */
function strangers(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) return strangers(folder, path);
    return entry.isFile() || sizeIfThere(join(folder, path)) !== undefined ? [] : [path];
  });
}

function faultText({ file, what, expected, found }: FileFault): string {
  switch (what) {
    case 'missing':
      return `missing  ${file}: build.json has sha256 ${expected}`;
    case 'changed':
      return `changed  ${file}: sha256 ${found}; build.json has ${expected}`;
    case 'extra':
      return `extra    ${file}: ${found === undefined ? 'no file' : `sha256 ${found}`}; build.json does not have it`;
  }
}

const driftText = ({ changes, unknown }: Drift): string[] => [
  ...changes.map((change) => `drift    ${changeText(change)}`),
  ...unknown.map((reason) => `unknown  ${reason}`),
];
