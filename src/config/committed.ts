import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Is something at or below this path checked into git? Looks into the index of the repository around it. False where there is
 * none, or one that cannot be read.
 */
export function isCommitted(path: string): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    if (existsSync(git)) return isInIndex(indexOf(git), relative(folder, resolve(path)).replaceAll('\\', '/'));
    if (folder === dirname(folder)) return false;
  }
}

/** The index of a repository, or of a work tree, whose .git is a file that names its folder. */
function indexOf(git: string): Buffer {
  try {
    const folder = statSync(git).isDirectory()
      ? git
      : resolve(dirname(git), /^gitdir: (.*)$/m.exec(readFileSync(git, 'utf8'))?.[1] ?? '');
    return readFileSync(join(folder, 'index'));
  } catch {
    return Buffer.alloc(0);
  }
}

/** In the index's entries a name stands behind its length (12 bits) and before a NUL. */
function isInIndex(index: Buffer, name: string): boolean {
  for (let at = index.indexOf(name); at >= 0; at = index.indexOf(name, at + 1)) {
    const next = index[at + Buffer.byteLength(name)];
    if (at < 4 || (next !== 0 && next !== 0x2f)) continue;
    const length = Math.min(index.indexOf(0, at) - at, 0xfff);
    // Entries of the extended form have 16 bits more in between.
    if ([2, 4].some((back) => (index.readUInt16BE(at - back) & 0xfff) === length)) return true;
  }
  return false;
}
