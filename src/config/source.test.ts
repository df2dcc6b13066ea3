import fc from 'fast-check';
import { expect, test } from 'vitest';
import { child, dotted, keys } from './pointer.ts';
import { overlay, readYaml, type Source } from './source.ts';

const read = (text: string): Source => {
  const { source, diagnostics } = readYaml('f', text);
  expect(diagnostics).toEqual([]);
  return source!;
};
const textOf = (text: string, source: Source, pointer: string, part: 'key' | 'value' = 'value'): string => {
  const place = source.places.get(pointer)?.[part];
  return place?.in === 'file' ? text.slice(place.start, place.end) : 'nowhere';
};

test('pointers escape what they must', () => {
  expect(child('/a', 'b/c~d')).toBe('/a/b~1c~0d');
  expect(keys('/a/b~1c~0d')).toEqual(['a', 'b/c~d']);
  expect(dotted('/a/0')).toBe('a.0');
});

test('every key and value has its place', () => {
  const text = 'a: { b: [1, "two"] }\n? c\n: 0.50\nempty:\n';
  const source = read(text);
  expect(source.value).toEqual({ a: { b: [1, 'two'] }, c: 0.5, empty: null });
  expect(textOf(text, source, '/a', 'key')).toBe('a');
  expect(textOf(text, source, '/a/b/1')).toBe('"two"');
  expect(textOf(text, source, '/c')).toBe('0.50');
  expect(source.places.get('/c')!.raw).toBe('0.50');
  expect(textOf(text, source, '/empty')).toBe('empty');
});

test('aliases and merge keys unfold, and point at where they are used', () => {
  const text = 'base: &b { pe: 1, simd: 2 }\nx: { <<: *b, pe: 4 }\ny: *b\n';
  const source = read(text);
  expect(source.value).toMatchObject({ x: { pe: 4, simd: 2 }, y: { pe: 1, simd: 2 } });
  expect(textOf(text, source, '/x/pe')).toBe('4');
  expect(textOf(text, source, '/y')).toBe('*b');
});

test('what merges last loses, in whatever form the map is written', () => {
  const source = read('a: &a { k: { x: 1 } }\nb: &b { k: 2 }\nc: { <<: [*a, *b] }\nd: { <<: *a, k: 3 }\n');
  expect(source.value).toMatchObject({ c: { k: { x: 1 } }, d: { k: 3 } });
  expect(source.places.has('/d/k/x')).toBe(false);
});

test('values are what they look like: no tags, and no YAML 1.1, where `n` is false', () => {
  const wrong = (text: string): string =>
    readYaml('f', text)
      .diagnostics.map(({ message }) => message)
      .join();
  for (const tag of [
    '!foo',
    '!!js/function',
    '!!binary',
    '!!set',
    '!!omap',
    '!<tag:evil.example,2026:x>',
    '!!timestamp',
  ])
    expect(wrong(`a: ${tag} aGVsbG8=`), tag).toContain('a tag (`!…`) stands here');
  expect(wrong('%YAML 1.1\n---\nnetwork: n\n')).toBe('this is YAML 1.1; finn reads YAML 1.2');
  expect(read('%YAML 1.2\n---\nnetwork: n\n').value).toEqual({ network: 'n' });
  expect(read('a: [n, on, 1:30, 2001-01-01, 0o17]\nb: !!str 5\n').value).toEqual({
    a: ['n', 'on', '1:30', '2001-01-01', 15],
    b: '5',
  });
});

test('a key cannot reach the prototype', () => {
  const { value } = read('__proto__: { polluted: true }\n');
  expect(Object.keys(value as object)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each([
  ['a: 1\na: 2\n', 'this key stands here twice'],
  ['a:\n\tb: 1\n', 'a tab indents here: YAML wants spaces'],
  ['a: *nowhere\n', 'this alias has no anchor before it'],
  ['a: 1\n---\nb: 2\n', 'a second document begins here (`---`): one file, one document'],
  ['? { a: 1 }\n: 2\n', 'a key must be plain text'],
  ['a: { <<: 3 }\n', '`<<` takes a map or an alias of one (`<<: *name`)'],
])('%j: %s', (text, message) => {
  const { source, diagnostics } = readYaml('f', text);
  expect(source).toBeUndefined();
  expect(diagnostics.map((d) => d.message)).toContain(message);
  for (const { at, code } of diagnostics) {
    expect(code).toBe('config/syntax');
    expect(at).toMatchObject({ in: 'file', path: 'f' });
  }
});

test.each([
  ['aliases of aliases', `a: &a [${'x,'.repeat(99)}]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]\n`],
  [
    'merges of merges',
    `${Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} { <<: [${i ? `*a${i - 1},*a${i - 1}` : ''}], k${i}: 1 }`).join('\n')}\n`,
  ],
  ['an alias of itself', 'a: &a [*a]\n'],
  ['endless brackets', '['.repeat(100_000)],
  ['endless dashes', '- '.repeat(50_000)],
  ['endless levels', Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
])('%s are refused', (_what, text) => {
  expect(readYaml('f', text).diagnostics[0]!.code).toMatch(/^config\/(too-complex|syntax)$/);
});

test('a parent lies under its child: maps merge, lists and values replace', () => {
  const under = readYaml('parent', 'a: { x: 1, y: [1, 2] }\nb: 1\nlow: { z: 1 }\n').source!;
  const over = readYaml('child', 'a: { y: [3] }\nb: { c: 2 }\n').source!;
  const both = overlay(under, over);
  expect(both.value).toEqual({ a: { x: 1, y: [3] }, b: { c: 2 }, low: { z: 1 } });
  const files = Object.fromEntries([...both.places].map(([pointer, { file }]) => [pointer, file]));
  expect(files).toMatchObject({
    '/a/x': 'parent',
    '/a/y': 'child',
    '/a/y/0': 'child',
    '/b/c': 'child',
    '/low/z': 'parent',
  });
  expect(files['/a/y/1']).toBeUndefined();
});

test('no text makes it throw', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    ': ',
    '- ',
    '\n',
    '  ',
    '\t',
    '{',
    '}',
    '[',
    ']',
    '&x ',
    '*x ',
    '<<',
    '!',
    '|',
    '>',
    '"',
    "'",
    '#',
    '---\n',
    '0',
    '? ',
    ',',
    '%',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(piece, { maxLength: 60 }).map((all) => all.join('')),
      ),
      (text) => {
        const { source, diagnostics } = readYaml('f', text);
        expect(source === undefined).toBe(diagnostics.length > 0);
      },
    ),
    { numRuns: 2000 },
  );
});
