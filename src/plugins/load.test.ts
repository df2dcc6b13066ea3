import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { context } from '../../test/helpers/toy.ts';
import { loadProject } from '../config/project.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { BINARY } from '../ir/datatype.ts';
import { onnxOps } from '../onnx/ops/index.ts';
import { operators } from '../operators/index.ts';
import { loadPlugins, type Plugins } from './load.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-plugins-'));
});
afterEach(() => {
  load({}, []);
  rmSync(folder, { recursive: true });
});

const write = (files: Readonly<Record<string, string>>, root = folder): void => {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
};

const config = (paths: readonly string[], trusted: boolean): string =>
  [`plugins: ${JSON.stringify(paths)}`, ...(trusted ? [`trust: { plugins: ${JSON.stringify(paths)} }`] : [])].join(
    '\n',
  );

interface Options {
  readonly trusted?: boolean;
  readonly mayRun?: boolean;
  readonly announce?: (path: string, hash: string) => void;
  readonly root?: string;
}

function load(
  files: Readonly<Record<string, string>>,
  paths: readonly string[] = Object.keys(files).slice(0, 1),
  { trusted = true, mayRun = false, announce, root = folder }: Options = {},
): Plugins {
  write({ ...files, 'finn.config.yaml': config(paths, trusted) }, root);
  const { project, diagnostics } = loadProject(join(root, 'recipe.yaml'), {});
  expect(diagnostics).toEqual([]);
  return loadPlugins(project, { mayRun, ...(announce && { announce }) });
}

function refusal(...args: Parameters<typeof load>): readonly Diagnostic[] {
  try {
    load(...args);
  } catch (cause) {
    if (cause instanceof FinnError) return cause.diagnostics;
    throw cause;
  }
  throw new Error('it was not refused');
}

const plugin = (inside: string, before = ''): string =>
  `import { definePlugin } from 'finn';\n${before}\nexport const plugin = definePlugin({ name: 'one', ${inside} });\n`;
const step = (name: string, artifact = `'${name}-table'`): string =>
  `buildStep({ name: '${name}', doc: 'a step', needs: {}, makes: { made: files(${artifact}, 'a table') }, config: () => ({}), run: async () => ({ made: {} }) })`;
const withStep = (name: string, artifact?: string): string =>
  plugin(`steps: [${step(name, artifact)}]`, `import { buildStep, files } from 'finn';`);

