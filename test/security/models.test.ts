import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Diagnostic, FinnError } from '../../src/diagnostics/diagnostic.ts';
import { render } from '../../src/diagnostics/render.ts';
import { harmless, visible } from '../../src/diagnostics/visible.ts';
import { readNpy } from '../../src/ir/npy.ts';
import { readModel } from '../../src/onnx/import.ts';
import { decodeModel } from '../../src/onnx/proto.ts';
import { scanModel } from '../../src/onnx/scan.ts';
import { floats, int64s, model, op, smallMlp } from '../helpers/onnx-builder.ts';

/** src/onnx/hostile.test.ts has the models that are wrong; here are those that are small and would make much. */
function refused(work: () => unknown): Diagnostic {
  try {
    work();
  } catch (thrown) {
    if (!(thrown instanceof FinnError)) throw thrown;
    return thrown.diagnostics[0]!;
  }
  throw new Error('it was read');
}

test('a few nodes cannot fill the memory with constants', () => {
  const many = Array.from({ length: 1000 }, (_, i) => op(`e${i}`, 'Expand', ['c', 'shape'], [`v${i}`]));
  const sum = many.map((_, i) =>
    op(`a${i}`, 'Add', [i === 0 ? 'x' : `s${i - 1}`, `v${i}`], [i === 999 ? 'y' : `s${i}`]),
  );
  const bytes = model({
    nodes: [...many, ...sum],
    initializers: [floats('c', [1], [1]), int64s('shape', [2], [2 ** 21, 4])],
  });
  expect(bytes.length).toBeLessThan(100_000);
  expect(refused(() => readModel(bytes))).toMatchObject({
    code: 'onnx/too-large',
    message: expect.stringContaining('make larger constants than a file of this size means'),
  });
});

test('what a tensor needs is asked for once it is known to be there', () => {
  for (const dims of [[2 ** 29], [2 ** 15, 2 ** 15], [2 ** 62, 2 ** 62, 0], [-1, -1]])
    for (const data_type of [1, 7, 11, 22])
      expect(
        refused(() =>
          readModel(
            model({
              nodes: [op('a', 'Add', ['x', 'c'], ['y'])],
              initializers: [{ name: 'c', data_type, dims, raw_data: new Uint8Array(64) }],
            }),
          ),
        ).code,
      ).toMatch(/^onnx\/(too-large|tensor-data)$/);
});

test('a file of nothing but empty nodes is refused before it is decoded', () => {
  const graph = new Uint8Array(2_000_002).map((_, i) => (i % 2 === 0 ? 0x0a : 0));
  const head = Uint8Array.of(0x3a, 0x82, 0x89, 0x7a);
  const bytes = new Uint8Array(Buffer.concat([head, graph]));
  expect(scanModel(bytes)).toEqual({ isModel: true, fields: 1_000_001 });
  expect(refused(() => decodeModel(bytes))).toMatchObject({
    code: 'onnx/too-large',
    message: expect.stringContaining('1000001 nodes'),
  });
});

test('a look at a file tells a model from anything else', () => {
  const right = model(smallMlp());
  expect(scanModel(right)).toMatchObject({ isModel: true });
  for (let length = 0; length < right.length; length += 1) {
    // What is cut off behind the graph, at the end of a field, is a model still.
    const { isModel } = scanModel(right.subarray(0, length));
    if (isModel) expect(() => decodeModel(right.subarray(0, length))).not.toThrow();
  }
  for (const file of [
    '/etc/passwd',
    '/etc/hosts',
    '/proc/self/environ',
    '/proc/self/maps',
    process.execPath,
    fileURLToPath(import.meta.url),
  ])
    expect(scanModel(new Uint8Array(readFileSync(file))).isModel, file).toBe(false);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(scanModel(bytes).fields).toBeLessThanOrEqual(300);
      expect(
        scanModel(bytes).isModel && !/[^\0-\x7f]/.test(Buffer.from(bytes).toString('latin1')) && bytes.length > 50,
      ).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test('names of megabytes are not told in full, and act on nothing', () => {
  const name = `${'\u001b[31mx'.repeat(300_000)}\r\u202e`;
  const diagnostic = refused(() => readModel(model({ nodes: [op(name, 'Wavelet', ['x'], ['y'])] })));
  const text = render(diagnostic, { color: false });
  expect(text.length).toBeLessThan(10_000);
  expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  expect(visible('a\tb\u0000\u0085\u2066c\nd')).toBe('a b\ufffd\ufffd\ufffdc\nd');
  expect(harmless('\u001b[1;31merror\u001b[0m \u001b[8mhidden\u001b]0;t\u0007')).toBe(
    '\u001b[1;31merror\u001b[0m \ufffd[8mhidden\ufffd]0;t\ufffd',
  );
  expect(JSON.parse(harmless(JSON.stringify({ a: '\u009b\u202e\t\u001b' })))).toEqual({ a: '\u009b\u202e\t\u001b' });
});

const npy = (header: string, data = new Uint8Array(), length = header.length): Uint8Array => {
  const head = Uint8Array.of(
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    2,
    0,
    length & 255,
    (length >> 8) & 255,
    (length >> 16) & 255,
    length >>> 24,
  );
  return new Uint8Array(Buffer.concat([head, Buffer.from(header, 'latin1'), data]));
};

test.each([
  ['objects of Python', "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "its elements are '|O'"],
  ['records', "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 'lacks descr'],
  ['a huge shape', "{'descr': '<f4', 'fortran_order': False, 'shape': (999999999, 999999999, 999999999), }", 'needs '],
  [
    'a shape beyond numbers',
    `{'descr': '<f4', 'fortran_order': False, 'shape': (${'9'.repeat(400)},), }`,
    'needs Infinity bytes',
  ],
  [
    'a negative shape',
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
    'lacks descr, fortran_order or shape',
  ],
  ['no numbers', "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2,), }", 'needs NaN bytes'],
  ['code', "__import__('os').system('touch pwned')", 'lacks descr'],
  [
    'a property of objects',
    "{'descr': 'constructor', 'fortran_order': False, 'shape': (1,), }",
    "its elements are 'constructor'",
  ],
  ['endless quotes', `${"'descr':".repeat(1200)}`, 'lacks descr'],
  ['an endless header', ' '.repeat(20_000), 'its header has 20000 bytes'],
])('vectors: %s', (_, header, words) => {
  const diagnostic = refused(() => readNpy(npy(header, new Uint8Array(8))));
  expect(diagnostic.code).toBe('npy/malformed');
  expect(diagnostic.message).toContain(words);
});

test('a header that claims more than there is', () => {
  expect(refused(() => readNpy(npy('x', new Uint8Array(), 2 ** 31))).message).toContain('its header is cut off');
});

test('a pipe in the place of a recipe is not waited for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finn-pipe-'));
  try {
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
    writeFileSync(join(folder, 'r.yaml'), 'extends: pipe.yaml\n');
    // In a process of its own: one that waits would never end.
    const code = `import { loadRecipe } from ${JSON.stringify(fileURLToPath(new URL('../../src/config/recipe.ts', import.meta.url)))};
for (const name of ['pipe.yaml', 'r.yaml']) console.log(loadRecipe(${JSON.stringify(`${folder}/`)} + name).diagnostics[0].message);`;
    const out = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(out.match(/it is no file/g)).toHaveLength(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
