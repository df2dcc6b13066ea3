import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { type Diagnostic, error, type Location } from '../diagnostics/diagnostic.ts';
import { reason } from '../util/system-error.ts';
import { readYaml, type Source } from './source.ts';

/** The most bytes of a YAML file that are read. */
const LARGEST = 4_000_000;

/** A path written in `file`, made relative to what `file` itself is relative to. */
export const beside = (file: string, path: string): string =>
  isAbsolute(path) ? path : normalize(join(dirname(file), path));

/** A YAML file by path, and its text, if it can be read; `from` is where a mistyped path was written. */
export function readSource(
  path: string,
  from?: Location,
): { source?: Source; text?: string; diagnostics: readonly Diagnostic[] } {
  let text: string;
  try {
    const stat = statSync(path);
    // A pipe would be waited for, a device read without end.
    if (!stat.isFile() && !stat.isDirectory()) {
      const hint = 'give a file';
      return { diagnostics: [error('config/unreadable', `cannot read ${path}: it is no file`, { at: from, hint })] };
    }
    if (stat.size > LARGEST)
      return {
        diagnostics: [
          error('config/too-complex', `${path} has ${stat.size} bytes`, { at: from, hint: `at most ${LARGEST}` }),
        ],
      };
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    return { diagnostics: [error('config/unreadable', `cannot read ${path}: ${reason(thrown)}`, { at: from })] };
  }
  return { ...readYaml(path, text), text };
}
