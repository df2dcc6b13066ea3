import { close, constants, copyFile, type Dirent, readdirSync, rename, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createLater,
  hashFile,
  isMissing,
  listTree,
  makeFolder,
  mustStayBelow,
  removeFile,
  removeIfEmpty,
  sizeIfThere,
  temporaryBeside,
} from './files.ts';
import { inLanes } from './lanes.ts';
import { isGone, writerOf } from './process-mark.ts';

const closeLater = promisify(close);
const copyFileLater = promisify(copyFile);
const renameLater = promisify(rename);

/** So many files are placed at once: while one is hashed others are read and written. */
const placedAtOnce = 3;

/**
 * Makes a folder the whole image of files of these paths, each of which `place` puts in its place: what else is below it
 * goes, as do the folders that are left empty. What another process is writing there at this time stays. Rejects with
 * RangeError for a path that leaves the folder, before anything is done, and with what `place` rejects with.
 */
export async function mirrorTree(
  to: string,
  paths: Iterable<string>,
  place: (path: string, target: string) => Promise<void>,
): Promise<void> {
  const wanted = new Set(paths);
  for (const path of wanted) mustStayBelow(path);
  makeFolder(to);
  for (const path of listTree(to)) if (!wanted.has(path) && !isBeingWritten(path)) removeFile(join(to, path));
  await inLanes(wanted, placedAtOnce, (path) => place(path, join(to, path)));
  removeEmptyFolders(to, false);
}

/**
 * Puts a copy of a file in the place of another, by rename; one that is the same keeps its time. Makes the folders above.
 * Rejects with the system's error.
 */
export async function copyAtomically(from: string, to: string): Promise<void> {
  if (sameContents(from, to)) return;
  const temporary = temporaryBeside(to);
  try {
    await closeLater(await createLater(temporary));
    await copyFileLater(from, temporary, constants.COPYFILE_FICLONE);
    await renameLater(temporary, to);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const sameContents = (one: string, other: string): boolean =>
  sizeIfThere(one) === sizeIfThere(other) && hashFile(one) === hashFile(other);

/** Is it a temporary file whose writer may live? */
function isBeingWritten(path: string): boolean {
  const writer = writerOf(path);
  return writer !== undefined && isGone(writer) !== true;
}

function removeEmptyFolders(folder: string, itself: boolean): boolean {
  let empty = true;
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
  for (const entry of entries) {
    if (!entry.isDirectory() || !removeEmptyFolders(join(folder, entry.name), true)) empty = false;
  }
  return empty && (!itself || removeIfEmpty(folder));
}
