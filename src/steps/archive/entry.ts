import { staysBelow } from '../../util/files.ts';

/** What an archive says of one of its members. */
export interface Entry {
  /** With '/' between folders, without a leading './'. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

/** Bounds of what is taken out of an archive. */
export interface Limits {
  /** Bytes of the member. */
  readonly member: number;
  /** Bytes of all that is unpacked on the way to it. */
  readonly unpacked: number;
  readonly entries: number;
}

/** The most that a model may have, the most that a tar.gz may unpack to, and the most members: 2 GB, 8 GB, 100,000. */
export const archiveLimits: Limits = { member: 2 ** 31, unpacked: 2 ** 33, entries: 100_000 };

/** An archive that cannot be read, in words that go on behind its name: 'is cut off in its list of members'. */
export class BadArchive extends Error {}

/** A member's name as archives write it, in one form. */
export const plainName = (name: string): string =>
  name
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '')
    .replace(/\/$/, '');

/** Which entry `member` means. */
export type Chosen =
  | { readonly found: 'one'; readonly index: number }
  | { readonly found: 'none' }
  /** Several of that base name, or of exactly that name. */
  | { readonly found: 'several'; readonly names: readonly string[] };

/**
 * The entry of that path, else the only one of that name in whatever folder. Names are compared, never used as paths; what would
 * leave the archive's folder (`../x`, `/x`) is not to be had at all.
 */
export function choose(entries: readonly Entry[], member: string): Chosen {
  const wanted = plainName(member);
  for (const fits of [isCalled, hasBaseName]) {
    const found = entries.flatMap(({ name, kind }, index) =>
      kind !== 'folder' && staysBelow(name) && fits(name, wanted) ? [index] : [],
    );
    if (found.length === 1) return { found: 'one', index: found[0]! };
    if (found.length > 1) return { found: 'several', names: found.map((index) => entries[index]!.name) };
  }
  return { found: 'none' };
}

const isCalled = (name: string, wanted: string): boolean => name === wanted;
const hasBaseName = (name: string, wanted: string): boolean => name.slice(name.lastIndexOf('/') + 1) === wanted;

/** Could this entry be the one that `member` means? */
export const mayBe = ({ name }: Entry, member: string): boolean =>
  hasBaseName(name, plainName(member)) || name === plainName(member);
