import { join } from 'node:path';
import { error, FinnError } from '../diagnostics/diagnostic.ts';
import { readIfThere, removeFile, sizeIfThere, writeAtomically } from '../util/files.ts';
import { contentHash, sha256 } from '../util/hash.ts';
import type { Stored } from './content.ts';

/** Immutable contents by their SHA-256, in files objects/ab/cd…. */
export interface Objects {
  /** Stores contents, unless they are there. Throws FinnError 'cache/write'. */
  write(bytes: Uint8Array): Stored;
  /** Is there an object of this hash and this size? Its contents are not looked at. */
  has(stored: Stored): boolean;
  /** The contents, or undefined if they are not there or not what their name says; what is damaged is removed. */
  read(stored: Stored): Uint8Array | undefined;
}

/** Objects below a folder; `onCorrupt` hears of what was found damaged and removed. */
export function objects(folder: string, onCorrupt: (object: string) => void): Objects {
  const pathOf = (object: string): string => join(folder, object.slice(0, 2), object.slice(2));
  return {
    write(bytes) {
      const object = contentHash(bytes);
      const path = pathOf(object);
      if (sizeIfThere(path) !== bytes.length) writing(path, () => writeAtomically(path, bytes, 0o444));
      return [object, bytes.length];
    },
    has: ([object, size]) => sizeIfThere(pathOf(object)) === size,
    read([object]) {
      const bytes = readIfThere(pathOf(object));
      if (bytes === undefined || sha256(bytes) === object) return bytes;
      removeFile(pathOf(object));
      onCorrupt(object);
      return undefined;
    },
  };
}

/** Turns the system's error about writing into FinnError 'cache/write'. */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FinnError(
      error('cache/write', `cannot write ${path}: ${reason}`, {
        hint: 'make room there, or name another cache folder in finn.config.yaml',
      }),
    );
  }
}
