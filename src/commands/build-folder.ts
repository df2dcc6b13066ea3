import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import { removeFile, writeAtomically } from '../util/files.ts';

/** All that a build writes into its folder. */
export const inBuild: readonly string[] = [
  'auto_folding_config.json',
  'bitfile',
  'deploy',
  'driver',
  'final_hw_config.json',
  'intermediate_models',
  'log',
  'report',
  'stitched_ip',
  'time_per_step.json',
  'verification_output',
  // What says that the rest is ours goes last.
  'build.json',
];

/**
 * Fails where writing a build's folder would write or delete what is not a build's: it holds other files, or it or something
 * in it is a link to another folder. The folder need not be there.
 */
export function checkOurs(folder: string): void {
  const linked = [dirname(folder), folder].find(isLink) ?? linkedFolderIn(folder);
  if (linked !== undefined)
    fail('cli/file', `${linked} is a link to another folder, where finn writes nothing`, {
      hint: 'remove the link; --out names another place for results',
    });
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) fail('cli/file', `${folder} is there already, and is no folder`);
  if (isManifest(join(folder, 'build.json'))) return;
  const foreign = readdirSync(folder).filter((name) => !inBuild.includes(name) && !name.endsWith('.tmp'));
  if (foreign.length > 0)
    fail('cli/file', `${folder} holds what is no build of finn's: ${foreign.slice(0, 5).join(', ')}`, {
      hint: 'a build replaces all of its folder: --out names another place, or `name:` of the recipe another folder',
    });
}

/** Is it a build.json of finn's, of whatever format? Other programs have files of that name too. */
function isManifest(path: string): boolean {
  try {
    // A pipe would be waited for.
    if (!statSync(path).isFile()) return false;
    const read: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof read === 'object' && read !== null && 'finn' in read && 'recipe' in read;
  } catch {
    return false;
  }
}

/**
 * Fills a build's folder anew, by a function that leaves nothing of an earlier build and places each file by rename. `head`, its
 * build.json, goes first and comes back last, so that what is killed in the midst of it is not taken for whole. FinnError
 * 'cli/file' where it holds what is not ours, or cannot be written.
 */
export async function replaceBuild(
  folder: string,
  fill: () => Promise<void>,
  head: string | Uint8Array,
): Promise<void> {
  const path = join(folder, 'build.json');
  try {
    checkOurs(folder);
    removeFile(path);
    await fill();
    writeAtomically(path, head);
  } catch (cause) {
    if (cause instanceof FinnError) throw cause;
    fail('cli/file', `cannot write ${folder}: ${(cause as Error).message}`, {
      hint: 'make room there, or name another folder with --out; what was built is kept in the cache',
    });
  }
}

/** Is it a symbolic link, to whatever? */
export const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

/** A link to a folder somewhere below a folder. */
function linkedFolderIn(folder: string): string | undefined {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return undefined;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
    const found = entry.isDirectory() ? linkedFolderIn(path) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
