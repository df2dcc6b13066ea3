import { chmodSync, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/util/hash.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.remove());

const commands = [
  'init', 'validate', 'plan', 'explain', 'build', 'graph', 'exec', 'inspect', 'boards', 'operators', 'doctor', 'cache',
  'clean', 'lock', 'bundle', 'verify-build', 'diff', 'program',
]; // biome-ignore format: a list

describe('the command line', () => {
  it('has a version, and help with an example for every command', () => {
    expect(rig.finn(['--version'])).toEqual({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' });
    const help = rig.finn(['--help']);
    expect(help.status).toBe(0);
    for (const command of commands) {
      expect(help.out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
      const own = rig.finn([command, '--help']);
      expect(own.status).toBe(0);
      expect(own.out).toMatch(new RegExp(`\nExample:\n  \\$ finn ${command} ?.*\n$`));
    }
  });

  it('ends with 2 and a suggestion where it is mistyped', () => {
    expect(rig.finn(['bulid', 'x.yaml'])).toEqual({
      status: 2,
      out: '',
      err: "error: unknown command 'bulid'\n(Did you mean build?)\n",
    });
    expect(rig.finn(['build', 'x.yaml', '--untl', 'fold'])).toEqual({
      status: 2,
      out: '',
      err: "error: unknown option '--untl'\n(Did you mean --until?)\n",
    });
    expect(rig.finn(['build']).status).toBe(2);
    expect(rig.finn([]).status).toBe(2);
    expect(rig.finn(['build', 'none.yaml'])).toEqual({
      status: 2,
      out: '',
      err: 'error: there is no recipe none.yaml [config/unreadable]\n  hint: `finn init` writes one\n',
    });
  });
});

describe('finn boards', () => {
  it('shows one', () => {
    expect(rig.finn(['boards', 'icebreaker'])).toEqual({
      status: 0,
      out: [
        'icebreaker  iCEBreaker',
        'part        up5k-sg48 (ice40)',
        'tools       yosys-nextpnr',
        'builds      up to a bitstream',
        'resources   lut 5280, ff 5280, bram 30, dsp 8, spram 4',
        'clock       12 MHz, 16 to 275 MHz by its PLL',
        'shell       uart',
        'pins        clk 35, rx 6, tx 9, led 37',
        'program     iceprog $bitstream',
        '',
      ].join('\n'),
      err: '',
    });
    expect(rig.finn(['boards', 'icebraker']).err).toContain('did you mean `icebreaker`?');
  });

  it('lists all, as JSON too', () => {
    const list = JSON.parse(rig.finn(['boards', '--json']).out) as { board: string; bitstream: boolean }[];
    expect(list.filter(({ bitstream }) => bitstream).map(({ board }) => board)).toEqual([
      'ice40-hx8k-b-evn',
      'icebreaker',
      'tinyfpga-bx',
      'ulx3s-85f',
      'upduino-3',
    ]);
    expect(JSON.parse(rig.finn(['boards', 'kv260', '--json']).out)).toMatchObject({ board: 'kv260', bitstream: false });
  });
});

describe('finn operators', () => {
  it('lists layers and ONNX operators, and shows one', () => {
    expect(rig.finn(['operators']).out).toMatch(/^MVAU +pe, simd, memory, pixels +\S/m);
    expect(rig.finn(['operators', 'MVAU']).out).toMatch(/^simd +integer +SIMD +\S/m);
    expect(rig.finn(['operators', 'Softmax'])).toEqual({
      status: 0,
      out: 'Softmax: an operator of ONNX that finn reads and runs; it is no hardware layer itself\n',
      err: '',
    });
    const unknown = rig.finn(['operators', 'MVAUU']);
    expect(unknown.status).toBe(2);
    expect(unknown.err).toContain('did you mean `MVAU`?');
    const { layers, onnx } = JSON.parse(rig.finn(['operators', '--json']).out);
    expect(layers.map(({ name }: { name: string }) => name)).toContain('LabelSelect');
    expect(onnx).toContainEqual({ name: 'MatMul', domain: '' });
  });
});

describe('finn doctor', () => {
  it('finds the tools of npm, and says what is not here', () => {
    const { status, out } = rig.finn(['doctor', '--json'], { PATH: rig.folder });
    expect(status).toBe(0);
    const { ok, tools } = JSON.parse(out) as { ok: boolean; tools: Record<string, string>[] };
    expect(ok).toBe(true);
    for (const { tool, provider, version, problem } of tools) {
      if (provider === 'npm') expect([tool, version]).toEqual([tool, expect.stringMatching(/\d/)]);
      else expect([tool, problem]).toEqual([tool, expect.stringContaining('there is no program')]);
    }
    expect(rig.finn(['doctor'], { PATH: rig.folder }).out).toMatch(/^not here +verilator +native/m);
  });
});

describe('finn init', () => {
  it('writes a recipe that builds, and overwrites nothing', () => {
    mkdirSync(rig.path('net'));
    rig.write('net/.gitignore', 'mine\n');
    const { status, out, err } = rig.finn(['init', 'net']);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('kept  net/.gitignore\n');
    expect(out).toContain('next: finn build net/recipe.yaml\n');
    expect(rig.read('net/.gitignore')).toBe('mine\n');
    expect(rig.finn(['validate', 'net/recipe.yaml'])).toEqual({
      status: 0,
      out: 'net/recipe.yaml: right, 1 build\n',
      err: '',
    });
    expect(rig.finn(['build', 'net/recipe.yaml', '--until', 'fold']).status).toBe(0);
    expect(rig.has('net/.finn')).toBe(true);
    const again = rig.finn(['init', 'net']);
    expect(again.status).toBe(2);
    expect(again.err).toContain('net/recipe.yaml is there already');
  });
});

describe('finn program', () => {
  const path = (folder: string): Record<string, string> => ({ PATH: `${folder}:/usr/bin:/bin` });
  beforeEach(() => {
    mkdirSync(rig.path('out/bitfile'), { recursive: true });
    mkdirSync(rig.path('bin'));
    rig.write('out/build.json', JSON.stringify({ format: 1, target: { board: 'icebreaker' } }));
    rig.write('out/bitfile/finn-accel.bin', 'the bitstream');
  });
  const programmer = (script: string): void => {
    rig.write('bin/iceprog', `#!/bin/sh\n${script}\n`);
    chmodSync(rig.path('bin/iceprog'), 0o755);
  };

  it('hands the bitstream to the programmer of the board', () => {
    programmer('echo "$# $(cat "$1")"');
    expect(rig.finn(['program', 'out'], path(rig.path('bin')))).toEqual({
      status: 0,
      out: '1 the bitstream\n',
      err: '',
    });
  });

  it('hands on nothing that the build did not make', () => {
    programmer('echo "$# $(cat "$1")"');
    const build = (content: string): string =>
      JSON.stringify({
        target: { board: 'icebreaker' },
        files: { 'bitfile/finn-accel.bin': { sha256: sha256(content) } },
      });
    rig.write('out/build.json', build('another'));
    expect(rig.finn(['program', 'out'], path(rig.path('bin')))).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringContaining(`has sha256 ${sha256('the bitstream')}, but the build made ${sha256('another')}`),
    });
    rig.write('out/build.json', build('the bitstream'));
    expect(rig.finn(['program', 'out'], path(rig.path('bin'))).status).toBe(0);
  });

  it('ends with 1 where the programmer fails and 3 where there is none', () => {
    expect(rig.finn(['program', 'out'], { PATH: rig.path('bin') })).toMatchObject({
      status: 3,
      err: expect.stringContaining("there is no program 'iceprog' on this machine"),
    });
    programmer('echo no board; exit 4');
    expect(rig.finn(['program', 'out'], path(rig.path('bin')))).toEqual({
      status: 1,
      out: 'no board\n',
      err: 'error: iceprog ended with status 4 [tool/failed]\n',
    });
  });

  it('ends with 2 where there is no build, no bitstream or no such board', () => {
    expect(rig.finn(['program', '.']).err).toContain('build.json: there is no such file');
    expect(rig.finn(['program', 'out', '--board', 'pynq-z1'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('finn makes no bitstreams for pynq-z1'),
    });
    rig.write('out/build.json', '{}');
    expect(rig.finn(['program', 'out']).err).toContain('is no build.json of finn');
  });
});
