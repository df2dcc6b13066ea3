import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace } from '../e2e/workplace.ts';

/** A stranger's recipe, opened with the real command line; `marks/` shows what was executed. */
let work: Workplace;
beforeEach(() => {
  work = new Workplace();
  work.addDigits();
  mkdirSync(work.path('marks'));
  mkdirSync(work.path('bin'));
});
afterEach(() => work.remove());

const marks = (): string[] => readdirSync(work.path('marks')).sort();
/** A program that leaves a mark whatever it is called with, and a model. */
function program(name: string): string {
  const mark = `${work.path('marks')}/${name.replaceAll('/', '_')}`;
  const model = work.path('digits.onnx');
  work.write(
    name,
    `#!/bin/sh\necho "$*" >> ${mark}\necho version 1.0\n[ "$1" = --version ] || cp ${model} model.onnx\n`,
  );
  chmodSync(work.path(name), 0o755);
  return work.path(name);
}
const finn = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  work.start(args, undefined, { PATH: `${work.path('bin')}:${process.env['PATH']}`, ...environment });
const source = (yaml: string): void => work.edit('digits.yaml', 'file: digits.onnx', yaml);

describe('looking at a recipe executes nothing of it', () => {
  const looks = [['validate'], ['plan'], ['graph'], ['explain', 'fold']] as const;
  const look = async (environment?: Readonly<Record<string, string>>): Promise<string> => {
    let said = '';
    for (const [command, ...rest] of looks) {
      const { out, err } = await finn([command, 'digits.yaml', ...rest], environment);
      said += out + err;
      expect(said).not.toContain('defect');
    }
    return said;
  };

  it('no program of a `run` source, not even for its version', async () => {
    program('bin/evil');
    source('run: [evil, --out, model.onnx]\n      output: model.onnx');
    expect(await look()).toContain('the model is made by `evil --out model.onnx`');
    const { status, err } = await finn(['build', 'digits.yaml']);
    expect(status).toBe(2);
    expect(err).toContain('digits.yaml wants to run `evil --out model.onnx` [trust/run]');
    expect((await finn(['lock', 'digits.yaml'])).status).toBe(2);
    expect([marks(), work.has('the-cache')]).toEqual([[], false]);
  });

  it('no program that lies beside it, trusted or not; it is no program of the machine', async () => {
    program('evil.sh');
    work.write('finn.config.yaml', 'trust: { run: [.] }\n');
    source('run: [./evil.sh]\n      output: model.onnx');
    expect(await look()).toContain('begins with "./evil.sh", which is no program of this machine');
    expect((await finn(['build', 'digits.yaml', '--allow-run'])).status).toBe(2);
    expect(marks()).toEqual([]);
  });

  it('a trusted program by its path runs in a build, and is named before', async () => {
    const path = program('evil.sh');
    work.write('finn.config.yaml', 'trust: { run: [.] }\n');
    source(`run: [${path}, a b]\n      output: model.onnx`);
    await look();
    expect(marks()).toEqual([]);
    const { status, out } = await finn(['build', 'digits.yaml', '--build', 'icebreaker', '--until', 'import']);
    expect([status, marks(), work.read('marks/evil.sh')]).toEqual([0, ['evil.sh'], 'a b\n']);
    expect(out.indexOf(`runs \`${path} a b\``)).toBeGreaterThan(-1);
    expect(out.indexOf(`runs \`${path} a b\``)).toBeLessThan(out.indexOf('✓ run-model'));
    // Who opens strangers' recipes names a config of his own.
    const other = await finn(['build', 'digits.yaml', '--force', 'run-model'], { FINN_CONFIG: '/dev/null' });
    expect([other.status, work.read('marks/evil.sh')]).toEqual([2, 'a b\n']);
  });

  it('words of a command are words: there is no shell', async () => {
    program('bin/evil');
    source('run: [evil, "; touch ../pwned", "$(touch pwned)", "`id`", "&&", "|", "> x"]\n      output: model.onnx');
    const { status } = await finn([
      'build',
      'digits.yaml',
      '--build',
      'icebreaker',
      '--until',
      'import',
      '--allow-run',
    ]);
    expect(status).toBe(0);
    expect(work.read('marks/bin_evil').split('\n')).toEqual([
      '--version',
      '; touch ../pwned $(touch pwned) `id` && | > x',
      '',
    ]);
    expect(['pwned', '../pwned', 'x'].filter((name) => work.has(name))).toEqual([]);
  });

  it('what a program leaves is a file of its folder, and its inputs are files of the recipe’s', async () => {
    work.write('secret.onnx', work.bytes('digits.onnx'));
    work.write(
      'bin/evil',
      `#!/bin/sh\necho 1.0\n[ "$1" = --version ] || ln -s ${work.path('secret.onnx')} model.onnx\n`,
    );
    chmodSync(work.path('bin/evil'), 0o755);
    source('run: [evil]\n      output: model.onnx');
    const { status, out, err } = await finn(['build', 'digits.yaml', '--until', 'import', '--allow-run']);
    expect(status).toBe(1);
    expect(out + err).toContain('model.onnx is a link that leaves the folder of the call');
    work.edit('digits.yaml', 'run: [evil]', 'run: [evil]\n      inputs: [linked.txt]');
    symlinkSync('/etc/hostname', work.path('linked.txt'));
    const linked = await finn(['build', 'digits.yaml', '--until', 'import', '--allow-run']);
    expect([linked.status, linked.out]).toEqual([2, '']);
    expect(linked.err).toContain('linked.txt is /etc/hostname, which lies outside of the project');
  });

  it('no programmer of a board file', async () => {
    program('bin/iceprog');
    work.write('board.yaml', boardFile);
    work.write('icebreaker.pcf', pins);
    work.edit('digits.yaml', 'board: icebreaker, ', 'board: ./board.yaml, ');
    await look();
    mkdirSync(work.path('out/bitfile'), { recursive: true });
    work.write('out/bitfile/finn-accel.bin', 'bits');
    const manifest = (board: string): void => work.write('out/build.json', JSON.stringify({ target: { board } }));
    for (const board of ['./board.yaml', work.path('board.yaml'), '../board', '__proto__']) {
      manifest(board);
      const { status, err } = await finn(['program', 'out']);
      expect([status, marks()]).toEqual([2, []]);
      expect(err).toContain('which does not come with finn');
    }
    const refused = await finn(['program', 'out', '--board', './board.yaml']);
    expect([refused.status, marks()]).toEqual([2, []]);
    expect(refused.err).toMatch(/board\.yaml wants to run `iceprog .*finn-accel\.bin`/);
    const allowed = await finn(['program', 'out', '--board', './board.yaml', '--allow-run']);
    expect([allowed.status, marks()]).toEqual([0, ['bin_iceprog']]);
    expect(allowed.err).toMatch(/board\.yaml runs `iceprog /);
  });
});

const boardFile = `name: a stranger's
family: ice40
part: up5k-sg48
toolchain: yosys-nextpnr
device: up5k
package: sg48
shell: uart
pins: icebreaker.pcf
clock: { pin: 35, mhz: 12, pll: { output: { min_mhz: 16, max_mhz: 275 }, vco: { min_mhz: 533, max_mhz: 1066 }, pfd: { min_mhz: 10, max_mhz: 133 } } }
resources: { lut: 5280, ff: 5280, bram: 30, dsp: 8 }
program: [iceprog, $bitstream]
`;
const pins = 'set_io clk 35\nset_io rx 6\nset_io tx 9\n';

describe('looking at a recipe fetches nothing', () => {
  let server: Server;
  let asked = 0;
  beforeEach(async () => {
    asked = 0;
    server = createServer((_, response) => {
      asked += 1;
      response.end('not a model');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => server.close());

  it('and what a build fetches is kept only if it is a model', async () => {
    source(`url: http://127.0.0.1:${(server.address() as AddressInfo).port}/m.onnx`);
    for (const args of [['validate'], ['plan'], ['graph'], ['explain', 'fold']])
      await finn([args[0]!, 'digits.yaml', ...args.slice(1)]);
    expect([asked, work.has('the-cache')]).toEqual([0, false]);
    const { status, out, err } = await finn(['build', 'digits.yaml', '--until', 'fetch']);
    expect([status, asked]).toEqual([1, 1]);
    expect(out + err).toContain('m.onnx is not an ONNX file (11 bytes)');
    expect(work.has('the-cache/objects')).toBe(false);
  });
});

describe('a file of the machine that is no model', () => {
  it('is not kept, though a recipe names it', async () => {
    source('file: /etc/passwd');
    const { status, out, err } = await finn(['build', 'digits.yaml', '--until', 'fetch']);
    expect(status).toBe(1);
    expect(out + err).toContain('/etc/passwd is not an ONNX file');
    expect(out + err).not.toContain('root:');
    expect(work.has('the-cache/objects')).toBe(false);
  });
});

describe('folders that a repository brings', () => {
  const build = () => finn(['build', 'digits.yaml', '--build', 'icebreaker', '--until', 'fold']);
  beforeEach(() => {
    mkdirSync(work.path('mine'));
    work.write('mine/thesis.txt', 'three years');
  });
  const mine = (): string[] => readdirSync(work.path('mine'));

  it.each([
    ['build/digits', 'mine'],
    ['build/digits/icebreaker', 'mine'],
    ['build/digits/icebreaker/report', 'mine'],
    ['build/digits/icebreaker/intermediate_models/deep', 'mine'],
  ])('%s may not be a link', async (name, to) => {
    mkdirSync(work.path(`${name}/..`), { recursive: true });
    symlinkSync(work.path(to), work.path(name));
    const { status, err } = await build();
    expect([status, mine()]).toEqual([2, ['thesis.txt']]);
    expect(err).toContain(`${name} is a link to another folder, where finn writes nothing [cli/file]`);
    const cleaned = await finn(['clean', 'digits.yaml']);
    expect([cleaned.status, mine()]).toEqual([0, ['thesis.txt']]);
  });

  it('a link to a file is replaced, not followed', async () => {
    mkdirSync(work.path('build/digits/icebreaker'), { recursive: true });
    symlinkSync(work.path('mine/thesis.txt'), work.path('build/digits/icebreaker/time_per_step.json'));
    symlinkSync(work.path('mine/thesis.txt'), work.path('build/digits/icebreaker/build.json'));
    expect(await build()).toMatchObject({ status: 0, err: '' });
    expect(work.read('mine/thesis.txt')).toBe('three years');
    expect(lstatSync(work.path('build/digits/icebreaker/build.json')).isFile()).toBe(true);
  });

  it('what is no build is not replaced by one', async () => {
    mkdirSync(work.path('build/digits/icebreaker'), { recursive: true });
    work.write('build/digits/icebreaker/thesis.txt', 'three years');
    const { status, err } = await build();
    expect(status).toBe(2);
    expect(err).toContain("build/digits/icebreaker holds what is no build of finn's: thesis.txt");
    expect(work.read('build/digits/icebreaker/thesis.txt')).toBe('three years');
  });

  it('clean removes nothing behind links', async () => {
    mkdirSync(work.path('mine/work'));
    mkdirSync(work.path('mine/downloads'));
    symlinkSync(work.path('mine'), work.path('a-cache'));
    const { status, err } = await finn(['clean', '--cache'], { FINN_CACHE: work.path('a-cache') });
    expect(status).toBe(2);
    expect(err).toContain('is a link, and finn removes nothing behind links');
    mkdirSync(work.path('cache2'));
    symlinkSync(work.path('mine'), work.path('cache2/objects'));
    expect((await finn(['clean', '--cache'], { FINN_CACHE: work.path('cache2') })).status).toBe(0);
    expect(mine().sort()).toEqual(['downloads', 'thesis.txt', 'work']);
    expect(existsSync(work.path('cache2'))).toBe(false);
  });
});

describe('what is printed', () => {
  const tricks = '\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202e';
  it('acts on no terminal', async () => {
    program('bin/evil');
    source(`run: [evil, ${JSON.stringify(tricks)}]\n      output: model.onnx`);
    const said: string[] = [];
    for (const args of [
      ['validate', 'digits.yaml'],
      ['plan', 'digits.yaml'],
      ['build', 'digits.yaml'],
      ['build', 'digits.yaml', '--build', 'icebreaker', '--until', 'import', '--allow-run'],
    ]) {
      const { out, err } = await finn(args);
      said.push(out + err);
    }
    for (const text of said) {
      expect(text).toContain('pwned');
      expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    }
    const { out } = await finn(['plan', 'digits.yaml', '--json']);
    expect(out).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(JSON.stringify(JSON.parse(out))).toContain(JSON.stringify(tricks).slice(1, -1));
  });
});
