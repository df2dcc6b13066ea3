import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { type Diagnostic, error, type Location } from '../diagnostics/diagnostic.ts';
import { child } from './pointer.ts';

/** Where a value stands, and the key that names it. */
export interface Place {
  readonly key?: Location;
  readonly value: Location;
  /** The file as its reader named it; what paths in it are relative to. */
  readonly file: string;
  /** A number as it is written, digits and all. */
  readonly raw?: string;
}

/** A YAML file as plain data, with the place of everything in it by JSON pointer. */
export interface Source {
  readonly value: unknown;
  readonly places: ReadonlyMap<string, Place>;
}

export type Plain = Record<string, unknown>;
export const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** No recipe comes near these; a YAML bomb (aliases of aliases) goes far beyond. */
const maxValues = 20_000;
const maxDepth = 40;
const maxText = 200_000;
/** What is wrong in a file is said so many times. */
const maxMistakes = 50;

class TooComplex extends Error {}

/** Assigns without ever meeting Object.prototype's setters. */
function put(target: Plain, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

class Reader {
  readonly places = new Map<string, Place>();
  readonly diagnostics: Diagnostic[] = [];
  #left = maxValues;
  readonly #file: string;
  readonly #anchors: ReadonlyMap<Node, Node>;

  constructor(file: string, anchors: ReadonlyMap<Node, Node>) {
    this.#file = file;
    this.#anchors = anchors;
  }

  at(node: { range?: readonly number[] | null | undefined } | null | undefined): Location {
    const [start = 0, end = start] = node?.range ?? [];
    return { in: 'file', path: this.#file, start, end };
  }

  value(node: Node | null | undefined, pointer: string, key: Node | undefined, depth: number): unknown {
    this.#left -= 1;
    if (this.#left < 0 || depth > maxDepth) throw new TooComplex();
    const raw = isScalar(node) && typeof node.value === 'number' ? { raw: node.source ?? String(node.value) } : {};
    const own = key ? { key: this.at(key) } : {};
    // An empty value has no text of its own: point at its key.
    const [from = 0, to = 0] = node?.range ?? [];
    this.places.set(pointer, { ...own, value: this.at(from < to ? node : (key ?? node)), file: this.#file, ...raw });
    if (isAlias(node)) {
      const target = this.#anchors.get(node);
      if (!target) {
        this.diagnostics.push(error('config/syntax', 'this alias has no anchor before it', { at: this.at(node) }));
        return null;
      }
      const value = this.value(target, pointer, key, depth + 1);
      this.places.set(pointer, { ...this.places.get(pointer)!, value: this.at(node) });
      return value;
    }
    if (isMap(node)) {
      const map: Plain = {};
      this.#merged(node.items as Pair<Node, Node | null>[], map, pointer, depth);
      return map;
    }
    if (isSeq(node))
      return node.items.map((item, i) => this.value(item as Node, child(pointer, i), undefined, depth + 1));
    return isScalar(node) ? node.value : null;
  }

  #merged(items: readonly Pair<Node, Node | null>[], map: Plain, pointer: string, depth: number): void {
    // Merged keys first, so that the map's own replace them.
    for (const { key, value } of items) if (isMerge(key)) this.#merge(value, map, pointer, depth);
    const own = new Set<string>();
    for (const { key, value } of items) {
      if (isMerge(key)) continue;
      if (!isScalar(key) || key.value === null) {
        this.diagnostics.push(error('config/syntax', 'a key must be plain text', { at: this.at(key) }));
        continue;
      }
      const name = String(key.value);
      const inner = child(pointer, name);
      if (own.has(name)) {
        this.diagnostics.push(error('config/syntax', 'this key stands here twice', { at: this.at(key) }));
        continue;
      }
      own.add(name);
      // What a merged map had below this key is no longer there.
      if (Object.hasOwn(map, name) && typeof map[name] === 'object')
        for (const old of this.places.keys()) if (old.startsWith(`${inner}/`)) this.places.delete(old);
      put(map, name, this.value(value, inner, key, depth + 1));
    }
  }

  #merge(from: Node | null, map: Plain, pointer: string, depth: number): void {
    if (depth > maxDepth) throw new TooComplex();
    this.#left -= 1;
    if (this.#left < 0) throw new TooComplex();
    const target = isAlias(from) ? this.#anchors.get(from) : from;
    if (isSeq(target))
      for (const item of [...target.items].reverse()) this.#merge(item as Node, map, pointer, depth + 1);
    else if (isMap(target)) this.#merged(target.items as Pair<Node, Node | null>[], map, pointer, depth + 1);
    else
      this.diagnostics.push(
        error('config/syntax', '`<<` takes a map or an alias of one (`<<: *name`)', { at: this.at(from) }),
      );
  }
}

const isMerge = (key: unknown): boolean => isScalar(key) && key.value === '<<' && key.type === 'PLAIN';

/** What each alias stands for: the last node before it that has its name. One pass, where yaml's own search takes one for each alias. */
function anchorsOf(document: Document): ReadonlyMap<Node, Node> {
  const named = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  visit(document, (_key, node) => {
    if (isAlias(node)) {
      const target = named.get(node.source);
      if (target) targets.set(node, target);
    } else if (isNode(node) && 'anchor' in node && typeof node.anchor === 'string') named.set(node.anchor, node);
  });
  return targets;
}

/**
 * Text of a YAML file as data with places. Syntax errors, duplicate keys and files that unfold beyond 20,000 values or
 * 40 levels are diagnostics; then there is no source.
 */
export function readYaml(file: string, text: string): { source?: Source; diagnostics: readonly Diagnostic[] } {
  const at = (start: number, end: number): Location => ({ in: 'file', path: file, start, end });
  const tooComplex = error(
    'config/too-complex',
    `too large: aliases unfolded, at most ${maxText} characters, ${maxValues} values and ${maxDepth} levels`,
    {
      at: at(0, 0),
      hint: 'write it without aliases of aliases',
    },
  );
  // Deep nesting would exhaust the stack of the parser before any budget of ours is asked.
  if (text.length > maxText || deepest(text) > 500) return { diagnostics: [tooComplex] };
  // Values are what they look like: no tags of YAML's further types, and not version 1.1, whose `n` is false.
  const document = parseDocument(text, {
    prettyErrors: false,
    strict: true,
    uniqueKeys: false,
    schema: 'core',
    resolveKnownTags: false,
  });
  const { explicit, version } = document.directives?.yaml ?? {};
  if (explicit && version !== '1.2') {
    const hint = 'take out the line `%YAML`';
    return {
      diagnostics: [error('config/syntax', `this is YAML ${version}; finn reads YAML 1.2`, { at: at(0, 5), hint })],
    };
  }
  const diagnostics: Diagnostic[] = [...document.errors, ...document.warnings]
    .slice(0, maxMistakes)
    .map(({ code, message, pos: [start, end] }) =>
      error('config/syntax', words(code, message), {
        at: at(start, Math.max(end, start)),
        // `fps: >= 1000` is the mistake that recipes invite.
        hint: /[<>]=? ?$/.test(text.slice(Math.max(0, start - 3), start + 2)) ? "in quotes: '>= 1000'" : undefined,
      }),
    );
  if (diagnostics.length > 0) return { diagnostics };
  const reader = new Reader(file, anchorsOf(document));
  try {
    const value = reader.value(document.contents as Node | null, '', undefined, 0);
    if (reader.diagnostics.length > 0) return { diagnostics: reader.diagnostics.slice(0, maxMistakes) };
    return { source: { value, places: reader.places }, diagnostics: [] };
  } catch (thrown) {
    if (thrown instanceof TooComplex) return { diagnostics: [tooComplex] };
    throw thrown;
  }
}

/** An upper bound of how deep collections nest: brackets and indentation. */
function deepest(text: string): number {
  let open = 0;
  let most = 0;
  for (const letter of text) {
    if (letter === '[' || letter === '{') most = Math.max(most, ++open);
    else if (letter === ']' || letter === '}') open = Math.max(0, open - 1);
  }
  for (const line of text.split('\n')) most = Math.max(most, /^[ \-?:]*/.exec(line)![0].replaceAll(' ', '').length);
  return most;
}

/** The parser's message in our words where its own would not help. */
function words(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab indents here: YAML wants spaces';
  if (code === 'TAG_RESOLVE_FAILED') return 'a tag (`!…`) stands here: finn reads plain values only';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here (`---`): one file, one document';
  return message.split('\n')[0]!.replace(/ at line \d+.*$/, '');
}

/** `over` upon `under`: maps merge, anything else of `over` replaces. */
export function overlay(under: Source, over: Source): Source {
  const places = new Map<string, Place>();
  const copy = (from: Source, value: unknown, pointer: string): void => {
    places.set(pointer, from.places.get(pointer)!);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) copy(from, inner, child(pointer, key));
  };
  const merge = (low: unknown, high: unknown, pointer: string): unknown => {
    if (!isPlain(low) || !isPlain(high)) {
      copy(over, high, pointer);
      return high;
    }
    places.set(pointer, over.places.get(pointer)!);
    const map: Plain = {};
    for (const key of new Set([...Object.keys(low), ...Object.keys(high)])) {
      const inner = child(pointer, key);
      if (!Object.hasOwn(high, key)) {
        copy(under, low[key], inner);
        put(map, key, low[key]);
      } else if (!Object.hasOwn(low, key)) {
        copy(over, high[key], inner);
        put(map, key, high[key]);
      } else put(map, key, merge(low[key], high[key], inner));
    }
    return map;
  };
  return { value: merge(under.value, over.value, ''), places };
}
