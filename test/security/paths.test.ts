import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isCommitted } from '../../src/config/committed.ts';
import { loadProject } from '../../src/config/project.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { available } from '../helpers/require.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A project folder, and beside it what no recipe of it is to see. */
let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'finn-paths-')));
  write('secret/passwords', 'root: hunter2\n');
  write('secret/part.yaml', 'finn: 1\nnetworks: { n: { model: { file: secret.onnx } } }\n');
  write('secret/secret.onnx', 'a model');
  copyFileSync(join(root, 'boards/icebreaker.yaml'), join(base, 'secret/board.yaml'));
  copyFileSync(join(root, 'boards/icebreaker.pcf'), join(base, 'secret/icebreaker.pcf'));
  write('project/m.onnx', 'a model');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(dirname(join(base, name)), { recursive: true });
  writeFileSync(join(base, name), text);
}
const link = (name: string, to: string): void => symlinkSync(join(base, to), join(base, name));

/** A recipe of these parts in project/, and what is said of it. */
function said(
  parts: { model?: string; verify?: string; board?: string; folding?: string; extends?: string },
  recipe = 'project/r.yaml',
): string[] {
  const { model = 'file: m.onnx', verify, board = 'icebreaker', folding = 'maximize: fps' } = parts;
  write(
    recipe,
    `finn: 1
${parts.extends === undefined ? '' : `extends: ${parts.extends}\n`}networks: { n: { model: { ${model} }${verify === undefined ? '' : `, verify: { input: ${verify} }`} } }
targets: { t: { board: ${board} } }
folding: { f: { ${folding} } }
builds: { b: { network: n, target: t, folding: f } }
`,
  );
  return loadRecipe(join(base, recipe)).diagnostics.map(({ code, message }) => `${code}: ${message}`);
}

describe('a recipe reads in its project only', () => {
  test('what lies there', () => {
    write('project/deep/m.onnx', 'a model');
    expect(said({ model: 'file: deep/../deep/m.onnx' })).toEqual([]);
    link('project/linked.onnx', 'project/deep/m.onnx');
    expect(said({ model: 'file: linked.onnx' })).toEqual([]);
  });

  const escapes = [
    ['a model', { model: 'file: ../secret/secret.onnx' }, 'networks.n.model.file'],
    ['an archive', { model: 'file: ../secret/secret.onnx, member: m.onnx' }, 'networks.n.model.file'],
    ['vectors', { verify: '../secret/passwords' }, 'networks.n.verify.input'],
    ['a folding file', { folding: 'file: ../secret/passwords' }, 'folding.f.file'],
    ['a folding file by its absolute path', { folding: 'file: /etc/passwd' }, 'folding.f.file'],
    ['a parent', { extends: '../secret/part.yaml' }, 'extends'],
    ['a parent by its absolute path', { extends: '/etc/passwd' }, 'extends'],
    ['a device', { extends: '/dev/zero' }, 'extends'],
    ['a board', { board: '../secret/board.yaml' }, 'targets.t.board'],
    ['a board by its absolute path', { board: '/proc/self/environ' }, 'targets.t.board'],
    [
      'an input of a program',
      { model: 'run: [cat], inputs: [../secret/passwords], output: o' },
      'networks.n.model.inputs.0',
    ],
  ] as const;
  test.each(escapes)('%s elsewhere is refused', (_, parts, key) => {
    const [first] = said(parts);
    expect(first).toContain(`recipe/outside: \`${key}\``);
    expect(first).toContain(`outside of the project ${join(base, 'project')}`);
    expect(first).not.toContain('hunter2');
  });

  test('links lead nowhere else', () => {
    link('project/model.onnx', 'secret/secret.onnx');
    link('project/folder', 'secret');
    link('project/board.yaml', 'secret/board.yaml');
    for (const parts of [
      { model: 'file: model.onnx' },
      { model: 'file: folder/secret.onnx' },
      { extends: 'folder/part.yaml' },
      { board: './board.yaml' },
      { verify: 'folder/passwords' },
      { folding: 'file: folder/passwords' },
      { model: 'run: [cat], inputs: [folder/passwords], output: o' },
      // That nothing is there is nobody's business either.
      { model: 'file: folder/nothing' },
    ])
      expect(said(parts)[0]).toMatch(/^recipe\/outside: .* is .*\/secret\/.*, which lies outside of the project/);
  });

  test('the pins of a board lie beside it, and are no link', () => {
    copyFileSync(join(base, 'secret/board.yaml'), join(base, 'project/board.yaml'));
    link('project/icebreaker.pcf', 'secret/passwords');
    expect(said({ board: './board.yaml' })[0]).toContain('recipe/outside');
    write(
      'project/other.yaml',
      readFileSync(join(base, 'secret/board.yaml'), 'utf8').replace('icebreaker.pcf', '../secret/icebreaker.pcf'),
    );
    expect(said({ board: './other.yaml' })[0]).toContain('recipe/outside');
  });

  test('what a parent names is held to the project of the recipe', () => {
    write('project/parents/parent.yaml', 'finn: 1\nnetworks: { n: { verify: { input: ../../secret/passwords } } }\n');
    expect(said({ extends: 'parents/parent.yaml' })[0]).toContain('recipe/outside: `networks.n.verify.input`');
  });

  test('the project is where the config or .git is nearest', () => {
    write('finn.config.yaml', '');
    expect(said({ model: 'file: ../secret/secret.onnx' })).toEqual([]);
    mkdirSync(join(base, 'project/.git'));
    expect(said({ model: 'file: ../secret/secret.onnx' })[0]).toContain('recipe/outside');
    expect(said({ model: 'file: ../m.onnx' }, 'project/recipes/r.yaml')).toEqual([]);
  });

  test('but for what the owner’s config lets it read, and data by their absolute path', () => {
    write('project/finn.config.yaml', 'trust: { read: [../secret/secret.onnx] }\n');
    expect(said({ model: 'file: ../secret/secret.onnx' })).toEqual([]);
    expect(said({ verify: '../secret/passwords' })[0]).toContain('recipe/outside');
    write('project/finn.config.yaml', 'mirrors: [../secret]\n');
    expect(said({ model: 'file: ../secret/secret.onnx' })).toEqual([]);
    write('project/finn.config.yaml', '');
    expect(said({ model: `file: ${join(base, 'secret/secret.onnx')}` })).toEqual([]);
  });
});

