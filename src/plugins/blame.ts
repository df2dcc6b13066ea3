import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { relative, resolve } from 'node:path';
import { error, FinnError, type Location } from '../diagnostics/diagnostic.ts';
import type { Bundle } from './bundle.ts';

/** Where in the plug-ins' files something was thrown, or called that threw; undefined where they had no part in it. */
function thrownAt(cause: Error, { filename, map, root }: Bundle): Location | undefined {
  for (const frame of (cause.stack ?? '').split('\n').slice(1)) {
    const [, path, line, column] = /(?:\(|at |file:\/\/)([^()]*?):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    if (path !== filename) continue;
    const found = new SourceMap(JSON.parse(map)).findEntry(Number(line) - 1, Number(column) - 1);
    if (!('originalSource' in found)) continue;
    const source = resolve(root, found.originalSource);
    const before = readFileSync(source, 'utf8').split('\n').slice(0, found.originalLine);
    const start = before.reduce((sum, one) => sum + one.length + 1, 0) + found.originalColumn;
    return { in: 'file', path: relative('.', source), start, end: start + 1 };
  }
  return undefined;
}

/** What the plug-ins threw that is no FinnError, as one that shows the line; anything else as it is. */
export function blamed(cause: unknown, bundle: Bundle): unknown {
  if (!(cause instanceof Error) || cause instanceof FinnError) return cause;
  const at = thrownAt(cause, bundle);
  if (!at) return cause;
  const message = cause.message.replace(/^defect in finn: /, '');
  return new FinnError(error('plugin/threw', `a plug-in broke: ${cause.name}: ${message}`, { at }));
}