describe('loading', () => {
  it('gives the very objects of this finn, and types are not checked', () => {
    const { steps, ownSteps, finn } = load({
      'a.ts': plugin(
        'onnx: [{ op }]',
        `import { BINARY, define } from 'finn';
         const wrong: number = 'no number';
         const op = define({ name: 'Thing', domain: 'mine', arity: [1, 1], infer: () => ({ dtype: BINARY, shape: [1] }), evaluate: () => { throw new Error(wrong as string); } });`,
      ),
    });
    const op = onnxOps.find((one) => one.name === 'Thing')!;
    expect(
      op.infer([{ kind: 'input', name: 'x', type: { dtype: BINARY, shape: [] } }], {}, { origin: [], outputs: 1 })[0]!
        .dtype,
    ).toBe(BINARY);
    expect(ownSteps).toEqual([]);
    expect(steps.map(({ name }) => name)).toContain('fold');
    expect(finn).toMatch(/^[0-9a-f]{64}\+[0-9a-f]{64}$/);
  });

  it('without plug-ins everything is finn’s own', () => {
    load({ 'a.ts': withStep('mine') });
    const before = operators.length;
    const none = load({}, []);
    expect(none).toMatchObject({ finn: undefined, files: [], ownSteps: [] });
    expect(operators).toHaveLength(before);
    expect(none.steps.some(({ name }) => name === 'mine')).toBe(false);
  });

  it('all that a plug-in imports is in its hash, and where it lies is not', () => {
    const files = {
      'plugins/a.ts': plugin(
        '',
        `import text from '../lib/circuit.sv';\nimport { n } from '../lib/n.ts';\nObject.assign(globalThis, { seen: [text, n] });`,
      ),
      'lib/circuit.sv': 'module circuit; endmodule\n',
      'lib/n.ts': `import data from './data.json';\nexport const n: number = data.n + 1;\n`,
      'lib/data.json': '{ "n": 1 }',
      'lib/other.ts': 'export const other = 1;\n',
    };
    const first = load(files);
    const names = ['lib/circuit.sv', 'lib/data.json', 'lib/n.ts', 'plugins/a.ts'];
    expect(first.files).toEqual(names.map((name) => join(folder, name)));
    expect(load({ ...files, 'lib/other.ts': 'export const other = 2;\n' }).finn).toBe(first.finn);
    expect(load({ ...files, 'lib/n.ts': `// a comment\n${files['lib/n.ts']}` }).finn).toBe(first.finn);
    for (const name of names) {
      const text = files[name as keyof typeof files];
      const changed = load({ ...files, [name]: text.replace(/1|circuit;|\[text, n\]/, '[7]') });
      expect(changed.finn, name).not.toBe(first.finn);
      expect([...changed.hashes][0]![1], name).not.toBe([...first.hashes][0]![1]);
    }
    const elsewhere = mkdtempSync(join(tmpdir(), 'finn-plugins-'));
    try {
      expect(load(files, undefined, { root: elsewhere }).finn).toBe(first.finn);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('what changed is loaded anew in the same process, what did not is not', () => {
    const count = '(globalThis as { loaded?: number }).loaded = ((globalThis as { loaded?: number }).loaded ?? 0) + 1;';
    const loaded = (): number => (globalThis as { loaded?: number }).loaded!;
    const files = { 'a.ts': withStep('mine').replace('export', `${count}\nexport`) };
    expect(load(files).ownSteps.map(({ name }) => name)).toEqual(['mine']);
    const before = loaded();
    load(files);
    expect(loaded()).toBe(before);
    expect(load({ 'a.ts': files['a.ts'].replace("'mine'", "'yours'") }).ownSteps.map(({ name }) => name)).toEqual([
      'yours',
    ]);
    expect(loaded()).toBe(before + 1);
  });

  it('plug-ins that share a module share what it makes', () => {
    const shared = `import { files } from 'finn';\nexport const table = files('table', 'shared');\n`;
    const make = plugin(
      `steps: [buildStep({ name: 'make', doc: '', needs: {}, makes: { table }, config: () => ({}), run: async () => ({ table: {} }) })]`,
      `import { buildStep } from 'finn';\nimport { table } from './shared.ts';`,
    );
    const use = make
      .replace("name: 'one'", "name: 'two'")
      .replace("name: 'make'", "name: 'use'")
      .replace('needs: {}, makes: { table }', "needs: { table }, makes: { seen: files('seen', '') }")
      .replace('{ buildStep }', '{ buildStep, files }');
    const { ownSteps } = load({ 'a.ts': make, 'b.ts': use, 'shared.ts': shared }, ['a.ts', 'b.ts']);
    expect(ownSteps[1]!.needs.table).toBe(ownSteps[0]!.makes.table);
  });
});

describe('a plug-in that changes while steps of an earlier one run', () => {
  const slow = (word: string): Record<string, string> => ({
    'a.ts': withStep('mine').replace(
      'async () => ({ made: {} })',
      `async () => { await (globalThis as never as { hold: Promise<void> }).hold; return { made: { '${word}': new Uint8Array() } }; }`,
    ),
  });

  it('leaves nothing under the key of what was', async () => {
    let go = (): void => {};
    Object.assign(globalThis, { hold: new Promise<void>((done) => (go = done)) });
    const run = ({ ownSteps }: Plugins): Promise<unknown> => ownSteps[0]!.run({}, context({}));
    const before = load(slow('one'));
    const running = run(before);
    const after = load(slow('two'));
    go();
    await expect(running).rejects.toThrow(/plugin\/changed: plug-ins changed while 'mine' was to run/);
    await expect(run(before)).rejects.toThrow(/plugin\/changed/);
    expect(await run(after)).toEqual({ made: { two: new Uint8Array() } });
    const none = load({}, []);
    const fold = none.steps.find(({ name }) => name === 'fold')!;
    load(slow('two'));
    await expect(fold.run({}, context({}))).rejects.toThrow(/plugin\/changed/);
  });
});

describe('trust', () => {
  const marks = (): Record<string, string> => ({
    'a.ts': `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(folder, 'ran'))}, '');\n${plugin('')}`,
  });

  it('nothing of a plug-in runs that nobody trusts', () => {
    expect(refusal(marks(), ['a.ts'], { trusted: false })).toMatchObject([
      { code: 'trust/plugin', message: expect.stringContaining('the plug-in a.ts') },
    ]);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('one is not trusted because another is', () => {
    write({
      ...marks(),
      'b.ts': plugin(''),
      'finn.config.yaml': 'plugins: [a.ts, b.ts]\ntrust: { plugins: [b.ts] }\n',
    });
    const { project } = loadProject(join(folder, 'recipe.yaml'), {});
    expect(() => loadPlugins(project, { mayRun: false })).toThrow(/the plug-in a\.ts/);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it('it is named before it runs', () => {
    const told: [string, boolean][] = [];
    const announce = (path: string): void => void told.push([path, existsSync(join(folder, 'ran'))]);
    load(marks(), ['a.ts'], { trusted: false, mayRun: true, announce });
    expect(told).toEqual([['a.ts', false]]);
    expect(existsSync(join(folder, 'ran'))).toBe(true);
  });
});

describe('what is wrong with a plug-in is said', () => {
  const said = (...args: Parameters<typeof load>): string =>
    refusal(...args)
      .map((one) => render(one, { color: false }))
      .join('\n')
      .replace(/\S*finn-plugins-[^/]*\//g, '');

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      'a mistake in the text',
      { 'a.ts': 'export const x = ;\n' },
      /^a\.ts:1:18: error: Unexpected ";" \[plugin\/load\]\n {2}1 \| export const x = ;\n/,
    ],
    ['columns behind wide letters', { 'a.ts': `/* ä€😀 */ export const x = ;\n` }, /^a\.ts:1:29: error/],
    [
      'a missing import',
      { 'a.ts': `import { a } from './b.ts';\nvoid a;\n` },
      /^a\.ts:1:19: error: Could not resolve ".\/b.ts"/,
    ],
    [
      'a package that is not there',
      { 'a.ts': `import a from 'no-such-package';\nvoid a;\n` },
      /^a\.ts:1:15: error: Could not resolve "no-such-package"/,
    ],
    [
      'nothing exported',
      { 'a.ts': 'export default 1;\n' },
      /a\.ts exports no `plugin` \[plugin\/export\]\n {2}hint: `export const plugin = definePlugin/,
    ],
    [
      'a part that there is not',
      { 'a.ts': plugin('pases: []') },
      /a plug-in has no `pases` \[plugin\/export\]\n {2}hint: did you mean `?passes/,
    ],
    ['a part that is no list', { 'a.ts': plugin('passes: {} as never') }, /`passes` is no list/],
    [
      'a member that is missing',
      { 'a.ts': plugin(`passes: [{ name: 'p', doc: '', at: 'after lower' }] as never`) },
      /`run` of 'p' of its passes is missing/,
    ],
    [
      'a place that there is not',
      { 'a.ts': plugin(`passes: [{ name: 'p', doc: '', at: 'after folding', run: (g) => g }] as never`) },
      /pass 'p' runs 'after folding'/,
    ],
    [
      'a name that finn has',
      { 'a.ts': withStep('fold') },
      /there is already a step 'fold' \[plugin\/name\]\n {2}hint: finn itself has it/,
    ],
    [
      'an artifact that finn has',
      { 'a.ts': withStep('mine', `'dataflow'`) },
      /there is already an artifact 'dataflow'/,
    ],
    ['an artifact that is no folder', { 'a.ts': withStep('mine', `'../up'`) }, /cannot be called '..\/up'/],
    [
      'what it throws, and where',
      { 'a.ts': `import { b } from './b.ts';\nb();\n`, 'b.ts': `export function b(): void {\n  null!.x;\n}\n` },
      /^b\.ts:2:9: error: a plug-in broke: TypeError: .*null.* \[plugin\/threw\]/,
    ],
    [
      'what it calls that throws',
      {
        'a.ts': `import { bipolar } from './b.ts';\nvoid bipolar;\n`,
        'b.ts': `import { mustDivide } from 'finn';\nexport const bipolar = mustDivide('x', undefined as never, 'pe', 3, 4, 'channels');\n`,
      },
      /^b\.ts:2:\d+: error: a plug-in broke: TypeError/,
    ],
  ])('%s', (_, files, message) => {
    expect(said(files)).toMatch(message);
  });

  it('all of two plug-ins at once', () => {
    const all = refusal({ 'a.ts': 'export const x = ;\n', 'b.ts': 'export const y = ;\n' }, ['a.ts', 'b.ts']);
    expect(all).toHaveLength(2);
    expect(said({ 'a.ts': withStep('mine'), 'b.ts': withStep('mine') }, ['a.ts', 'b.ts'])).toMatch(
      /b\.ts: there is already a plug-in 'one'[\s\S]*hint: a\.ts has it[\s\S]*there is already a step 'mine'/,
    );
  });

  it('a file that is not there', () => {
    expect(said({}, ['a.ts'])).toMatch(/names the plug-in a\.ts, which is not there \[plugin\/load\]/);
  });
});
