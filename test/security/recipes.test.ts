import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { loadRecipe } from '../../src/config/recipe.ts';
import { readYaml } from '../../src/config/source.ts';
import { logDiagnostics } from '../../src/engine/log.ts';
import { clangTool } from '../../src/tools/clang.ts';
import { iverilogTool, vvpTool } from '../../src/tools/iverilog.ts';
import { nextpnrLog } from '../../src/tools/nextpnr.ts';
import { verilatorTool } from '../../src/tools/verilator.ts';
import { yosysTools } from '../../src/tools/yosys.ts';
import { formatRational, parseRational } from '../../src/util/rational.ts';

const folder = mkdtempSync(join(tmpdir(), 'finn-recipes-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'm.onnx'), 'a model');

/** What is said of a recipe that is right but for these sections. */
function said(sections: Readonly<Record<string, string>>): string[] {
  const all = {
    finn: '1',
    networks: '{ n: { model: { file: m.onnx } } }',
    targets: '{ t: { board: icebreaker } }',
    folding: '{ f: { maximize: fps } }',
    builds: '{ b: { network: n, target: t, folding: f } }',
    ...sections,
  };
  const text = Object.entries(all)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
  writeFileSync(join(folder, 'r.yaml'), text);
  return loadRecipe(join(folder, 'r.yaml')).diagnostics.map(({ code, message }) => `${code}: ${message}`);
}

describe('numbers', () => {
  test('that no number can hold are refused where they stand', () => {
    expect(said({})).toEqual([]);
    for (const number of [
      '.inf',
      '-.inf',
      '.nan',
      '1e999',
      '1e999999999',
      '1/3e9999999',
      '1/0',
      '0x1p9',
      '9'.repeat(500),
    ])
      for (const sections of [
        { targets: `{ t: { board: icebreaker, clock_mhz: ${number} } }` },
        { networks: `{ n: { model: { file: m.onnx }, input: { datatype: uint8, scale: ${number} } } }` },
        { networks: `{ n: { model: { file: m.onnx }, input: { datatype: uint8, mean: [1, ${number}] } } }` },
        { expect: `{ fps: '>= ${number}' }` },
      ])
        expect(said(sections)[0], `${number} ${JSON.stringify(sections)}`).toMatch(
          /^(config\/wrong-(type|value)|recipe\/(number|clock)|board\/)/,
        );
    for (const number of ['.inf', '.nan', '1e400', '1.5', '-1', '1e300'])
      for (const sections of [
        { steps: `{ bitfile: { seed: ${number} } }` },
        { steps: `{ stitch: { fifos: { depths: { MVAU_0: ${number} } } } }` },
      ])
        expect(said(sections)[0]).toMatch(/^config\/wrong-(type|value)/);
  });

  test('that are read can be written and read again', () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 395n }).map(String);
    const part = fc.oneof(
      digits,
      fc.tuple(digits, fc.integer({ min: -999, max: 999 })).map(([a, e]) => `${a}e${e}`),
    );
    fc.assert(
      fc.property(part, part, (a, b) => {
        const value = parseRational(`${a}/${b}`);
        if (value) expect(parseRational(formatRational(value))).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });
});

describe('names of what every object has', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
  test('declare nothing and name nothing', () => {
    for (const name of names) {
      expect(said({ builds: `{ b: { network: ${name}, target: t, folding: f } }` })[0]).toContain(
        `there is no network \`${name}\``,
      );
      expect(said({ targets: `{ t: { board: ${name} } }` })[0]).toContain(`there is no board \`${name}\``);
      for (const key of ['networks', 'targets', 'folding', 'expect', 'tools', 'verify', 'steps'])
        expect(said({ [key]: `{ ${name}: { polluted: true } }` }).join('\n')).toMatch(/unknown key|cannot be a name/);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('are names like others where they may be', () => {
    expect(said({ builds: '{ constructor: { network: n, target: t, folding: f } }' })).toEqual([]);
    expect(
      said({
        networks: '{ toString: { model: { file: m.onnx } } }',
        builds: '{ b: { network: toString, target: t, folding: f } }',
      }),
    ).toEqual([]);
    expect(said({ folding: '{ f: { layers: { __proto__: { pe: 1 } } } }' })).toEqual([]);
  });
});

describe('much in little', () => {
  test('a matrix of billions of builds', () => {
    const list = (name: string): string => `[${Array(1500).fill(name).join(',')}]`;
    expect(said({ matrix: `[{ network: ${list('n')}, target: ${list('t')}, folding: ${list('f')} }]` })[0]).toBe(
      'config/too-complex: `matrix.0` is 3375000000 builds; a recipe has at most 5000',
    );
  });

  test('mistakes without number are told as far as anybody reads', () => {
    const keys = Array.from({ length: 9000 }, (_, i) => `k${i}: 1`).join(', ');
    for (const sections of [
      { steps: `{ ${keys} }` },
      { networks: `{ ${keys} }` },
      { verify: `{ at: [${Array(9000).fill('x').join(',')}] }` },
      { folding: `{ f: { layers: { ${keys} } } }` },
      { matrix: `[{ network: [${Array(9000).fill('x').join(',')}], target: t, folding: f }]` },
    ]) {
      const lines = said(sections);
      expect(lines.length).toBeGreaterThan(50);
      expect(lines.length).toBeLessThan(1000);
    }
  });

  test.each([
    ['quotes', '"'.repeat(190_000)],
    ['commas', `[${','.repeat(50_000)}]`],
    ['anchors', '&a '.repeat(60_000)],
    ['the same key', 'a: 1\n'.repeat(38_000)],
    ['blanks', ' '.repeat(190_000)],
    ['a text without end', 'x'.repeat(200_001)],
    ['keys that replace merged ones', `a: &a {${many(4500, 1)}}\nb: {<<: *a, ${many(4500, 2)}}`],
  ])('%s', (_, text) => {
    const { diagnostics } = readYaml('f', text);
    expect(diagnostics.length).toBeLessThanOrEqual(50);
  });
});

function many(count: number, value: number): string {
  return Array.from({ length: count }, (_, i) => `k${i}: ${value}`).join(',');
}

test('lines of tools that patterns must not choke on', () => {
  const tools = [clangTool, iverilogTool, vvpTool, verilatorTool, yosysTools.npm, { ...clangTool, log: nextpnrLog }];
  for (const tool of tools)
    for (const piece of [':1: ', 'error: ', ':', ' ', 'Warning: ', '1', ':1', '%Error-'])
      expect(logDiagnostics(tool, `${piece.repeat(60_000)}\n`, 'x.log').length).toBeLessThanOrEqual(1);
});

test('addresses', () => {
  for (const url of [
    'file:///etc/passwd',
    'ftp://h/m',
    'data:text/plain,x',
    'javascript:1',
    '//h/m',
    'http:/',
    'https://a b/m',
  ])
    expect(said({ networks: `{ n: { model: { url: ${JSON.stringify(url)} } } }` }).join()).toContain(
      'it must be an address (https://…)',
    );
  for (const url of ['https://user@h/m', 'http://user:secret@h/m', 'HTTPS://u:p@h/'])
    expect(said({ networks: `{ n: { model: { url: "${url}" } } }` }).join()).toMatch(
      /has a user name in it|must be an address/,
    );
});

test('programs of the recipe’s own', () => {
  for (const program of ['./train.sh', '../x', 'bin/x', '-x', '""'])
    expect(said({ networks: `{ n: { model: { run: [${program}], output: m.onnx } } }` })[0]).toContain(
      'which is no program of this machine',
    );
  expect(said({ networks: '{ n: { model: { run: [cat, "a\\0b"], output: m.onnx } } }' })[0]).toContain(
    'has a word with a NUL',
  );
});
