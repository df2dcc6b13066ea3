import { hash } from 'node:crypto';

/** SHA-256 of bytes, or of the UTF-8 of a text, as 64 hexadecimal digits. */
export const sha256 = (content: Uint8Array | string): string => hash('sha256', content, 'hex');

/** SHA-256 of bytes that never change, found once for each array. */
export function contentHash(bytes: Uint8Array): string {
  const known = hashes.get(bytes);
  if (known !== undefined) return known;
  const hash = sha256(bytes);
  hashes.set(bytes, hash);
  return hash;
}
const hashes = new WeakMap<Uint8Array, string>();

/**
 * JSON with sorted keys and no white space: equal values give equal text. Members that are undefined are left out;
 * throws on what JSON cannot say (functions, bigints, NaN, infinities, typed arrays, Map, Set), since two different
 * values would otherwise share a text.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$');
}

/** SHA-256 of the canonical JSON of a value. */
export const hashJson = (value: unknown): string => sha256(canonicalJson(value));

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which JSON cannot say`);
      return JSON.stringify(value);
    case 'object': {
      if (value === null) return 'null';
      if (Array.isArray(value)) {
        return `[${value.map((v, i) => (v === undefined ? 'null' : write(v, `${path}[${i}]`))).join(',')}]`;
      }
      const proto = Object.getPrototypeOf(value);
      if (proto !== null && Object.getPrototypeOf(proto) !== null) {
        throw new TypeError(`${path} is a ${value.constructor?.name ?? 'class instance'}, which JSON cannot say`);
      }
      const record = value as Record<string, unknown>;
      const members = Object.keys(record)
        .filter((key) => record[key] !== undefined)
        .sort()
        .map((key) => `${JSON.stringify(key)}:${write(record[key], `${path}.${key}`)}`);
      return `{${members.join(',')}}`;
    }
    default:
      throw new TypeError(`${path} is a ${typeof value}, which JSON cannot say`);
  }
}
