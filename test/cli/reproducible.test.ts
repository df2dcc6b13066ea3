import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/commands/manifest.ts';
import { listTree } from '../../src/util/files.ts';
import { sha256 } from '../../src/util/hash.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(() => rig.remove());

const upTo = (step: string, ...more: string[]): string[] => [
  'build', 'digits.yaml', '--build', 'hx8k', '--until', step, ...more,
]; // biome-ignore format: a list
const built = 'build/digits/hx8k';
const manifest = (folder = built): Manifest => JSON.parse(rig.read(`${folder}/build.json`));
/** Does a file tell of the run? */
const ofRun = (path: string): boolean => path === 'time_per_step.json' || path.startsWith('log/');

/** What stands in every file of a folder that tells of the result. */
function results(folder: string): Record<string, string> {
  const paths = listTree(rig.path(folder)).filter((path) => !ofRun(path));
  return Object.fromEntries(paths.map((path) => [path, sha256(rig.bytes(`${folder}/${path}`))]));
}

describe('build.json', () => {
  it('has beside it what it says, though somebody changed a file of the build', () => {
    expect(rig.finn(upTo('fold')).status).toBe(0);
    const clean = results(built);
    for (const name of ['report/estimate_layer_cycles.json', 'intermediate_models/fold.onnx']) {
      const bytes = rig.bytes(`${built}/${name}`);
      bytes[bytes.length >> 1]! ^= 1;
      rig.write(`${built}/${name}`, bytes);
      expect(results(built)).not.toEqual(clean);
      expect(rig.finn(upTo('fold')).status).toBe(0);
      expect(results(built)).toEqual(clean);
    }
  });

  it('tells of the recipe that was built, though it was edited while the build ran', () => {
    rig.write('make.sh', `echo '# edited' >> ${rig.path('digits.yaml')}; cp digits.onnx made.onnx\n`);
    const made = ['run: [sh, make.sh]', 'inputs: [make.sh, digits.onnx]', 'output: made.onnx'];
    rig.edit('digits.yaml', 'file: digits.onnx', made.join('\n      '));
    const before = sha256(rig.bytes('digits.yaml'));
    expect(rig.finn(upTo('import', '--allow-run')).status).toBe(0);
    expect(manifest().recipe_files).toEqual({ 'digits.yaml': before });
    expect(sha256(rig.bytes('digits.yaml'))).not.toBe(before);
  });

  it('tells everything about where a result came from', () => {
    expect(rig.finn(upTo('codegen')).status).toBe(0);
    const told = manifest();
    expect(told).toMatchObject({
      format: 2,
      finn: { version: expect.stringMatching(/^\d+\.\d+\.\d+$/), code: expect.stringMatching(/^[0-9a-f]{64}$/) },
      recipe: 'digits',
      build: 'hx8k',
      network: 'digits',
      folding: 'large',
      target: { name: 'hx8k', board: 'ice40-hx8k-b-evn', part: 'hx8k-ct256', clock_mhz: '24' },
      recipe_files: { 'digits.yaml': sha256(rig.bytes('digits.yaml')) },
      model: { file: 'digits.onnx', sha256: sha256(rig.bytes('digits.onnx')) },
      plugins: {},
      expect: [],
    });
    expect(told.inputs['import/labels.npy']).toBe(sha256(rig.bytes('test-labels.npy')));
    expect(Object.keys(told.inputs)).toEqual(expect.arrayContaining(['board', 'pins', 'fetch/model.onnx']));
    expect(Object.keys(told.steps)).toEqual([...Object.keys(told.steps)].sort());
    expect(told.steps['codegen/digits/hx8k/MVAU_1']).toEqual({
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      makes: { layerDesign: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const files = listTree(rig.path(built)).filter((path) => path !== 'build.json' && !ofRun(path));
    expect(Object.keys(told.files)).toEqual(files);
    for (const [path, { sha256: hash, size }] of Object.entries(told.files)) {
      const bytes = rig.bytes(`${built}/${path}`);
      expect([path, hash, size]).toEqual([path, sha256(bytes), bytes.length]);
    }
  });

  it('has parents of the recipe by path, and where they lie above it is not told', () => {
    mkdirSync(rig.path('a/b'), { recursive: true });
    for (const name of ['digits.onnx', 'test-images.npy', 'test-labels.npy'])
      cpSync(rig.path(name), rig.path(`a/${name}`));
    rig.write('finn.config.yaml', 'display: { style: plain }\n');
    rig.write('a/digits.yaml', rig.read('digits.yaml'));
    rig.write('a/b/own.yaml', 'finn: 1\nname: own\nextends: ../digits.yaml\n');
    expect(rig.finn(['build', 'a/b/own.yaml', '--build', 'hx8k', '--until', 'fetch']).status).toBe(0);
    const { recipe_files, model } = manifest('build/own/hx8k');
    expect(Object.keys(recipe_files)).toEqual(['../digits.yaml', 'own.yaml']);
    expect(model['file']).toBe('../digits.onnx');
  });
});

describe('a build folder', () => {
  it('is the same bytes wherever, however and by whomever it is made, and names nothing of that', () => {
    expect(rig.finn(upTo('codegen', '--jobs', '2')).status).toBe(0);
    const here = results(built);
    const other = join(rig.folder, 'quite/another/folder');
    mkdirSync(other, { recursive: true });
    rig.addDigits(other);
    const environment = {
      LC_ALL: 'tr_TR.UTF-8',
      TZ: 'Pacific/Chatham',
      HOME: other,
      USER: 'somebody-else',
      HOSTNAME: 'another-machine',
      SOURCE_DATE_EPOCH: '1234567890',
    };
    const recipe = join(other, 'digits.yaml');
    const args = ['build', recipe, '--build', 'hx8k', '--until', 'codegen', '--jobs', '1', '--out', join(other, 'out')];
    expect(rig.finn(args, environment).status).toBe(0);
    expect(results('quite/another/folder/out/digits/hx8k')).toEqual(here);
    // And from the cache, whose values were read and not made.
    rmSync(rig.path('build'), { recursive: true });
    expect(rig.finn(upTo('codegen')).out).toMatch(/0 ran/);
    expect(results(built)).toEqual(here);

    const root = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)));
    const words = [rig.folder, root, homedir(), hostname()].filter((word) => word.length > 5);
    for (const folder of [built, 'quite/another/folder/out/digits/hx8k'])
      for (const path of listTree(rig.path(folder))) {
        const text = Buffer.from(rig.bytes(`${folder}/${path}`)).toString('latin1');
        const told = words.filter((word) => text.includes(word));
        expect([path, ...told]).toEqual([path]);
      }
  });

  it('is made whole again where a file is missing', () => {
    expect(rig.finn(upTo('fold')).status).toBe(0);
    const before = results(built);
    rmSync(rig.path(`${built}/final_hw_config.json`));
    expect(rig.finn(upTo('fold')).status).toBe(0);
    expect(results(built)).toEqual(before);
  });
});

