import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { passes } from '../../src/config/expect.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { render } from '../../src/diagnostics/render.ts';
import { formatRational, rational } from '../../src/util/rational.ts';

const here = relative(process.cwd(), fileURLToPath(new URL('.', import.meta.url))).replaceAll('\\', '/');
const folder = mkdtempSync(join(tmpdir(), 'finn-recipe-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Everything that finn says of a recipe, as a user reads it, with paths from this folder. */
function said(path: string): string {
  const { diagnostics } = loadRecipe(path);
  const text = diagnostics.map((diagnostic) => render(diagnostic, { color: false })).join('\n');
  return `${text.replaceAll(`${here}/`, '').replaceAll(`${folder}/`, '')}\n`;
}
function saidOf(text: string): string {
  writeFileSync(join(folder, 'r.yaml'), text);
  return said(join(folder, 'r.yaml'));
}

describe('a good recipe', () => {
  const { recipe, diagnostics } = loadRecipe(`${here}/good/bnn.yaml`);
  test('has nothing said of it', () => expect(diagnostics).toEqual([]));

  test('is resolved: builds, then the matrix, in order', () => {
    expect(recipe!.name).toBe('bnn-pynq');
    expect([...recipe!.builds.keys()]).toEqual([
      'tiny',
      'tfc-w1a1-hx8k-fast',
      'tfc-w1a1-hx8k-finn',
      'zoo-hx8k-fast',
      'zoo-hx8k-finn',
    ]);
    const tiny = recipe!.builds.get('tiny')!;
    expect(tiny.network).toBe(recipe!.networks.get('tfc-w1a1'));
    expect(tiny.target.board.part).toBe('up5k-sg48');
    expect(tiny.folding.choose).toEqual({ by: 'maximize-fps', resources: 0.7 });
    expect(tiny.outputs).toEqual(['estimate', 'stitched_ip', 'bitfile']);
  });

  test('numbers are exact', () => {
    const input = recipe!.networks.get('zoo')!.input!;
    expect(input.scale.map(formatRational)).toEqual(['1/255', '57/125', '1/1000']);
    expect(input.std!.map(formatRational)).toEqual(['113/500']);
    expect(formatRational(recipe!.targets.get('hx8k')!.clockMhz)).toBe('12');
  });

  test('paths are ready to be opened, hashes are lower case', () => {
    expect(recipe!.networks.get('tfc-w1a1')!.model).toEqual({ kind: 'file', path: `${here}/good/tfc.onnx` });
    expect(recipe!.networks.get('zoo')!.model).toMatchObject({ kind: 'url', sha256: expect.stringMatching(/^e875/) });
    expect(recipe!.networks.get('trained')!.model).toMatchObject({ kind: 'run', folder: `${here}/good` });
  });

  test('a build’s own expectations replace the recipe’s', () => {
    const text = recipe!.builds.get('tiny')!.expect.map((e) => `${e.metric} ${e.operator} ${formatRational(e.value)}`);
    expect(text).toEqual(['lut <= 5000', 'latency_us < 900/7', 'fps >= 10']);
  });

  test('defaults are filled in', () => {
    expect(recipe!.tools).toEqual({ synthesis: 'npm', placeAndRoute: 'npm', simulation: 'iverilog' });
    expect(recipe!.verifyAt).toEqual(['import', 'stitch']);
  });

  test('later steps can point at what is written', () => {
    const at = recipe!.locate('/folding/hand/layers/MVAU_0/pe');
    const text = readFileSync(`${here}/good/bnn.yaml`, 'utf8');
    expect(at.in === 'file' && text.slice(at.start, at.end)).toBe('16');
    const near = recipe!.locate('/folding/hand/layers/MVAU_0/memory');
    expect(near.in === 'file' && text.slice(near.start, near.end)).toBe('MVAU_0');
  });
});

test('a child: maps merge, lists replace, and its parent’s paths stay its parent’s', () => {
  writeFileSync(
    join(folder, 'child.yaml'),
    `extends: ${join(process.cwd(), here, 'good/bnn.yaml')}
finn: 1
targets: { icebreaker: { clock_mhz: 48 } }
matrix:
  - { network: trained, target: icebreaker, folding: fit }
`,
  );
  const { recipe, diagnostics } = loadRecipe(join(folder, 'child.yaml'));
  expect(diagnostics).toEqual([]);
  expect(recipe!.name).toBe('child');
  expect(recipe!.description).toBeUndefined();
  expect([...recipe!.builds.keys()]).toEqual(['tiny', 'trained-icebreaker-fit']);
  expect(formatRational(recipe!.targets.get('icebreaker')!.clockMhz)).toBe('48');
  expect(recipe!.networks.get('tfc-w1a1')!.model).toMatchObject({ path: join(process.cwd(), here, 'good/tfc.onnx') });
});

test.each(['many', 'loop', 'child', 'bomb', 'empty'])('bad/%s.yaml: the whole text of its errors', async (name) => {
  const { recipe } = loadRecipe(`${here}/bad/${name}.yaml`);
  expect(recipe).toBeUndefined();
  await expect(said(`${here}/bad/${name}.yaml`)).toMatchFileSnapshot(`bad/${name}.txt`);
});

test('what is no YAML', () => {
  expect(
    saidOf('finn: 1\nnetworks:\n\ttfc: {}\n'),
  ).toBe(`r.yaml:3:1: error: a tab indents here: YAML wants spaces [config/syntax]
  3 |  tfc: {}
    | ~
`);
  expect(saidOf('finn: 1\nname: a\nname: b\n')).toBe(`r.yaml:3:1: error: this key stands here twice [config/syntax]
  3 | name: b
    | ~~~~
`);
});

test('a comparison without its quotes', () => {
  expect(
    saidOf(`${base}expect: { fps: >= 1000 }\n`),
  ).toBe(`r.yaml:5:16: error: Plain value cannot start with block scalar indicator > [config/syntax]
  5 | expect: { fps: >= 1000 }
    |                ~
  hint: in quotes: '>= 1000'
`);
  expect(saidOf(`${base}expect:\n  fps: >= 1000\n`)).toContain(`hint: in quotes: '>= 1000'\n`);
});

test('one mistyped section is not said again of every name in it', () => {
  const text = `${base.replace('networks', 'network')}builds: { b: { network: n, target: i, folding: f } }\n`;
  expect(saidOf(text).match(/\[\S+\]$/gm)).toEqual(['[config/missing-key]', '[config/unknown-key]']);
});

test.each(['', 'builds: {}\n', 'matrix: []\n'])('a recipe that builds nothing: %j', (builds) => {
  expect(saidOf(base + builds)).toMatch(
    /^r\.yaml:1:1: error: the recipe declares nothing to build \[recipe\/no-builds\]\n/,
  );
});

test('places are right behind a byte order mark and with the line ends of Windows', () => {
  const text = `\ufeff${base}expect: { fpss: '> 1' }\n`.replaceAll('\n', '\r\n');
  expect(saidOf(text)).toMatch(/^r\.yaml:5:11: error.*\n {2}5 \| expect: \{ fpss: '> 1' \}\n {4}\| {11}~~~~\n/m);
});

test('a recipe that is not there', () => {
  expect(said(join(folder, 'none.yaml'))).toBe('error: cannot read none.yaml: no such file [config/unreadable]\n');
  expect(said(folder)).toMatch(/it is a folder \[config\/unreadable\]\n$/);
});

const base = `finn: 1
networks: { n: { model: { url: 'https://example.org/n.onnx' } } }
targets: { z: { board: pynq-z1, clock_mhz: 100 }, i: { board: icebreaker } }
folding: { f: { target_fps: 1000 } }
`;

test('a parent that is not there is underlined where it is named', () => {
  expect(
    saidOf('finn: 1\nextends: gone.yaml\n'),
  ).toBe(`r.yaml:2:10: error: cannot read gone.yaml: no such file [config/unreadable]
  2 | extends: gone.yaml
    |          ~~~~~~~~~
`);
});

test('two builds of one name, whoever makes them', () => {
  expect(
    saidOf(
      `${base}builds: { n-i-f: { network: n, target: i, folding: f } }\nmatrix: [{ network: n, target: i, folding: f }]\n`,
    ),
  ).toBe(`r.yaml:6:10: error: two builds are called \`n-i-f\` [recipe/duplicate-build]
  6 | matrix: [{ network: n, target: i, folding: f }]
    |          ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  hint: the other is \`builds.n-i-f\`
`);
});

test('a bitstream where none can be made is a warning, and the build goes as far as it can', () => {
  const text = `${base}matrix: [{ network: n, target: [z, i], folding: f }]\noutputs: [estimate, bitfile]\nbuilds: { m: { network: n, target: z, folding: f } }\n`;
  expect(
    saidOf(text),
  ).toBe(`r.yaml:6:10: warning: finn can make no bitstream for pynq-z1 (xc7z020clg400-1): bitfile of m, n-z-f will not be made [recipe/no-bitstream]
  6 | outputs: [estimate, bitfile]
    |          ~~~~~~~~~~~~~~~~~~~
`);
  const { recipe } = loadRecipe(join(folder, 'r.yaml'));
  expect(recipe!.builds.get('n-z-f')!.outputs).toEqual(['estimate']);
  expect(recipe!.builds.get('n-i-f')!.outputs).toEqual(['estimate', 'bitfile']);
});

test('what nothing can measure cannot be expected', () => {
  const text = `${base}matrix: [{ network: n, target: z, folding: f }]\nexpect: { accuracy: '>= 0.9', fmax_mhz: '>= 1/0' }\n`;
  expect(
    saidOf(text),
  ).toBe(`r.yaml:6:21: error: \`accuracy\` is expected of n-z-f, but network n has no \`labels\` [recipe/expect]
  6 | expect: { accuracy: '>= 0.9', fmax_mhz: '>= 1/0' }
    |                     ~~~~~~~~
  hint: add \`labels\` to its \`verify\`
r.yaml:6:41: error: \`expect.fmax_mhz\` is ">= 1/0": this is no number [recipe/number]
  6 | expect: { accuracy: '>= 0.9', fmax_mhz: '>= 1/0' }
    |                                         ~~~~~~~~
`);
});

test('scale, bias, mean and std that do not go together', () => {
  const input = 'input: { datatype: uint8, scale: [1, 0], bias: 1, mean: [1, 2, 3] }';
  const text = base.replace("n.onnx' } }", `n.onnx', member: m, output: o }, ${input} }`);
  expect(saidOf(`${text}builds: { b: { network: n, target: i, folding: f } }\n`).replaceAll(/^ .*\n/gm, '')).toBe(
    `r.yaml:2:73: error: \`output\` does not go with a model from \`url\` [recipe/model-source]
r.yaml:2:123: error: \`networks.n.input.scale.1\` is 0: every input would be the same [recipe/number]
r.yaml:2:127: error: \`networks.n.input.bias\` does not go with \`mean\` and \`std\` [recipe/conflict]
r.yaml:2:142: error: \`networks.n.input.mean\` has 3 numbers, \`scale\` 2: one for each channel [recipe/conflict]
`,
  );
});

test('gates are exact', () => {
  const third = rational(1n, 3n);
  expect(passes({ operator: '<=', value: third }, third)).toBe(true);
  expect(passes({ operator: '<', value: third }, third)).toBe(false);
  expect(passes({ operator: '==', value: third }, rational(2n, 6n))).toBe(true);
  expect(passes({ operator: '>=', value: third }, rational(33n, 100n))).toBe(false);
  expect(passes({ operator: '>', value: third }, rational(34n, 100n))).toBe(true);
});

test('no recipe, however broken, makes it throw; what has errors has no recipe', () => {
  const good = readFileSync(`${here}/good/bnn.yaml`, 'utf8');
  const path = `${here}/good/mutant-${process.pid}.yaml`;
  const junk = fc.constantFrom(
    'null',
    '[]',
    '{}',
    '-1',
    '1e999',
    '.nan',
    'x',
    '"',
    '*a',
    '&a',
    '__proto__: 1',
    '\t',
    ': ',
    '\n',
    'constructor',
    '1/0',
  );
  try {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length), fc.nat(20), fc.oneof(junk, fc.string({ maxLength: 5 }))), {
          minLength: 1,
          maxLength: 4,
        }),
        (edits) => {
          let text = good;
          for (const [start, length, insert] of edits)
            text = text.slice(0, start) + insert + text.slice(start + length);
          writeFileSync(path, text);
          const { recipe, diagnostics } = loadRecipe(path);
          expect(recipe === undefined).toBe(diagnostics.some(({ severity }) => severity === 'error'));
          for (const diagnostic of diagnostics) expect(render(diagnostic, { color: false })).not.toContain('undefined');
        },
      ),
      { numRuns: 400 },
    );
  } finally {
    rmSync(path, { force: true });
  }
});
