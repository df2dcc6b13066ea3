import { fail, type Location } from '../../diagnostics/diagnostic.ts';
import { archiveLimits, BadArchive, type Chosen, choose, type Entry, mayBe } from './entry.ts';
import { isGzip, isTar, readTar } from './tar.ts';
import { isZip, openZip } from './zip.ts';

/**
 * One file of an archive (zip, tar, tar.gz), in memory: nothing is unpacked to disk, and names in the archive are never
 * used as paths. `what` is how messages call the archive. Fails with model/member or model/archive.
 */
export async function memberOf(
  bytes: Uint8Array,
  member: string,
  what: string,
  at: Location,
  limits = archiveLimits,
): Promise<Uint8Array> {
  try {
    if (isZip(bytes)) {
      const zip = openZip(bytes, limits);
      return zip.read(zip.entries[indexOf(zip.entries, member, what, at)]!);
    }
    if (isGzip(bytes) || isTar(bytes)) {
      const { entries, kept } = await readTar(bytes, (entry) => mayBe(entry, member), limits);
      return kept.get(indexOf(entries, member, what, at))!;
    }
  } catch (cause) {
    if (!(cause instanceof BadArchive)) throw cause;
    return fail('model/archive', `${what} ${cause.message}`, { at });
  }
  return fail('model/archive', `${what} is no archive that finn can read`, {
    at,
    hint: '`member` takes a file out of a .zip, .tar, .tar.gz or .tgz; leave it out where this is the model itself',
  });
}

/** The index of the file that is meant. */
function indexOf(entries: readonly Entry[], member: string, what: string, at: Location): number {
  const chosen: Chosen = choose(entries, member);
  if (chosen.found === 'one') {
    const { kind, name } = entries[chosen.index]!;
    if (kind === 'file') return chosen.index;
    return fail('model/member', `'${name}' of ${what} is a ${kind === 'link' ? 'link' : 'special file'}, not a file`, {
      at,
      hint: 'name the file that it stands for',
    });
  }
  if (chosen.found === 'none')
    return fail('model/member', `${what} has no member '${member}'`, {
      at,
      hint: `it has ${listed(entries.filter(({ kind }) => kind === 'file').map(({ name }) => name))}`,
    });
  const alike = new Set(chosen.names).size === 1;
  return fail(
    'model/member',
    `${what} has ${chosen.names.length} members ${alike ? 'of the name' : 'called'} '${member}'`,
    {
      at,
      hint: alike
        ? 'pack it again: which of them is meant cannot be said'
        : `write one with its path: ${listed(chosen.names)}`,
    },
  );
}

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : `${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
