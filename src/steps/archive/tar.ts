import { createGunzip } from 'node:zlib';
import { BadArchive, type Entry, type Limits, plainName } from './entry.ts';

const BLOCK = 512;
/** The most of a header's extension (long names and the like) that is read. */
const LARGEST_EXTENSION = 2 ** 20;

/** Does it begin as a gzip file does? */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Does it begin with the header of a tar archive, checksum and all? */
export const isTar = (bytes: Uint8Array): boolean =>
  bytes.length >= BLOCK && checksum(bytes.subarray(0, BLOCK)) === octal(bytes.subarray(148, 156));

/**
 * All entries of a tar or tar.gz archive, with the contents of those that `keep` wants. Throws BadArchive. Goes through the archive
 * once; what is not kept is not held. The format: POSIX pax and GNU's long names.
 */
export async function readTar(
  bytes: Uint8Array,
  keep: (entry: Entry) => boolean,
  limits: Limits,
): Promise<{ readonly entries: readonly Entry[]; readonly kept: ReadonlyMap<number, Uint8Array> }> {
  const input = new Input(isGzip(bytes) ? unzipped(bytes) : [bytes], limits.unpacked);
  const entries: Entry[] = [];
  const kept = new Map<number, Uint8Array>();
  let held = 0;
  let said: Extension = {};
  try {
    for (;;) {
      const header = await input.block();
      if (!header || header.every((byte) => byte === 0)) break;
      if (checksum(header) !== octal(header.subarray(148, 156)))
        throw new BadArchive(`is broken: the header behind its member ${entries.length} is damaged`);
      const type = String.fromCharCode(header[156] || 48);
      const size = said.size ?? sizeField(header.subarray(124, 136));
      if ('xgLK'.includes(type)) {
        if (size > LARGEST_EXTENSION) throw new BadArchive(`has a header of ${size} bytes`);
        said = { ...said, ...extension(type, await input.take(size)) };
        await input.skip(padding(size));
        continue;
      }
      const entry: Entry = { name: plainName(said.name ?? nameOf(header)), kind: kinds[type] ?? 'other' };
      if (entries.length >= limits.entries) throw new BadArchive(`has more than ${limits.entries} members`);
      if (entry.kind === 'file' && keep(entry)) {
        held += size;
        if (held > limits.member)
          throw new BadArchive(`has ${size} bytes in '${entry.name}'; finn takes ${limits.member} at most`);
        kept.set(entries.length, await input.take(size));
      } else await input.skip(size);
      await input.skip(padding(size));
      entries.push(entry);
      said = {};
    }
  } finally {
    await input.close();
  }
  return { entries, kept };
}

const kinds: Readonly<Record<string, Entry['kind']>> = {
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '5': 'folder',
};
const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** What stands in front of a header and counts instead of what is in it. */
interface Extension {
  readonly name?: string;
  readonly size?: number;
}

function extension(type: string, data: Uint8Array): Extension {
  if (type === 'L') return { name: text(data) };
  // A global header could name every file alike, and GNU's K is the target of a link.
  if (type !== 'x') return {};
  let found: Extension = {};
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(32, at);
    const length = space < 0 ? NaN : Number(text(data.subarray(at, space)));
    if (!Number.isInteger(length) || length <= space - at + 1 || at + length > data.length)
      throw new BadArchive('is broken: a header of the pax kind cannot be read');
    const record = text(data.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === 'path') found = { ...found, name: value };
    if (key === 'size') {
      if (!/^\d{1,15}$/.test(value)) throw new BadArchive('is broken: a header of the pax kind has no readable size');
      found = { ...found, size: Number(value) };
    }
    at += length;
  }
  return found;
}

const utf8 = new TextDecoder();
/** Text up to the first NUL. */
const text = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
};

/** An octal number with blanks or NULs around it; NaN where it is none. */
function octal(bytes: Uint8Array): number {
  const digits = text(bytes).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === '' ? 0 : NaN;
}

/** A size: octal, or (GNU) binary where the first bit is set. */
function sizeField(bytes: Uint8Array): number {
  const size =
    bytes[0]! & 0x80 ? bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, bytes[0]! & 0x7f) : octal(bytes);
  if (Number.isSafeInteger(size)) return size;
  throw new BadArchive('is broken: a member has no readable size');
}

function nameOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const prefix = text(header.subarray(257, 262)) === 'ustar' ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Sum of a header's bytes, the checksum itself taken as blanks. */
const checksum = (header: Uint8Array): number =>
  header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);

async function* unzipped(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  gunzip.end(bytes);
  try {
    for await (const { buffer, byteOffset, byteLength } of gunzip as AsyncIterable<Buffer>)
      yield new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw new BadArchive(`is damaged or cut off: ${(cause as Error).message}`);
  }
}

/** Bytes as they come, taken in given numbers. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #most: number;
  #rest: Uint8Array = new Uint8Array();
  #seen = 0;

  constructor(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, most: number) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
    this.#most = most;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** The next block; nothing where the archive has come to its end. */
  async block(): Promise<Uint8Array | undefined> {
    return (await this.#more()) ? this.take(BLOCK) : undefined;
  }

  /** Exactly so many bytes. BadArchive where there are fewer. */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await this.#each(count, (part) => parts.push(part));
    if (parts.length === 1) return parts[0]!;
    return new Uint8Array(Buffer.concat(parts));
  }

  skip(count: number): Promise<void> {
    return this.#each(count, () => {});
  }

  async #each(count: number, use: (part: Uint8Array) => void): Promise<void> {
    for (let left = count; left > 0; ) {
      if (!(await this.#more())) throw new BadArchive(`is cut off: ${left} bytes are missing at its end`);
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      use(part);
    }
  }

  /** Is there another byte? */
  async #more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return false;
      this.#rest = value;
      this.#seen += value.length;
      if (this.#seen > this.#most) throw new BadArchive(`unpacks to more than ${this.#most} bytes`);
    }
    return true;
  }
}
