import { readFileSync } from 'node:fs';
import { type Diagnostic, error, type Location } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import { child, dotted, keys } from './pointer.ts';
import { isPlain, type Plain, type Source } from './source.ts';
import * as validators from './validators.gen.ts';

/** The kinds of file that finn reads, each with a schema. */
export type FileKind = 'recipe' | 'board' | 'config';

/** What ajv says of one mistake. */
interface Mistake {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Plain;
  readonly propertyName?: string;
}
type Validator = ((value: unknown) => boolean) & { readonly errors?: readonly Mistake[] | null };

const validatorOf = (kind: FileKind): Validator =>
  ({
    recipe: validators.recipeErrors as unknown as Validator,
    board: validators.boardErrors as unknown as Validator,
    config: validators.configErrors as unknown as Validator,
  })[kind];

/** Everything of `source` that its schema refuses, and the value without those parts. */
export interface Validated {
  readonly diagnostics: readonly Diagnostic[];
  /** As read, without what is refused: keys that the schema requires may be missing from it. */
  readonly value: unknown;
}

/** What is wrong in a file is said so many times. */
const maxMistakes = 200;

/** Checks a file against its schema (schema/<kind>.schema.json); all mistakes at once. */
export function validate(kind: FileKind, source: Source): Validated {
  const check = validatorOf(kind);
  if (check(source.value)) return { diagnostics: [], value: source.value };
  const mistakes = worthSaying(check.errors ?? [], source.value);
  const schema = JSON.parse(
    readFileSync(new URL(`../../schema/${kind}.schema.json`, import.meta.url), 'utf8'),
  ) as Plain;
  const value = structuredClone(source.value);
  for (const mistake of mistakes) prune(value, mistake);
  const diagnostics = mistakes.slice(0, maxMistakes).map((mistake) => describe(mistake, source, schema));
  return { diagnostics, value: isPlain(value) ? value : {} };
}

/** Of alternatives (`anyOf`) only the whole is worth a word, unless the mistake lies inside a list that is one of them. */
function worthSaying(all: readonly Mistake[], value: unknown): readonly Mistake[] {
  const named = all.filter((mistake) => mistake.propertyName === undefined);
  const alternatives = new Set(
    named.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath),
  );
  const inner = (path: string): boolean =>
    Array.isArray(valueAt(value, path)) && named.some((other) => other.instancePath.startsWith(`${path}/`));
  const seen = new Set<string>();
  return named.filter(({ instancePath: path, keyword, params }) => {
    if (alternatives.has(path) && (keyword !== 'anyOf' || inner(path))) return false;
    const identity = JSON.stringify([path, keyword === 'anyOf' ? '' : keyword, params]);
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const key of keys(pointer))
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Plain)[key] : undefined;
  return value;
}

/** Takes the refused value out, so that what is left can be looked at further. */
function prune(root: unknown, { instancePath, keyword, params }: Mistake): void {
  if (keyword === 'required') return;
  const extra = params['additionalProperty'] ?? params['propertyName'];
  const path = keys(typeof extra === 'string' ? child(instancePath, extra) : instancePath);
  const last = path.pop();
  const parent = valueAt(root, path.reduce(child, ''));
  if (last === undefined || typeof parent !== 'object' || parent === null) return;
  if (Array.isArray(parent)) parent[Number(last)] = undefined;
  else delete (parent as Plain)[last];
}