describe('names that become paths', () => {
  test('of recipes, builds, networks', () => {
    for (const name of ['..', '../x', '/x', 'a/b', '.hidden', '-x', '', 'a\\b', `${'x'.repeat(81)}`, 'a b', 'é']) {
      write('project/n.yaml', `finn: 1\nname: ${JSON.stringify(name)}\n`);
      const { diagnostics } = loadRecipe(join(base, 'project/n.yaml'));
      expect(diagnostics.map(({ message }) => message).join('\n')).toContain('`name` is');
      write('project/n.yaml', `finn: 1\nbuilds: { ${JSON.stringify(name)}: {} }\n`);
      const of = loadRecipe(join(base, 'project/n.yaml')).diagnostics.map(({ message }) => message);
      expect(of.join('\n')).toContain(`${JSON.stringify(name).slice(0, 57)}`);
      expect(of.join('\n')).toContain('cannot be a name');
    }
  });

  test('of a recipe’s file, where it has no other', () => {
    for (const file of ['project/...yaml', 'project/.yaml', 'project/a\u001b[2J.yaml'])
      expect(said({}, file).join()).toContain('cannot be the name of a folder');
    expect(said({}, 'project/my net.yaml')).toEqual([]);
  });

  test('of what a program leaves, and of members', () => {
    for (const output of ['../o', '/etc/o', 'a/../../o', '.'])
      expect(said({ model: `run: [cat], output: ${output}` })[0]).toContain(
        'leaves the folder that the command runs in',
      );
    for (const member of ['../m.onnx', '/m.onnx', 'a//m.onnx'])
      expect(said({ model: `file: m.onnx, member: ${member}` })[0]).toContain('is no path inside of an archive');
  });
});

