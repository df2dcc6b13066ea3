import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { type Diagnostic, error, type Location } from '../diagnostics/diagnostic.ts';
import { isPlain, overlay, readYaml, type Source } from './source.ts';

/** A path written in `file`, made relative to what `file` itself is relative to. */
export const beside = (file: string, path: string): string =>
  isAbsolute(path) ? path : normalize(join(dirname(file), path));

/** Why a file cannot be read, in words: 'no such file'. */
export function reason(thrown: unknown): string {
  const code = (thrown as { code?: string }).code;
  const words: Record<string, string> = {
    ENOENT: 'no such file',
    ENOTDIR: 'no such file',
    EISDIR: 'it is a folder',
    EACCES: 'not permitted',
    ENAMETOOLONG: 'the path is too long',
  };
  return words[code ?? ''] ?? String(code ?? thrown);
}

/** A YAML file by path; `from` is where a mistyped path was written. */
export function readSource(path: string, from?: Location): { source?: Source; diagnostics: readonly Diagnostic[] } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    return { diagnostics: [error('config/unreadable', `cannot read ${path}: ${reason(thrown)}`, { at: from })] };
  }
  return readYaml(path, text);
}

/** A recipe with its parents laid under it; `files` are all that were read, the recipe first. */
export function readWithParents(path: string): {
  source?: Source;
  files: readonly string[];
  diagnostics: readonly Diagnostic[];
} {
  const chain: Source[] = [];
  const files: string[] = [];
  const diagnostics: Diagnostic[] = [];
  let next: { path: string; from?: Location } | undefined = { path: normalize(path) };
  while (next) {
    if (files.includes(next.path)) {
      const circle = [...files.slice(files.indexOf(next.path)), next.path].join(' → ');
      diagnostics.push(error('config/extends-cycle', `the recipe extends itself: ${circle}`, { at: next.from }));
      break;
    }
    files.push(next.path);
    const read = readSource(next.path, next.from);
    diagnostics.push(...read.diagnostics);
    if (!read.source) break;
    const { value, places } = read.source;
    chain.push(files.length === 1 ? read.source : anonymous(read.source));
    const parent: unknown = isPlain(value) ? value['extends'] : undefined;
    next =
      typeof parent === 'string' ? { path: beside(next.path, parent), from: places.get('/extends')!.value } : undefined;
  }
  if (chain.length === 0) return { files, diagnostics };
  return { source: chain.reduceRight((parent, own) => overlay(parent, own)), files, diagnostics };
}

/** A parent's name, description and own parent are not its children's. */
function anonymous(source: Source): Source {
  if (!isPlain(source.value)) return source;
  const { name: _name, description: _description, extends: _extends, ...value } = source.value;
  return { value, places: source.places };
}
