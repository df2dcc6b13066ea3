import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from './hash.ts';

let temporaries = 0;

/**
 * Writes a file so that a reader sees the old contents or the new, never a part: a temporary file beside it, then a
 * rename. Makes the folders above. Throws the system's error (ENOSPC, EACCES).
 */
export function writeAtomically(path: string, contents: Uint8Array | string, mode = 0o644): void {
  temporaries += 1;
  const temporary = `${path}.${process.pid}-${temporaries}.tmp`;
  try {
    try {
      writeFileSync(temporary, contents, { mode });
    } catch (error) {
      if (!isMissing(error)) throw error;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, contents, { mode });
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
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

/** Size of a file in bytes, or undefined if there is no file of that name. */
export function sizeIfThere(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : undefined;
}

/**
 * Paths of all files below a folder, relative to it, with '/' between folders, sorted; symbolic links are followed to
 * files and not to folders. None if there is no such folder.
 */
export function listTree(root: string): string[] {
  const found: string[] = [];
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
      else if (entry.isFile() || sizeIfThere(join(root, path)) !== undefined) found.push(path);
    }
  }
  return found.sort();
}

/** Contents of all files below a folder by relative path. */
export const readTree = (root: string): Record<string, Uint8Array> =>
  Object.fromEntries(listTree(root).map((path) => [path, readFileSync(join(root, path))]));

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

/**
 * Writes files by relative path below a folder, each atomically; files that have these contents already keep their
 * time. Throws RangeError for a path that leaves the folder.
 */
export function writeTree(root: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  mkdirSync(root, { recursive: true });
  for (const [path, contents] of Object.entries(files)) {
    if (!staysBelow(path)) throw new RangeError(`${JSON.stringify(path)} leaves the folder it is written to`);
    const bytes = typeof contents === 'string' ? Buffer.from(contents) : contents;
    const target = join(root, path);
    if (sizeIfThere(target) === bytes.length && Buffer.compare(readFileSync(target), bytes) === 0) continue;
    writeAtomically(target, bytes);
  }
}

/** Makes `to` the whole image of `files`: what else is below it goes, as do the folders that are left empty. */
export function mirrorTree(to: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const path of listTree(to)) if (!Object.hasOwn(files, path)) rmSync(join(to, path), { force: true });
  writeTree(to, files);
  removeEmptyFolders(to, false);
}

function removeEmptyFolders(folder: string, itself: boolean): boolean {
  let empty = true;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || !removeEmptyFolders(join(folder, entry.name), true)) empty = false;
  }
  if (empty && itself) rmSync(folder, { recursive: true });
  return empty;
}

/** Copies all files below a folder to another, as hard links where the file system allows it. */
export function linkTree(from: string, to: string): void {
  for (const path of listTree(from)) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    try {
      linkSync(join(from, path), target);
    } catch {
      copyFileSync(join(from, path), target);
    }
  }
}

/** Copies all files below a folder to another; the copies are writable. */
export function copyTree(from: string, to: string): void {
  for (const path of listTree(from)) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(from, path), target);
    chmodSync(target, 0o644);
  }
}

/** Removes a file; nothing happens if it is not there. */
export const removeFile = (path: string): void => rmSync(path, { force: true });

/** Removes a file or a folder with all that is in it; nothing happens if it is not there. */
export const removeTree = (path: string): void => rmSync(path, { recursive: true, force: true });

const isMissing = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
};