describe('whose config and cache they are', () => {
  test('FINN_CONFIG counts in the place of the one that a repository brings', () => {
    write('project/finn.config.yaml', 'trust: { run: [.] }\ntools: { yosys: ./evil.sh }\ncache: { path: ../secret }\n');
    write('mine/my.yaml', 'trust: { read: [models] }\n');
    const recipe = join(base, 'project/r.yaml');
    expect(loadProject(recipe, {}).project.trusts(recipe)).toBe(true);
    const { project, diagnostics } = loadProject(recipe, { FINN_CONFIG: join(base, 'mine/my.yaml') });
    expect(diagnostics).toEqual([]);
    expect(project.trusts(recipe)).toBe(false);
    expect(project.tools.size).toBe(0);
    expect(project.readable).toEqual([join(base, 'mine/models')]);
    expect(project.cache.path).toBe(join(base, 'project/.finn'));
    expect(loadProject(recipe, { FINN_CONFIG: '/dev/null' }).project.trusts(recipe)).toBe(false);
  });

  test('a cache that is checked into git is refused', () => {
    write('project/.finn/objects/ab/cd', 'x');
    const index = (path: string): void => {
      const entry = Buffer.alloc(62 + Math.ceil((path.length + 1 + 62) / 8) * 8 - 62);
      entry.writeUInt16BE(path.length, 60);
      entry.write(path, 62);
      mkdirSync(join(base, 'project/.git'), { recursive: true });
      writeFileSync(
        join(base, 'project/.git/index'),
        Buffer.concat([Buffer.from('DIRC\0\0\0\u0002\0\0\0\u0001', 'latin1'), entry]),
      );
    };
    const codes = (): string[] => loadProject(join(base, 'project/r.yaml'), {}).diagnostics.map(({ code }) => code);
    index('src/.finn/x');
    expect(codes()).toEqual([]);
    index('.finnish');
    expect(codes()).toEqual([]);
    for (const path of ['.finn/objects/ab/cd', '.finn']) {
      index(path);
      expect(codes()).toEqual(['cache/committed']);
    }
    expect(isCommitted(join(base, 'nowhere'))).toBe(false);
    // The repository of finn itself, whose index git wrote.
    if (existsSync(join(root, '.git/index'))) {
      expect([isCommitted(join(root, 'src')), isCommitted(join(root, 'package.json'))]).toEqual([true, true]);
      expect([isCommitted(join(root, 'ackage.json')), isCommitted(join(root, '.finn'))]).toEqual([false, false]);
    }
  });
});

describe('a committed cache', () => {
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'core.autocrlf=false', ...args], { cwd: join(base, 'project'), stdio: 'ignore' });
  };
  const codes = (recipe: string): string[] => loadProject(join(base, recipe), {}).diagnostics.map(({ code }) => code);
  const refused = ['cache/committed'];
  beforeEach((context) => {
    if (!available('git')) context.skip();
    write('project/.fine/x', 'x');
    write('project/deep/.finn/objects/ab/cd', 'x');
    write('project/deep/r.yaml', '');
    git('init', '-q');
    git('add', '-f', '.');
  });

  test.each([
    ['version 2', () => git('update-index', '--index-version', '2')],
    ['version 3', () => git('add', '-N', '-f', 'm.onnx')],
    ['version 4, whose names are parts', () => git('update-index', '--index-version', '4')],
    ['an index in two parts', () => git('update-index', '--split-index')],
  ])('is found in %s', (_, change) => {
    change();
    expect(codes('project/deep/r.yaml')).toEqual(refused);
    expect(codes('project/r.yaml')).toEqual([]);
    git('rm', '-r', '-q', '--cached', 'deep');
    git('update-index', '--no-split-index');
    expect(codes('project/deep/r.yaml')).toEqual([]);
  });

  test('is found behind links, and by names that the file system takes for the same', () => {
    link('project/linked', 'project/deep');
    expect(codes('project/linked/r.yaml')).toEqual(refused);
    git('mv', 'deep/.finn', 'deep/.FINN');
    write('project/deep/.finn/x', 'x');
    expect(codes('project/deep/r.yaml')).toEqual([]);
    // As on a file system without case: two names of one folder.
    rmSync(join(base, 'project/deep/.finn'), { recursive: true });
    link('project/deep/.finn', 'project/deep/.FINN');
    expect(codes('project/deep/r.yaml')).toEqual(refused);
  });
});

test('words of a board file that go into command lines and Verilog are words', () => {
  const board = readFileSync(join(base, 'secret/board.yaml'), 'utf8');
  copyFileSync(join(base, 'secret/icebreaker.pcf'), join(base, 'project/icebreaker.pcf'));
  for (const [from, to] of [
    [/^device: .*$/m, 'device: run=icebreaker.pcf'],
    [/^device: .*$/m, 'device: "-pre-pack"'],
    [/^package: .*$/m, 'package: "--run"'],
    [/^part: .*$/m, 'part: "../../x"'],
    [/$/, 'ties: { "led); initial $system(\\"touch pwned\\"); //": 0 }\n'],
  ] as const) {
    expect(board).toMatch(from);
    write(
      'project/board.yaml',
      board.replace(/^ties:.*\n/m, '').replace(from, () => to),
    );
    expect(said({ board: './board.yaml' })[0], to).toContain('config/wrong-value');
  }
});