describe('finn verify-build', () => {
  beforeEach(() => {
    expect(rig.finn(upTo('fold')).status).toBe(0);
  });

  it('finds a folder as its build.json says, whatever tells of the run', () => {
    const count = Object.keys(manifest().files).length;
    rig.write(`${built}/time_per_step.json`, '{}');
    rig.write(`${built}/log/more.log`, 'more');
    const good = { status: 0, out: `${built}: as build.json says, ${count} files\n`, err: '' };
    expect(rig.finn(['verify-build', built])).toEqual(good);
    expect(rig.finn(['verify-build', `${built}/build.json`])).toEqual(good);
    // It may lie anywhere.
    cpSync(rig.path(built), rig.path('elsewhere'), { recursive: true });
    expect(rig.finn(['verify-build', 'elsewhere']).status).toBe(0);
  });

  it('names what is missing, changed and extra, with both hashes', () => {
    const cycles = 'report/estimate_layer_cycles.json';
    const was = manifest().files[cycles]!.sha256;
    // The same size: only the contents tell.
    rig.write(`${built}/${cycles}`, rig.read(`${built}/${cycles}`).replace('32', '33'));
    const is = sha256(rig.bytes(`${built}/${cycles}`));
    rmSync(rig.path(`${built}/final_hw_config.json`));
    rig.write(`${built}/mine.txt`, 'mine');
    const { status, out } = rig.finn(['verify-build', built]);
    expect(status).toBe(1);
    const lines = out.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^missing {2}final_hw_config\.json: build\.json has sha256 [0-9a-f]{64}$/),
      `extra    mine.txt: sha256 ${sha256('mine')}; build.json does not have it`,
      `changed  ${cycles}: sha256 ${is}; build.json has ${was}`,
      `${built}: 3 faults`,
    ]);
    const json = rig.finn(['verify-build', built, '--json']);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      faults: [
        { file: 'final_hw_config.json', what: 'missing' },
        { file: 'mine.txt', what: 'extra', found: sha256('mine') },
        { file: cycles, what: 'changed', expected: was, found: is },
      ],
    });
  });

  it('finds what is no file at all, and waits for no pipe', () => {
    symlinkSync('/usr', rig.path(`${built}/report/more`));
    symlinkSync('nowhere', rig.path(`${built}/report/nothing`));
    const { status, out } = rig.finn(['verify-build', built]);
    expect(status).toBe(1);
    expect(out.trimEnd().split('\n')).toEqual([
      'extra    report/more: no file; build.json does not have it',
      'extra    report/nothing: no file; build.json does not have it',
      `${built}: 2 faults`,
    ]);
    rmSync(rig.path(`${built}/build.json`));
    execFileSync('mkfifo', [rig.path(`${built}/build.json`)]);
    const pipe = rig.finn(['verify-build', built]);
    expect([pipe.status, pipe.err]).toEqual([1, expect.stringContaining('is no build.json of finn: it is no file')]);
  });

  it('says what of the recipe, its inputs and the board is not as it was', () => {
    const same = rig.finn(['verify-build', built, '--recipe', 'digits.yaml']);
    expect([same.status, same.out]).toEqual([0, expect.stringContaining('digits.yaml: as it was when this was built')]);
    rig.edit(
      'digits.yaml',
      'hx8k: { board: ice40-hx8k-b-evn, clock_mhz: 24 }',
      'hx8k: { board: upduino-3, clock_mhz: 24 }',
    );
    const labels = rig.bytes('test-labels.npy');
    labels[labels.length - 1]! ^= 1;
    rig.write('test-labels.npy', labels);
    const { status, out } = rig.finn(['verify-build', built, '--recipe', 'digits.yaml']);
    expect(status).toBe(1);
    expect(out).toMatch(/^drift {4}recipe file digits\.yaml: [0-9a-f]{12} → [0-9a-f]{12}$/m);
    expect(out).toMatch(/^drift {4}input import\/labels\.npy: [0-9a-f]{12} → [0-9a-f]{12}$/m);
    expect(out).toMatch(/^drift {4}target board: ice40-hx8k-b-evn → upduino-3$/m);
    expect(out).not.toMatch(/input import\/input\.npy/);
    rig.edit('digits.yaml', '  hx8k: { network', '  other: { network');
    expect(rig.finn(['verify-build', built, '--recipe', 'digits.yaml'])).toMatchObject({
      status: 2,
      err: expect.stringContaining("has no build 'hx8k'"),
    });
  });

  it('ends with 1 where build.json is malformed, with 2 where there is none', () => {
    const end = (text?: string): string => {
      if (text !== undefined) rig.write(`${built}/build.json`, text);
      const { status, err } = rig.finn(['verify-build', built]);
      expect(status).toBe(1);
      return err;
    };
    const good = manifest();
    expect(end('{ "format": 2,')).toContain('[build/malformed]');
    expect(end(JSON.stringify({ ...good, format: 1 }))).toContain('has format 1; this finn reads format 2');
    expect(end(JSON.stringify({ ...good, steps: undefined }))).toContain('it lacks `steps`');
    expect(end(JSON.stringify({ ...good, files: { 'a.txt': { sha256: 'x', size: 1 } } }))).toContain(
      '`files` is malformed',
    );
    // Nothing outside the folder is looked at.
    const outside = { '../../../digits.yaml': { sha256: sha256(rig.bytes('digits.yaml')), size: 1 } };
    expect(end(JSON.stringify({ ...good, files: outside }))).toContain('`files` is malformed');
    expect(JSON.parse(rig.finn(['verify-build', built, '--json']).out)).toMatchObject({
      ok: false,
      malformed: expect.stringContaining('`files` is malformed'),
    });
    expect(rig.finn(['verify-build', 'nowhere'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('nowhere: there is no such file'),
    });
  });
});

