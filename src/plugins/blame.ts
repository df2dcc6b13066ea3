import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { error, FinnError, type Location } from '../diagnostics/diagnostic.ts';

/** Where in the plug-ins' files something was thrown, or called that threw; undefined where they had no part in it. */
function thrownAt(cause: Error, files: readonly string[]): Location | undefined {
  for (const frame of (cause.stack ?? '').split('\n').slice(1)) {
    const [, path, line, column] = /(?:\(|at |file:\/\/)([^()]*?):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    if (path === undefined || !files.includes(path)) continue;
    const before = readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, Number(line) - 1);
    const start = before.reduce((sum, one) => sum + one.length + 1, 0) + Number(column) - 1;
    return { in: 'file', path: relative('.', path), start, end: start + 1 };
  }
  return undefined;
}

/** What a plug-in threw that is no FinnError, as one that shows the line; anything else as it is. */
export function blamed(cause: unknown, files: readonly string[]): unknown {
  if (!(cause instanceof Error) || cause instanceof FinnError) return cause;
  const at = thrownAt(cause, files);
  if (!at) return cause;
  const message = cause.message.replace(/^defect in finn: /, '');
  return new FinnError(error('plugin/threw', `a plug-in broke: ${cause.name}: ${message}`, { at }));
}
