import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashTree, readIfThere } from '../util/files.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';

/**
 * Hash of all code and data of the program that can bear on a result: the tree that this module lies in (src or dist),
 * the schema folder beside it, and the versions of the packages. Commands, displays and tests are left out: no step
 * can import them. Contents are read (about a megabyte), so that it is right whatever happened to file times.
 */
export function hashOwnCode(): string {
  const tree = fileURLToPath(new URL('..', import.meta.url));
  const project = join(tree, '..');
  const manifest = readIfThere(join(project, 'package.json'));
  const packages: unknown = manifest ? JSON.parse(new TextDecoder().decode(manifest)).dependencies : null;
  const bears = (path: string): boolean =>
    !/^(ui|commands|bundle|cli\.)/.test(path) && !/\.test\.[jt]s$|\.d\.ts$|\.map$|\.tmp$|(^|\/)README/.test(path);
  return sha256([hashTree(tree, bears), hashTree(join(project, 'schema')), canonicalJson(packages ?? null)].join('\n'));
}

/** finn's own version, from its package.json. */
export function finnVersion(): string {
  const manifest = readIfThere(fileURLToPath(new URL('../../package.json', import.meta.url)));
  const read: unknown = manifest ? JSON.parse(new TextDecoder().decode(manifest)) : {};
  return String((read as { version?: unknown }).version ?? 'unknown');
}
