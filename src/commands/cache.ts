import { loadProject } from '../config/project.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { openStore } from '../engine/store.ts';
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
  work: 'folders of calls that failed, and scratch',
};

/** `finn cache ls`: what the cache of this folder's project has, by kind. */
export async function cacheLs({ json }: CacheOptions, io: Io): Promise<number> {
  const { project, diagnostics } = loadProject('finn.config.yaml');
  if (diagnostics.length > 0) throw new FinnError(...diagnostics);
  const { path, bytes: limit } = project.cache;
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