/** A value as messages quote it. */
export function quote(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const typeNames: Record<string, string> = {
  object: 'a map (`key: value`)',
  array: 'a list (`[a, b]`)',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

/** The part of a schema that a value at `pointer` must fit, with what it refers to laid under it. */
function nodeAt(schema: Plain, pointer: string): Plain {
  const follow = (node: unknown): Plain => {
    if (!isPlain(node)) return {};
    const name = typeof node['$ref'] === 'string' ? node['$ref'].replace('#/definitions/', '') : undefined;
    return name === undefined ? node : { ...follow((schema['definitions'] as Plain)[name]), ...node };
  };
  let node = schema;
  for (const key of keys(pointer)) {
    const list = [node, ...(Array.isArray(node['anyOf']) ? node['anyOf'].map(follow) : [])].find((one) => one['items']);
    const { properties, additionalProperties } = node;
    if (isPlain(properties) && Object.hasOwn(properties, key)) node = follow(properties[key]);
    else node = follow(isPlain(additionalProperties) ? additionalProperties : list?.['items']);
  }
  return node;
}

/** 'it must be a percentage such as 70%', from the schema's title or type. */
function wanted(node: Plain): string {
  if (typeof node['title'] === 'string' && /^[a-z]/.test(node['title'])) return node['title'];
  const values = node['enum'];
  if (Array.isArray(values)) return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
  return typeNames[String(node['type'])] ?? 'something else';
}

function describe(mistake: Mistake, source: Source, schema: Plain): Diagnostic {
  const { instancePath, keyword, params } = mistake;
  const node = nodeAt(schema, instancePath);
  const value = valueAt(source.value, instancePath);
  const whole = instancePath === '' ? 'the file' : `\`${dotted(instancePath)}\``;
  const at = (pointer: string, part: 'key' | 'value'): Location | undefined => locate(source, pointer, part);
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const legal = Object.keys(isPlain(node['properties']) ? node['properties'] : {});
      const where = instancePath === '' ? '' : ` in \`${dotted(instancePath)}\``;
      return error('config/unknown-key', `unknown key \`${key}\`${where}`, {
        at: at(child(instancePath, key), 'key'),
        hint: legal.length === 0 ? 'nothing can be set here' : didYouMean(key, legal, 'legal keys'),
      });
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const property = isPlain(node['properties']) ? node['properties'][key] : undefined;
      const hint =
        isPlain(property) && typeof property['description'] === 'string' ? property['description'] : undefined;
      return error('config/missing-key', `${whole} lacks the key \`${key}\``, {
        at: at(instancePath, 'key'),
        hint: hint === undefined ? undefined : `\`${key}\`: ${hint}`,
      });
    }
    case 'propertyNames': {
      const key = String(params['propertyName']);
      return error('config/wrong-value', `${quote(key)} cannot be a name`, {
        at: at(child(instancePath, key), 'key'),
        hint: String((schema['definitions'] as { name?: Plain }).name?.['description']),
      });
    }
    case 'enum': {
      const legal = (node['enum'] as unknown[]).map(String);
      return error('config/wrong-value', `${whole} is ${quote(value)}`, {
        at: at(instancePath, 'value'),
        hint: typeof value === 'string' ? didYouMean(value, legal) : `legal: ${legal.join(', ')}`,
      });
    }
    case 'type':
    case 'anyOf':
      return error('config/wrong-type', `${whole} is ${quote(value)}; it must be ${wanted(node)}`, {
        at: at(instancePath, 'value'),
      });
    case 'minProperties':
    case 'minItems':
      return error('config/wrong-value', `${whole} is ${quote(value)}; it must not be`, {
        at: at(instancePath, 'value'),
      });
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum': {
      const titled = typeof node['title'] === 'string';
      const limit = titled ? wanted(node) : `${params['comparison']} ${params['limit']}`;
      return error('config/wrong-value', `${whole} is ${quote(value)}; it must be ${limit}`, {
        at: at(instancePath, 'value'),
      });
    }
    default:
      return error('config/wrong-value', `${whole} is ${quote(value)}; it must be ${wanted(node)}`, {
        at: at(instancePath, 'value'),
      });
  }
}

/** The place of a pointer, or of the nearest thing around it that stands in the file. */
export function locate(source: Source, pointer: string, part: 'key' | 'value' = 'value'): Location | undefined {
  for (let path = pointer; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const place = source.places.get(path);
    if (place) {
      if (path === '' && place.value.in === 'file') return { ...place.value, end: place.value.start };
      return (path === pointer && part === 'value' ? undefined : place.key) ?? place.value;
    }
    if (path === '') return undefined;
  }
}
