import { join } from 'node:path';
import { loadProject } from '../config/project.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { openStore } from '../engine/store.ts';
import { listTree, sizeIfThere } from '../util/files.ts';
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
  downloads: 'models that were fetched',
  work: 'folders of calls that failed, and scratch',
};

/** What fetching models keeps beside the store. */
function downloadsIn(cache: string): { kind: string; entries: number; bytes: number } {
  const folder = join(cache, 'downloads');
  const paths = listTree(folder);
  const bytes = paths.reduce((sum, path) => sum + (sizeIfThere(join(folder, path)) ?? 0), 0);
  return { kind: 'downloads', entries: paths.length, bytes };
}

/** `finn cache ls`: what the cache of a recipe has, by kind; without one, that of this folder. */
export async function cacheLs(recipe: string | undefined, { json }: CacheOptions, io: Io): Promise<number> {
  const { project, diagnostics } = loadProject(recipe ?? 'finn.config.yaml');
  if (diagnostics.length > 0) throw new FinnError(...diagnostics);
  const { path, bytes: limit } = project.cache;
  const contents = [...openStore(path).contents(), downloadsIn(path)];
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