describe('finn diff', () => {
  it('shows two builds side by side', () => {
    expect(rig.finn(upTo('fold')).status).toBe(0);
    cpSync(rig.path(built), rig.path('before'), { recursive: true });
    expect(rig.finn(['diff', 'before', built])).toEqual({ status: 0, out: 'the builds are the same\n', err: '' });

    rig.edit('digits.yaml', 'MVAU_1: { pe: 2, simd: 32 }', 'MVAU_1: { pe: 4, simd: 32 }');
    expect(rig.finn(upTo('fold')).status).toBe(0);
    const { status, out, err } = rig.finn(['diff', 'before', `${built}/build.json`]);
    expect([status, err]).toEqual([1, '']);
    expect(out).toMatch(/^made of\n {2}recipe file digits\.yaml: [0-9a-f]{12} → [0-9a-f]{12}\n/);
    expect(out).toMatch(/^steps that made something else\n {2}fold\/digits\/hx8k\n/m);
    expect(out).toMatch(/^ {2}MVAU_1 {2}pe 2 → 4, cycles 32 → 16, ~LUT \d+ → \d+, ~FF \d+ → \d+$/m);
    expect(out).not.toMatch(/^ {2}MVAU_0 /m);
    expect(out).toMatch(/^ {2}lut: \d+ → \d+ \(\+[\d.]+ %\)$/m);
    expect(out).toMatch(/^ {2}report\/estimate_layer_cycles\.json: /m);
    expect(out).not.toContain('intermediate_models/lower.onnx');

    const json = JSON.parse(rig.finn(['diff', 'before', built, '--json']).out);
    expect(json).toMatchObject({
      same: false,
      steps: ['fold/digits/hx8k'],
      layers: { MVAU_1: expect.arrayContaining([{ name: 'pe', was: '2', is: '4' }]) },
    });
  });

  it('ends with 2 where one of them is no build', () => {
    expect(rig.finn(['diff', '.', '.'])).toMatchObject({ status: 2, err: expect.stringContaining('[cli/file]') });
  });
});

