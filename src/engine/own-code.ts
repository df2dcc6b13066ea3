import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashTree, listTree, readIfThere } from '../util/files.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';

const tree = fileURLToPath(new URL('..', import.meta.url));
const project = join(tree, '..');
const isCode = (path: string): boolean => !/\.test\.[jt]s$|\.d\.ts$|\.map$|\.tmp$|(^|\/)README/.test(path);

/**
 * What another finn would have otherwise, displays and commands included: absolute paths of files, and of the folders of what was
 * put together into bundle/, which are made anew with it.
 */
export function ownFiles(): string[] {
  const code = listTree(tree).filter(isCode);
  const bundled = code.some((path) => path.startsWith('bundle/'));
  return [
    join(project, 'package.json'),
    ...listTree(join(project, 'schema')).map((path) => join(project, 'schema', path)),
    ...new Set(code.map((path) => join(tree, bundled && !path.startsWith('bundle/') ? dirname(path) : path))),
  ];
}

/**
 * Hash of all code and data of the program that can bear on a result: the tree that this module lies in (src or dist),
 * the schema folder beside it, and the versions of the packages. Commands, displays and tests are left out: no step
 * can import them. Contents are read (about a megabyte), so that it is right whatever happened to file times.
 */
export function hashOwnCode(): string {
  const manifest = readIfThere(join(project, 'package.json'));
  const packages: unknown = manifest ? JSON.parse(new TextDecoder().decode(manifest)).dependencies : null;
  const bears = (path: string): boolean => !/^(ui|commands|bundle|cli\.|start\.)/.test(path) && isCode(path);
  return sha256([hashTree(tree, bears), hashTree(join(project, 'schema')), canonicalJson(packages ?? null)].join('\n'));
}

/** finn's own version, from its package.json. */
export function finnVersion(): string {
  const manifest = readIfThere(fileURLToPath(new URL('../../package.json', import.meta.url)));
  const read: unknown = manifest ? JSON.parse(new TextDecoder().decode(manifest)) : {};
  return String((read as { version?: unknown }).version ?? 'unknown');
}
