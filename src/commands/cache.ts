import { kinds } from '../engine/inventory.ts';
import { openStore } from '../engine/store.ts';
import { cacheOf } from './cache-folder.ts';
import type { Io } from './session.ts';
import { bytesText, table } from './table.ts';

export interface CacheOptions {
  readonly json?: boolean | undefined;
}

/** `finn cache ls`: what the cache of a recipe has, by kind; without one, that of this folder. */
export async function cacheLs(recipe: string | undefined, { json }: CacheOptions, io: Io): Promise<number> {
  const { path, bytes: limit } = cacheOf(recipe);
  const contents = openStore(path).contents();
  const total = contents.reduce((sum, { bytes }) => sum + bytes, 0);
  if (json) {
    io.out(JSON.stringify({ path, bytes: total, limit, contents }));
    return 0;
  }
  const rows = contents.map(({ kind, entries, bytes }) => [kind, String(entries), bytesText(bytes), kinds[kind]]);
  for (const line of table(['KIND', 'FILES', 'SIZE', 'WHAT'], rows, ['left', 'right', 'right'])) io.out(line);
  io.out(`${bytesText(total)} in ${path}`);
  return 0;
}
