import { createHash } from 'node:crypto';
import { close, constants, copyFile, fchmodSync, fstatSync, open, read, rename, rmSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { createLater, temporaryBeside } from './files.ts';

const openLater = promisify(open);
const closeLater = promisify(close);
const renameLater = promisify(rename);
const copyFileLater = promisify(copyFile);

/** Large enough that a call costs little beside it, small enough that it is still in the processor's cache when it is hashed. */
const pieceBytes = 512 * 1024;

/** SHA-256 of a file, which is read in pieces while this process does something else. Rejects with the system's error. */
export async function hashFileLater(path: string): Promise<string> {
  const file = await openLater(path, 'r');
  try {
    return await hashOpen(file);
  } finally {
    await closeLater(file);
  }
}

/**
 * Puts a copy of a file in the place of `to`, if the SHA-256 of what was copied is `hash`; else everything is as it was, and
 * the answer is false. In pieces: it takes a megabyte, however large the file is. What is checked is what is placed, even if
 * somebody writes to the file meanwhile, and `to` is the old file or the whole new one at all times. Makes the folders
 * above. Where the file system lets files share their blocks until one is written to, nothing is copied. Rejects with
 * SourceError where `from` cannot be read, with the system's error where `to` cannot be written.
 */
export async function placeChecked(from: string, to: string, hash: string): Promise<boolean> {
  const source = await openLater(from, 'r').catch((cause: unknown) => {
    throw new SourceError(cause);
  });
  const temporary = temporaryBeside(to);
  let placed = false;
  try {
    if ((await copyHashed(from, source, temporary)) === hash) {
      await renameLater(temporary, to);
      placed = true;
    }
    return placed;
  } finally {
    if (!placed) rmSync(temporary, { force: true });
    await closeLater(source);
  }
}

/** Copies a file, which is open, to one that is not there yet; the SHA-256 of the copy. */
async function copyHashed(from: string, source: number, to: string): Promise<string> {
  const file = await createLater(to);
  try {
    const cloned = await clone(from, source, to, file);
    if (cloned !== false) return cloned ? await hashOpen(file) : await copyOpen(source, file);
  } finally {
    // Before the copy takes its place: some file systems say only now that the disk is full.
    await closeLater(file);
  }
  return copyHashed(from, source, to);
}

/** The file that was to be copied could not be read; `cause` is the system's error. */
export class SourceError extends Error {
  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/** Pairs of file systems that refused: most cannot do it, and asking takes as long as a small file. */
const refused = new Set<string>();

/**
 * Makes an empty file share the blocks of another; its mode stays. False where the file systems cannot do that: then the
 * empty file is gone. Undefined where that was known, and the file is as it was.
 */
async function clone(from: string, source: number, to: string, file: number): Promise<boolean | undefined> {
  const { dev, mode } = fstatSync(file);
  const pair = `${fstatSync(source).dev} ${dev}`;
  if (refused.has(pair)) return undefined;
  try {
    await copyFileLater(from, to, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    refused.add(pair);
    return false;
  }
  fchmodSync(file, mode & 0o777);
  return true;
}

/** Reads an open file from its beginning to its end; `use` has every piece while the next one is read. */
async function readOpen(file: number, use: (piece: Uint8Array) => Promise<unknown> | undefined): Promise<void> {
  let [here, next] = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)];
  let at = 0;
  let size = await readAt(file, here, at);
  while (size > 0) {
    at += size;
    const reading = readAt(file, next, at);
    // Both are waited for, even if one fails: nobody may close a file that is being read or written.
    const [read, used] = await Promise.allSettled([reading, use(here.subarray(0, size))]);
    if (used.status === 'rejected') throw used.reason;
    if (read.status === 'rejected') throw read.reason;
    size = read.value;
    [here, next] = [next, here];
  }
}

async function hashOpen(file: number): Promise<string> {
  const hash = createHash('sha256');
  await readOpen(file, (piece) => void hash.update(piece));
  return hash.digest('hex');
}

/** Copies an open file to another; the SHA-256 of what was written. */
async function copyOpen(from: number, to: number): Promise<string> {
  const hash = createHash('sha256');
  let at = 0;
  await readOpen(from, (piece) => {
    const written = writeAt(to, piece, at);
    at += piece.length;
    // While it is written.
    hash.update(piece);
    return written;
  });
  return hash.digest('hex');
}

const readAt = (file: number, into: Uint8Array, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(file, into, 0, into.length, at, (problem, size) =>
      problem ? reject(new SourceError(problem)) : resolve(size),
    );
  });

/** A disk that is full, or a limit, lets a part be written before it says so. */
async function writeAt(file: number, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += await new Promise<number>((resolve, reject) => {
      write(file, bytes, done, bytes.length - done, at + done, (problem, size) =>
        problem ? reject(problem) : resolve(size),
      );
    });
}
