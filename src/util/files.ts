import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  fstatSync,
  linkSync,
  mkdirSync,
  open,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rename,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFile,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from './hash.ts';
import { myMark } from './process-mark.ts';

let temporaries = 0;

/** A name beside a file, for what is written before it takes the file's place: it tells whose it is, if it is left. */
export function temporaryBeside(path: string): string {
  temporaries += 1;
  return `${path}.${myMark()}-${temporaries}.tmp`;
}

/**
 * Writes a file so that a reader sees the old contents or the new, never a part: a temporary file beside it, then a
 * rename. Makes the folders above. Throws the system's error (ENOSPC, EACCES).
 */
export function writeAtomically(path: string, contents: Uint8Array | string, mode = 0o644): void {
  const temporary = temporaryBeside(path);
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        writeFileSync(temporary, contents, { mode });
        break;
      } catch (error) {
        makeFolderFor(path, error, attempt);
      }
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const writeFileLater = promisify(writeFile);
const renameLater = promisify(rename);
const openLater = promisify(open);

/**
 * As `writeAtomically`, while this process does something else: many at once are written in parallel. Rejects with the
 * system's error.
 */
export async function writeAtomicallyLater(path: string, contents: Uint8Array, mode = 0o644): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await writeFileLater(temporary, contents, { mode });
        break;
      } catch (error) {
        makeFolderFor(path, error, attempt);
      }
    }
    await renameLater(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Creates a file to be read and written, and the folders above; its descriptor. Rejects with the system's error. */
export async function createLater(path: string, mode = 0o644): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await openLater(path, 'wx+', mode);
    } catch (error) {
      makeFolderFor(path, error, attempt);
    }
  }
}

/** Makes the folder that was missing for a file; throws the error where that is not what it is about. */
function makeFolderFor(path: string, error: unknown, attempt: number): void {
  // Another process may remove the folder, while it is empty, as often as this one makes it.
  if (!isMissing(error) || attempt === 5) throw error;
  makeFolder(dirname(path));
}

/**
 * Makes a folder and those above it. What goes wrong is the system's own error: of Node's `recursive` it is ENOENT where nothing may be
 * written, and below /proc that never ends.
 */
export function makeFolder(path: string): void {
  const codeOfMaking = (): string | undefined => {
    try {
      mkdirSync(path);
      return undefined;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
      return code;
    }
  };
  if (codeOfMaking() !== 'ENOENT' || dirname(path) === path) return;
  makeFolder(dirname(path));
  codeOfMaking();
}

/** Contents of a file, or undefined if there is none. Throws the system's error where it cannot be read. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** SHA-256 of a file, read in pieces. Throws the system's error. */
export function hashFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    let size = readSync(file, piece);
    if (size < piece.length && fstatSync(file).size === size) return sha256(piece.subarray(0, size));
    const hash = createHash('sha256');
    for (; size > 0; size = readSync(file, piece)) hash.update(piece.subarray(0, size));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}
/** For all files: memory that is new each time costs more than a small file. */
const piece = Buffer.allocUnsafeSlow(512 * 1024);

/** Says that a file was used now, as far as the file system lets us. */
export function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // It is not ours or not there: its time counts for little.
  }
}

/** What the system says of a file or folder, or undefined if there is none of that name. */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // Where a folder should be there is a file.
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Is there a folder of that name? */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Size of a file in bytes, or undefined if there is no file of that name. */
export function sizeIfThere(path: string): number | undefined {
  const stat = statIfThere(path);
  return stat?.isFile() ? stat.size : undefined;
}

/**
 * Paths of all files below a folder, relative to it, with '/' between folders, sorted; symbolic links are followed to
 * files and not to folders. None if there is no such folder.
 */
export const listTree = (root: string): string[] => [...walkTree(root)].sort();

/** The same as they are found, folder by folder: of many files only those of one folder are in memory. */
export function* walkTree(root: string): Generator<string> {
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    let entries: import('node:fs').Dirent[];
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true });
    } catch (error) {
      if (isMissing(error)) continue;
      throw error;
    }
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) open.push(path);
      else if (entry.isFile() || sizeIfThere(join(root, path)) !== undefined) yield path;
    }
  }
}

/** SHA-256 over the paths and contents of those files below a folder that `keep` wants. */
export function hashTree(root: string, keep: (path: string) => boolean = () => true): string {
  const parts = listTree(root)
    .filter(keep)
    .map((path) => `${sha256(readFileSync(join(root, path)))} ${path}\n`);
  return sha256(parts.join(''));
}

/**
 * Is it a relative path that stays below the folder it is put in: '/' between names, no '.', '..', empty names,
 * backslashes or NUL?
 */
export const staysBelow = (path: string): boolean =>
  path !== '' && !/[\\\0]/.test(path) && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');

/** Throws RangeError for a path that leaves the folder it is put in. */
export function mustStayBelow(path: string): void {
  if (!staysBelow(path)) throw new RangeError(`${JSON.stringify(path)} leaves the folder it is written to`);
}

/** Is the path this folder or below it? Both absolute; links are not looked at. */
export const contains = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
};

/**
 * Writes files by relative path below a folder, each atomically; files that have these contents already keep their
 * time. Throws RangeError for a path that leaves the folder.
 */
export function writeTree(root: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  makeFolder(root);
  for (const [path, contents] of Object.entries(files)) {
    mustStayBelow(path);
    const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents;
    const target = join(root, path);
    if (!holds(target, bytes)) writeAtomically(target, bytes);
  }
}

/** Has the file exactly these contents? Reads it where its size is right. */
export function holds(path: string, bytes: Uint8Array): boolean {
  if (sizeIfThere(path) !== bytes.length) return false;
  const there = readIfThere(path);
  return there !== undefined && Buffer.compare(there, bytes) === 0;
}

/** Removes a folder in which there is nothing; whether it is gone. */
export function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return isMissing(error);
  }
}

/** Copies all files below a folder to another, as hard links where the file system allows it. */
export function linkTree(from: string, to: string): void {
  for (const path of listTree(from)) {
    const target = join(to, path);
    makeFolder(dirname(target));
    rmSync(target, { force: true });
    try {
      linkSync(join(from, path), target);
    } catch {
      copyFileSync(join(from, path), target);
    }
  }
}

/** Removes a file; nothing happens if it is not there. */
export const removeFile = (path: string): void => rmSync(path, { force: true });

/** Removes a file or a folder with all that is in it; nothing happens if it is not there. */
export const removeTree = (path: string): void => rmSync(path, { recursive: true, force: true });

/** Does the system say that there is no such file or folder? */
export const isMissing = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
};