describe('finn build --check', () => {
  it('builds twice in other circumstances, finds the same bytes, and places them', () => {
    mkdirSync(rig.path('conf'));
    rig.write('conf/finn.config.yaml', 'cache: { path: the-cache }\n');
    const { status, out, err } = rig.finn(upTo('codegen', '--check', '--jobs', '2'), {
      FINN_CONFIG: 'conf/finn.config.yaml',
    });
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/^-- the first: 2 jobs, C, UTC\n/);
    expect(out).toMatch(/^-- the second: 1 job, tr_TR\.UTF-8, Pacific\/Chatham$/m);
    expect(out).toMatch(/^-- one from the cache: .*\n.*0 ran/m);
    expect(out).toMatch(/1 build made twice and restored once: every file is the same\n$/);
    expect([rig.has('.finn'), rig.has('conf/the-cache')]).toEqual([false, false]);
    expect(rig.finn(['verify-build', built, '--recipe', 'digits.yaml']).status).toBe(0);
  });

  it('names the step, the file and the byte where a program makes something else each time', () => {
    rig.edit(
      'digits.yaml',
      'file: digits.onnx',
      'run: [node, make.mjs]\n      inputs: [make.mjs, digits.onnx]\n      output: model.onnx',
    );
    // A doc_string of the moment, behind the model.
    rig.write(
      'make.mjs',
      `import { appendFileSync, copyFileSync } from 'node:fs';
       copyFileSync('digits.onnx', 'model.onnx');
       const text = String(process.hrtime.bigint()).padStart(30, ' ');
       appendFileSync('model.onnx', Buffer.concat([Buffer.from([0x32, text.length]), Buffer.from(text)]));`,
    );
    const { status, out } = rig.finn(upTo('import', '--check', '--allow-run'));
    expect(status).toBe(1);
    expect(out).toContain('hx8k: ');
    expect(out).toContain('of the same inputs something else was made by run-model/digits (model)\n');
    expect(out).toMatch(/^ {2}build\.json, byte \d+\n {4}- ".*"\n {4}\+ ".*"$/m);
    const kept = /the results differ; all that was made is kept in (\S+)/.exec(out)?.[1] ?? '';
    expect(listTree(kept)).toContain('a/out/digits/hx8k/build.json');
    expect([rig.has('build'), rig.has('.finn'), rig.has('finn.lock')]).toEqual([false, false, false]);
    rmSync(kept, { recursive: true });
    const json = rig.finn(upTo('import', '--check', '--allow-run', '--json'));
    const told = JSON.parse(json.out);
    expect([json.status, told.same]).toEqual([1, false]);
    expect(told.differences[0].unsteady).toEqual(['run-model/digits (model)']);
    rmSync(told.kept, { recursive: true });
  });

  it('places nothing where there is something else, neither beside it nor behind a link, and looks before it builds', () => {
    mkdirSync(rig.path(built), { recursive: true });
    rig.write(`${built}/thesis.txt`, 'three years');
    const refused = rig.finn(upTo('codegen', '--check'));
    expect([refused.status, refused.out]).toEqual([2, '']);
    expect(refused.err).toContain(`${built} holds what is no build of finn's: thesis.txt`);
    // A build.json of another program does not make it one.
    rig.write(`${built}/build.json`, '{"builders": []}');
    expect(rig.finn(upTo('codegen', '--check')).err).toContain('holds what is no build of finn');
    expect(rig.finn(upTo('fold')).err).toContain('holds what is no build of finn');
    expect(rig.read(`${built}/thesis.txt`)).toBe('three years');
    rmSync(rig.path(built), { recursive: true });
    mkdirSync(rig.path('mine'));
    rig.write('mine/thesis.txt', 'three years');
    symlinkSync(rig.path('mine'), rig.path(built));
    expect(rig.finn(upTo('codegen', '--check'))).toMatchObject({ status: 2, out: '' });
    expect(listTree(rig.path('mine'))).toEqual(['thesis.txt']);
  });

  it('refuses steps that are none before it builds', () => {
    for (const option of ['--until', '--force']) {
      const { status, out, err } = rig.finn(['build', 'digits.yaml', option, 'flod', '--check']);
      expect([status, out]).toEqual([2, '']);
      expect(err).toContain("there is no step 'flod' [cli/usage]\n  hint: did you mean `fold`?");
    }
  });

  it('ends as the build ends where that fails', () => {
    rig.edit('digits.yaml', 'MVAU_1: { pe: 2, simd: 32 }', 'MVAU_1: { pe: 3, simd: 32 }');
    const { status, out } = rig.finn(upTo('fold', '--check'));
    expect(status).toBe(1);
    expect(out).toContain('[fold/does-not-divide]');
    expect(rig.has('build')).toBe(false);
    const json = rig.finn(upTo('fold', '--check', '--json'));
    expect([json.status, JSON.parse(json.out)]).toEqual([
      1,
      { type: 'checked', same: false, failed: 'the first', status: 1 },
    ]);
    expect(json.err).toContain('[fold/does-not-divide]');
  });
});
