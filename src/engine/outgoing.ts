import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Stored } from './content.ts';

/** So many bytes are read at once. */
const most = 1 << 20;

/** An object of the store is not what its name says, or not there. */
export class Damaged extends Error {}

/** The parts of a file that has to be this object: the last of them comes only if all together are. */
export async function* outgoing(path: string, [object, size]: Stored): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await opened(path);
  try {
    const hash = createHash('sha256');
    for (let from = 0; ; ) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(Math.min(most, size - from)));
      from += bytesRead;
      const part = buffer.subarray(0, bytesRead);
      hash.update(part);
      if ((bytesRead === 0 && from < size) || (from === size && hash.digest('hex') !== object)) {
        throw new Damaged(`the object ${object} is damaged`);
      }
      yield part;
      if (from === size) return;
    }
  } finally {
    await file.close();
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (cause) {
    throw new Damaged((cause as Error).message);
  }
}
