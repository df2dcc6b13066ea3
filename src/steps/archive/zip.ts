import { crc32, inflateRawSync } from 'node:zlib';
import { BadArchive, type Entry, type Limits, plainName } from './entry.ts';

/** One member of a zip archive, as the list at the archive's end has it. */
export interface ZipEntry extends Entry {
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where its own header lies. */
  readonly offset: number;
}

/** A zip archive in memory. */
export interface Zip {
  readonly entries: readonly ZipEntry[];
  /** The contents of a member, checked against its size and CRC. Throws BadArchive. */
  read(entry: ZipEntry): Uint8Array;
}

const signature = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50 };

/** Does it begin as a zip archive does (an empty one has but its end)? */
export const isZip = (bytes: Uint8Array): boolean => {
  if (bytes.length < 22) return false;
  const first = viewOf(bytes).getUint32(0, true);
  return first === signature.local || first === signature.end;
};

/** The members of a zip archive, from its list of members. Throws BadArchive. The format: PKWARE's APPNOTE.TXT. */
export function openZip(bytes: Uint8Array, limits: Limits): Zip {
  const { count, size, offset } = endOf(bytes);
  if (count > limits.entries) throw new BadArchive(`has ${count} members; finn takes ${limits.entries} at most`);
  if (offset + size > bytes.length) throw new BadArchive('is cut off, or was joined to something else');
  const view = viewOf(bytes);
  const entries: ZipEntry[] = [];
  let at = offset;
  for (let i = 0; i < count; i += 1) {
    if (at + 46 > offset + size || view.getUint32(at, true) !== signature.central)
      throw new BadArchive(`is broken: its list of members ends after ${i} of ${count}`);
    const next =
      at + 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > offset + size) throw new BadArchive(`is broken: its list of members ends after ${i} of ${count}`);
    entries.push(entryAt(bytes, view, at));
    at = next;
  }
  return { entries, read: (entry) => contentsOf(bytes, entry, offset, limits) };
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const none32 = 0xffffffff;

/** Where the list of members lies, from the record at the archive's end (behind which only a comment may stand). */
function endOf(bytes: Uint8Array): { count: number; size: number; offset: number } {
  const view = viewOf(bytes);
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - 22 - 0xffff); at -= 1) {
    if (view.getUint32(at, true) !== signature.end) continue;
    if (at + 22 + view.getUint16(at + 20, true) !== bytes.length) continue;
    const count = view.getUint16(at + 10, true);
    const [size, offset] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
    const parts = view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== 0;
    if (count !== 0xffff && size !== none32 && offset !== none32) {
      if (parts) throw new BadArchive('is one part of an archive in several');
      return { count, size, offset };
    }
    const locator = at - 20;
    if (locator < 0 || view.getUint32(locator, true) !== signature.locator64) break;
    const end64 = whole(view, locator + 8);
    if (end64 + 56 > locator || view.getUint32(end64, true) !== signature.end64) break;
    return { count: whole(view, end64 + 32), size: whole(view, end64 + 40), offset: whole(view, end64 + 48) };
  }
  throw new BadArchive('is cut off: it has no list of members at its end');
}

/** 64 bits as a number; what a number cannot hold is larger than any file. */
const whole = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

function entryAt(bytes: Uint8Array, view: DataView, at: number): ZipEntry {
  const flags = view.getUint16(at + 8, true);
  const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
  const raw = bytes.subarray(at + 46, at + 46 + nameLength);
  const name = new TextDecoder(flags & 0x800 ? 'utf-8' : 'latin1').decode(raw);
  let [size, packed, offset] = [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ];
  const long = extra64(view, at + 46 + nameLength, extraLength);
  // The 64-bit field has those values, in this order, that do not fit into 32 bits.
  const next = (value: number): number => (value === none32 ? (long.shift() ?? value) : value);
  [size, packed, offset] = [next(size), next(packed), next(offset)];
  // Systems of the Unix kind keep a file's mode in the upper half of its attributes.
  const mode = view.getUint32(at + 38, true) >>> 28;
  return {
    name: plainName(name),
    kind:
      mode === 0xa
        ? 'link'
        : /[/\\]$/.test(name)
          ? 'folder'
          : mode === 0 || mode === 8
            ? 'file'
            : mode === 4
              ? 'folder'
              : 'other',
    method: view.getUint16(at + 10, true),
    encrypted: (flags & 0x2041) !== 0,
    crc: view.getUint32(at + 16, true),
    packed,
    size,
    offset,
  };
}

function extra64(view: DataView, start: number, length: number): number[] {
  for (let at = start; at + 4 <= start + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const bytes = Math.min(view.getUint16(at + 2, true), start + length - at - 4);
    return Array.from({ length: Math.floor(bytes / 8) }, (_, i) => whole(view, at + 4 + 8 * i));
  }
  return [];
}

function contentsOf(bytes: Uint8Array, entry: ZipEntry, list: number, limits: Limits): Uint8Array {
  const { name, method, encrypted, crc, packed, size, offset } = entry;
  const view = viewOf(bytes);
  if (encrypted) throw new BadArchive(`has its member '${name}' encrypted`);
  if (size > limits.member) throw new BadArchive(`has ${size} bytes in '${name}'; finn takes ${limits.member} at most`);
  if (offset + 30 > list || view.getUint32(offset, true) !== signature.local)
    throw new BadArchive(`is broken: '${name}' is not where its list of members says`);
  const nameLength = view.getUint16(offset + 26, true);
  const start = offset + 30 + nameLength + view.getUint16(offset + 28, true);
  if (start + packed > list) throw new BadArchive(`is cut off in '${name}'`);
  const data = bytes.subarray(start, start + packed);
  let contents = data;
  if (method === 8) contents = inflated(data, name, size);
  else if (method !== 0)
    throw new BadArchive(`has '${name}' packed by method ${method}; finn unpacks what is stored (0) or deflated (8)`);
  if (contents.length !== size)
    throw new BadArchive(`says that '${name}' has ${size} bytes, but there are ${contents.length}`);
  if (crc32(contents) !== crc) throw new BadArchive(`is damaged: the CRC of '${name}' is not what it should be`);
  return contents;
}

/** No more memory is taken than the size that the archive declares, whatever the data unpack to. */
function inflated(data: Uint8Array, name: string, size: number): Uint8Array {
  try {
    const { buffer, byteOffset, byteLength } = inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new BadArchive(`says that '${name}' has ${size} bytes, but it unpacks to more`);
    throw new BadArchive(`is damaged in '${name}': ${(cause as Error).message}`);
  }
}
