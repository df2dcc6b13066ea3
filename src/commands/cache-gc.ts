import { existsSync } from 'node:fs';
import { parseSize } from '../config/project.ts';
import { fail } from '../diagnostics/diagnostic.ts';
import { evictInTurn, type Removed } from '../engine/gc.ts';
import { type Kind, kinds } from '../engine/inventory.ts';
import { cacheOf } from './cache-folder.ts';
import type { Io } from './session.ts';
import { bytesText, table } from './table.ts';

export interface CacheGcOptions {
  /** '5GB'. */
  readonly size?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `finn cache gc`: removes the least recently used until the cache has the size of finn.config.yaml, or the given one. */
export async function cacheGc(recipe: string | undefined, { size, json }: CacheGcOptions, io: Io): Promise<number> {
  const { path, bytes } = cacheOf(recipe);
  const limit = size === undefined ? bytes : parseSize(size);
  if (limit === undefined)
    fail('cli/usage', `--size takes a number and a unit, not '${size}'`, {
      hint: '--size 5GB, --size 300MB, --size 0B',
    });
  if (!existsSync(path)) {
    io.out(json ? JSON.stringify({ path, limit, before: 0, after: 0, removed: {} }) : `${path}: there is no cache`);
    return 0;
  }
  const { removed, before, after } = await evictInTurn(path, limit, io.signal);
  if (json) {
    io.out(JSON.stringify({ path, limit, before, after, removed }));
    return 0;
  }
  const rows = (Object.entries(removed) as [Kind, Removed][]).map(([kind, { entries, bytes: size }]) => [
    kind,
    String(entries),
    bytesText(size),
    kinds[kind],
  ]);
  if (rows.length > 0)
    for (const line of table(['REMOVED', 'COUNT', 'SIZE', 'WHAT'], rows, ['left', 'right', 'right'])) io.out(line);
  io.out(
    `${bytesText(before)} before, ${bytesText(after)} now in ${path}` +
      (after > limit ? `; more than ${bytesText(limit)}: the rest is in use, or was kept for a person to look at` : ''),
  );
  return 0;
}
