import { createHash, type Hash } from 'node:crypto';
import { close, open, rename, rmSync, writeFile, writev } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder, temporaryBeside } from '../util/files.ts';

const openLater = promisify(open);
const closeLater = promisify(close);
const renameLater = promisify(rename);
const writeFileLater = promisify(writeFile);
const writeParts = promisify(writev);

/** So many bytes are written at once. */
const batch = 1 << 20;
/** So many may wait to be written. */
const mostWaiting = 4 * batch;

/** What an object is found to be. */
export type Found = { readonly stored: true } | { readonly stored: false; readonly hash: string };

/**
 * An object that comes in parts, of which few are in memory at once. Until it is whole and has the hash of its name it is
 * a temporary file beside its place, as of any other writer. What goes wrong in writing is thrown by the next call.
 */
export interface Incoming {
  /** Takes the next part. What it returns, if anything, is to be awaited before the next. */
  write(part: Uint8Array): Promise<void> | undefined;
  /** There is no more: puts it in its place if it has the hash of its name, and tells its hash if not. */
  end(): Promise<Found>;
  /** Forgets it. Resolves when nothing is left of it. */
  drop(): Promise<void>;
}

/** The object of this hash, which is to lie at `path`; `failing` makes an error of what the system says about writing. */
export function incoming(path: string, object: string, failing: (cause: unknown) => Error): Incoming {
  const temporary = temporaryBeside(path);
  let hash: Hash | undefined;
  let parts: Uint8Array[] = [];
  let size = 0;
  let waiting = 0;
  let file: number | undefined;
  let made = false;
  let dropped = false;
  let whole = false;
  let failure: Error | undefined;
  let writing: Promise<void> | undefined;

  const discard = async (): Promise<void> => {
    const opened = file;
    file = undefined;
    try {
      if (opened !== undefined) await closeLater(opened);
      if (made) rmSync(temporary, { force: true });
    } catch {
      // Left to who sweeps the cache.
    }
  };
  /** Writes all that waits, one batch after the other. */
  const flush = async (): Promise<void> => {
    try {
      if (file === undefined) {
        made = true;
        file = await inFolder(path, () => openLater(temporary, 'wx', 0o444));
      }
      while (parts.length > 0 && !dropped) {
        const now = parts;
        const bytes = size;
        parts = [];
        size = 0;
        await writeAll(file, now);
        waiting -= bytes;
      }
    } catch (cause) {
      failure = failing(cause);
    } finally {
      writing = undefined;
    }
    if (dropped) await discard();
  };
  const drop = async (): Promise<void> => {
    // What is whole and right is stored, whatever becomes of the connection that it came by.
    if (whole) return;
    dropped = true;
    parts = [];
    await (writing ?? discard());
  };
  const finish = async (): Promise<void> => {
    if (writing) await writing;
    if (failure) throw failure;
    if (file === undefined) {
      made = true;
      const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      await inFolder(path, () => writeFileLater(temporary, bytes, { mode: 0o444, flag: 'wx' }));
    } else {
      await flush();
      if (failure) throw failure;
      const written = file;
      file = undefined;
      await closeLater(written);
    }
    await renameLater(temporary, path);
  };

  return {
    write(part) {
      if (failure) return Promise.reject(failure);
      hash ??= createHash('sha256');
      hash.update(part);
      parts.push(part);
      size += part.length;
      waiting += part.length;
      if (!writing && size >= batch) writing = flush();
      return waiting > mostWaiting ? writing : undefined;
    },
    async end() {
      const found = (hash ?? createHash('sha256')).digest('hex');
      if (found !== object) {
        await drop();
        return { stored: false, hash: found };
      }
      whole = true;
      try {
        await finish();
        return { stored: true };
      } catch (cause) {
        await discard();
        throw cause === failure ? cause : failing(cause);
      }
    },
    drop,
  };
}

/** Makes the folder of a file where that is missing: another process may remove it, while it is empty, as often. */
async function inFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw cause;
      makeFolder(dirname(path));
    }
  }
}

/** A call of the system may write a part of what it is given. */
async function writeAll(file: number, parts: readonly Uint8Array[]): Promise<void> {
  for (let left = parts; left.length > 0; ) {
    let { bytesWritten: written } = await writeParts(file, left);
    const next: Uint8Array[] = [];
    for (const part of left) {
      if (written < part.length) next.push(part.subarray(written));
      written = Math.max(written - part.length, 0);
    }
    left = next;
  }
}
