import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listTree } from '../../src/util/files.ts';

/** Contents of all files below a folder by relative path. */
export const readTree = (root: string): Record<string, Uint8Array> =>
  Object.fromEntries(listTree(root).map((path) => [path, readFileSync(join(root, path))]));
