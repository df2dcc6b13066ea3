import { openStore } from '../engine/store.ts';
import { cacheOf } from './cache-folder.ts';
import type { Io } from './session.ts';
import { bytesText, table } from './table.ts';

export interface CacheOptions {
  readonly json?: boolean | undefined;
}

const what: Readonly<Record<string, string>> = {
  objects: 'contents of results',
  steps: 'records of steps',
  calls: 'records of tool calls',
  last: 'what ran last, for explanations',
  builds: 'copies of records, to be read at once',
  roots: 'what each build used last',
  downloads: 'models that were fetched',
  work: 'folders of calls that failed, and scratch',
};

/** `finn cache ls`: what the cache of a recipe has, by kind; without one, that of this folder. */
export async function cacheLs(recipe: string | undefined, { json }: CacheOptions, io: Io): Promise<number> {
  const { path, bytes: limit } = cacheOf(recipe);
  const contents = openStore(path).contents();
  const total = contents.reduce((sum, { bytes }) => sum + bytes, 0);
  if (json) {
    io.out(JSON.stringify({ path, bytes: total, limit, contents }));
    return 0;
  }
  const rows = contents.map(({ kind, entries, bytes }) => [kind, String(entries), bytesText(bytes), what[kind] ?? '']);
  for (const line of table(['KIND', 'FILES', 'SIZE', 'WHAT'], rows, ['left', 'right', 'right'])) io.out(line);
  io.out(`${bytesText(total)} in ${path}`);
  return 0;
}
