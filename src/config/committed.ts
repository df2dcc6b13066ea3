import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Is something at or below this path checked into git, by whatever way it is reached: links, and names that differ in case where the
 * file system knows no case? Looks into the index of the repository around it. False where there is none, or one that
 * cannot be read.
 */
export function isCommitted(path: string): boolean {
  const lexical = resolve(path);
  return [...new Set([lexical, realOf(lexical)])].some(isInRepository);
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isInRepository(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    if (existsSync(git)) {
      const name = relative(folder, path).replaceAll('\\', '/');
      return indexesOf(git).some((index) => isInIndex(index, name, folder));
    }
    if (folder === dirname(folder)) return false;
  }
}

/** The index of a repository, or of a work tree, whose .git is a file that names its folder; where it is split, all parts. */
function indexesOf(git: string): Buffer[] {
  try {
    const folder = statSync(git).isDirectory()
      ? git
      : resolve(dirname(git), /^gitdir: (.*)$/m.exec(readFileSync(git, 'utf8'))?.[1] ?? '');
    const index = readFileSync(join(folder, 'index'));
    // A split index has the hash of its other part in it; parts of earlier ones lie about for a while.
    const others = readdirSync(folder).filter((name) => {
      const [, hash] = /^sharedindex\.([0-9a-f]+)$/.exec(name) ?? [];
      return hash !== undefined && index.includes(Buffer.from(hash, 'hex'));
    });
    return [index, ...others.map((name) => readFileSync(join(folder, name)))];
  } catch {
    return [];
  }
}

function isInIndex(index: Buffer, name: string, folder: string): boolean {
  const wanted = folded(name);
  // Names of version 4 lack what they share with the one before.
  const whole = index.length > 8 && index.readUInt32BE(4) < 4;
  if (whole && isPlain(name) && !index.toString('latin1').toLowerCase().includes(wanted)) return false;
  const depth = name.split('/').length;
  return namesIn(index).some((entry) => {
    const begin = entry.split('/').slice(0, depth).join('/');
    return begin === name || (folded(begin) === wanted && isSame(join(folder, begin), join(folder, name)));
  });
}

const isPlain = (name: string): boolean => /^[ -~]*$/.test(name);

/** Names that some file systems take for the same are the same: cases, compositions, and letters that some pass over. */
const folded = (name: string): string =>
  name
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .normalize('NFC')
    .toLowerCase();

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** The names of an index of version 2 to 4, of a repository with hashes of 20 or of 32 bytes; none where it is another file. */
const namesIn = (index: Buffer): readonly string[] => namesWith(index, 20) ?? namesWith(index, 32) ?? [];

function namesWith(index: Buffer, hashBytes: number): string[] | undefined {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = index.readUInt32BE(4);
  const names: string[] = [];
  let before: Buffer = Buffer.alloc(0);
  let at = 12;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    // Ten numbers of the file system, the hash, and flags, of which twelve bits are the length of the name.
    const flagsAt = at + 40 + hashBytes;
    if (flagsAt + 2 >= index.length) return undefined;
    const flags = index.readUInt16BE(flagsAt);
    let from = flagsAt + (version > 2 && (flags & 0x4000) !== 0 ? 4 : 2);
    let kept = 0;
    if (version === 4) [kept, from] = keptOf(index, from, before.length);
    const end = index.indexOf(0, from);
    if (end < 0 || kept < 0) return undefined;
    const name = Buffer.concat([before.subarray(0, kept), index.subarray(from, end)]);
    if ((flags & 0xfff) !== Math.min(name.length, 0xfff)) return undefined;
    names.push(name.toString('utf8'));
    before = name;
    // Entries of older versions are filled up to eight bytes, with one to eight NULs.
    at = version === 4 ? end + 1 : at + Math.ceil((end + 1 - at) / 8) * 8;
  }
  return names;
}

/** How many bytes of the name before are kept, and where the rest begins: git's number of variable length says how many are not. */
function keptOf(index: Buffer, at: number, length: number): [kept: number, from: number] {
  let byte = index[at] ?? 0;
  let from = at + 1;
  let dropped = byte & 0x7f;
  while ((byte & 0x80) !== 0 && from < index.length) {
    byte = index[from] ?? 0;
    from += 1;
    dropped = (dropped + 1) * 128 + (byte & 0x7f);
  }
  return [length - dropped, from];
}
