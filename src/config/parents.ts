import { normalize } from 'node:path';
import { type Diagnostic, error, type Location } from '../diagnostics/diagnostic.ts';
import { Confines } from './confines.ts';
import { beside, readSource } from './read.ts';
import { isPlain, overlay, type Source } from './source.ts';

/** A recipe with its parents laid under it; `files` are all that were read, the recipe first, `texts` what stood in them. */
export function readWithParents(path: string): {
  source?: Source;
  files: readonly string[];
  texts: ReadonlyMap<string, string>;
  diagnostics: readonly Diagnostic[];
} {
  const chain: Source[] = [];
  const files: string[] = [];
  const texts = new Map<string, string>();
  const confines = new Confines(path);
  const diagnostics: Diagnostic[] = [];
  let next: { path: string; from?: Location } | undefined = { path: normalize(path) };
  while (next) {
    if (files.includes(next.path)) {
      const circle = [...files.slice(files.indexOf(next.path)), next.path].join(' → ');
      diagnostics.push(error('config/extends-cycle', `the recipe extends itself: ${circle}`, { at: next.from }));
      break;
    }
    files.push(next.path);
    const refusal = next.from && confines.refusal(next.path);
    if (refusal) {
      const { message, hint } = refusal;
      diagnostics.push(error('recipe/outside', `\`extends\`: ${message}`, { at: next.from, hint }));
      break;
    }
    const read = readSource(next.path, next.from);
    diagnostics.push(...read.diagnostics);
    if (read.text !== undefined) texts.set(next.path, read.text);
    if (!read.source) break;
    const { value, places } = read.source;
    chain.push(files.length === 1 ? read.source : anonymous(read.source));
    const parent: unknown = isPlain(value) ? value['extends'] : undefined;
    next =
      typeof parent === 'string' ? { path: beside(next.path, parent), from: places.get('/extends')!.value } : undefined;
  }
  if (chain.length === 0) return { files, texts, diagnostics };
  return { source: chain.reduceRight((parent, own) => overlay(parent, own)), files, texts, diagnostics };
}

/** A parent's name, description and own parent are not its children's. */
function anonymous(source: Source): Source {
  if (!isPlain(source.value)) return source;
  const { name: _name, description: _description, extends: _extends, ...value } = source.value;
  return { value, places: source.places };
}
