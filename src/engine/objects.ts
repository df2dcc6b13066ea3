import { join } from 'node:path';
import { error, FinnError } from '../diagnostics/diagnostic.ts';
import {
  holds,
  isMissing,
  readIfThere,
  removeFile,
  sizeIfThere,
  touch,
  writeAtomically,
  writeAtomicallyLater,
} from '../util/files.ts';
import { contentHash } from '../util/hash.ts';
import { placeChecked, SourceError } from '../util/pieces.ts';
import type { Stored } from './content.ts';
import { type Incoming, incoming } from './incoming.ts';
import { outgoing } from './outgoing.ts';

/** Immutable contents by their SHA-256, in files objects/ab/cd…. */
export interface Objects {
  /** Stores contents, unless they are there and whole. Throws FinnError 'cache/write'. */
  write(bytes: Uint8Array): Stored;
  /** As `write`, while this process does something else. Rejects with FinnError 'cache/write'. */
  writeLater(bytes: Uint8Array): Promise<Stored>;
  /** One that comes in parts. Its calls reject with FinnError 'cache/write'. */
  incoming(stored: Stored): Incoming;
  /** Is there an object of this hash and this size? Its contents are not looked at. Throws FinnError 'cache/read'. */
  has(stored: Stored): boolean;
  /** The contents, or undefined if they are not there or not what their name says; what is damaged is removed. */
  read(stored: Stored): Uint8Array | undefined;
  /**
   * The contents in parts, of which one is in memory at once. Throws Damaged before the last of them if they are not there
   * or not what their name says; `read` then deals with that.
   */
  parts(stored: Stored): AsyncIterable<Uint8Array>;
  /**
   * Puts the contents in the place of a file, by rename, checked, in pieces where they are large. False if they are not
   * there or not what their name says; what is damaged is removed. Rejects with FinnError 'cache/read' or 'cache/write'
   * for the object, with the system's error for the file.
   */
  copyTo(stored: Stored, path: string): Promise<boolean>;
}

/** What a part of the store tells the store. */
export interface Ears {
  /** Something is about to be written. */
  writes(bytes: number): void;
  /** A record is used: its path below the cache, without ending. */
  uses(record: string): void;
  /** What was found damaged and removed. */
  corrupt(object: string): void;
}

/** The path of an object below objects/. */
export const objectPath = (object: string): string => join(object.slice(0, 2), object.slice(2));

/** Objects below a folder. */
export function objects(folder: string, ears: Pick<Ears, 'writes' | 'corrupt'>): Objects {
  const pathOf = (object: string): string => join(folder, objectPath(object));
  const write = (bytes: Uint8Array): Stored => {
    const object = contentHash(bytes);
    const path = pathOf(object);
    ears.writes(bytes.length);
    // One that is there may be damaged, and gc has to see that it is wanted again.
    if (reading(path, () => holds(path, bytes))) touch(path);
    else writing(path, () => writeAtomically(path, bytes, 0o444));
    return [object, bytes.length];
  };
  const damaged = (object: string): void => {
    writing(pathOf(object), () => removeFile(pathOf(object)));
    ears.corrupt(object);
  };
  const read = ([object]: Stored): Uint8Array | undefined => {
    const path = pathOf(object);
    const bytes = reading(path, () => readIfThere(path));
    if (bytes === undefined || contentHash(bytes) === object) return bytes;
    damaged(object);
    return undefined;
  };
  return {
    write,
    async writeLater(bytes) {
      const object = contentHash(bytes);
      const path = pathOf(object);
      if (reading(path, () => sizeIfThere(path)) === bytes.length) return write(bytes);
      ears.writes(bytes.length);
      await writeAtomicallyLater(path, bytes, 0o444).catch((cause: unknown) => {
        throw cannotWrite(path, cause);
      });
      return [object, bytes.length];
    },
    incoming([object, size]) {
      const path = pathOf(object);
      ears.writes(size);
      return incoming(path, object, (cause) => cannotWrite(path, cause));
    },
    has: ([object, size]) => reading(pathOf(object), () => sizeIfThere(pathOf(object))) === size,
    read,
    async copyTo(stored, to) {
      const [object, size] = stored;
      if (size < inOnePiece) {
        const bytes = read(stored);
        if (bytes) writeAtomically(to, bytes);
        return bytes !== undefined;
      }
      const path = pathOf(object);
      try {
        const copied = await placeChecked(path, to, object);
        if (!copied) damaged(object);
        return copied;
      } catch (problem) {
        if (!(problem instanceof SourceError)) throw problem;
        if (isMissing(problem.cause)) return false;
        throw cannotRead(path, problem.cause);
      }
    },
    parts: (stored) => outgoing(pathOf(stored[0]), stored),
  };
}

/** Bytes up to which a file is read and written at once: less would be gained beside others than its pieces cost. */
export const inOnePiece = 128 * 1024;

/** Turns the system's error about writing into FinnError 'cache/write'. */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (cause instanceof FinnError) throw cause;
    throw cannotWrite(path, cause);
  }
}

/** The system's error about writing as FinnError 'cache/write'. */
export const cannotWrite = (path: string, cause: unknown): FinnError =>
  new FinnError(
    error('cache/write', `cannot write ${path}: ${reasonOf(cause)}`, {
      hint: hints[codeOf(cause)] ?? 'make room there, or name another cache folder in finn.config.yaml',
    }),
  );

/** Turns the system's error about reading into FinnError 'cache/read'. */
export function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

const cannotRead = (path: string, cause: unknown): FinnError =>
  new FinnError(
    error('cache/read', `cannot read ${path}: ${reasonOf(cause)}`, {
      hint: 'its owner has to let you read it; or name another cache folder in finn.config.yaml',
    }),
  );

const elsewhere = 'or name another cache folder in finn.config.yaml (FINN_CACHE does so for one build)';
const hints: Readonly<Record<string, string>> = {
  ENOSPC: `the disk is full: make room, for example by \`finn cache gc --size 5GB\`, and build again: what is done is kept; ${elsewhere}`,
  EDQUOT: `your quota is used up: make room, for example by \`finn cache gc --size 5GB\`, and build again: what is done is kept; ${elsewhere}`,
  EROFS: `the file system is read-only: what is in such a cache can be used, but nothing can be added; ${elsewhere}`,
  EACCES: `you may not write there: what is in such a cache can be used, but nothing can be added; ${elsewhere}`,
  EFBIG: `files of this size are not allowed there (ulimit -f); ${elsewhere}`,
};

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
