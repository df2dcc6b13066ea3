import { mkdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lock } from '../../src/commands/lock.ts';
import { sha256 } from '../../src/util/hash.ts';
import { Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
});
afterEach(() => rig.remove());

const lock = (): Lock => JSON.parse(rig.read('finn.lock'));
const change = (
  edit: (lock: {
    lock: number;
    sources: Record<string, string>;
    tools: Record<string, Record<string, string>>;
  }) => void,
): void => {
  const read = JSON.parse(rig.read('finn.lock'));
  edit(read);
  rig.write('finn.lock', JSON.stringify(read));
};
const locked = (...more: string[]) => rig.finn(['build', 'digits.yaml', '--build', 'hx8k', '--locked', ...more]);

describe('finn lock', () => {
  it('pins tools by kind and version, finn among them, and says what changes', () => {
    const { status, out } = rig.finn(['lock', 'digits.yaml']);
    expect(status).toBe(0);
    expect(out).toMatch(/^ {2}yosys \(npm\): new → [\d.]+$/m);
    expect(out).toMatch(/^finn\.lock: written; keep it in git$/m);
    const { lock: format, sources, tools } = lock();
    expect([format, sources]).toEqual([2, {}]);
    expect(Object.keys(tools)).toEqual(['clang', 'finn', 'icepack', 'nextpnr-ice40', 'yosys']);
    for (const kinds of Object.values(tools)) expect(kinds).toEqual({ npm: expect.stringMatching(/^\d/) });
    expect(rig.has('build')).toBe(false);
    const before = rig.read('finn.lock');
    expect(rig.finn(['lock', 'digits.yaml', '--check'])).toMatchObject({ status: 0 });
    expect(rig.finn(['lock', 'digits.yaml']).out).toContain('finn.lock: unchanged');
    expect(rig.read('finn.lock')).toBe(before);
  });

  it('takes out what no recipe of the folder uses any more, and keeps what another one does', () => {
    rig.write(
      'other.yaml',
      rig
        .read('digits.yaml')
        .replace('file: digits.onnx', 'run: [node, make.mjs]\n      inputs: []\n      output: m.onnx'),
    );
    const [stale, used] = ['0'.repeat(64), '1'.repeat(64)];
    const sources = { 'https://example.org/gone.onnx': stale, 'node make.mjs → m.onnx': used };
    rig.write(
      'finn.lock',
      JSON.stringify({ lock: 2, sources, tools: { gone: { native: '1' }, node: { native: 'v1' } } }),
    );
    const check = rig.finn(['lock', 'digits.yaml', '--check']);
    expect([check.status, check.out]).toEqual([1, expect.stringMatching(/finn\.lock: \d+ changes behind\n$/)]);
    expect(Object.keys(lock().sources)).toHaveLength(2);
    const { status, out } = rig.finn(['lock', 'digits.yaml']);
    expect(status).toBe(0);
    expect(out).toContain(`  https://example.org/gone.onnx: sha256 ${stale} → gone\n`);
    expect(lock().sources).toEqual({ 'node make.mjs → m.onnx': used });
    expect(Object.keys(lock().tools)).toEqual(['clang', 'finn', 'icepack', 'nextpnr-ice40', 'node', 'yosys']);
    // While a recipe of the folder cannot be read, nobody knows what it uses.
    rig.write('other.yaml', 'finn: 1\nbuilds: { a: b }\n');
    expect(rig.finn(['lock', 'digits.yaml']).status).toBe(0);
    expect(lock().sources).toEqual({ 'node make.mjs → m.onnx': used });
  });
});

describe('finn build --locked', () => {
  it('names every tool that is another kind or version, with both, before anything runs', () => {
    expect(rig.finn(['lock', 'digits.yaml']).status).toBe(0);
    const { tools } = lock();
    change(({ tools: pinned }) => {
      pinned['yosys'] = { native: '0.23' };
      pinned['clang'] = { npm: '1.0' };
      pinned['finn'] = { npm: '0.0.1' };
      delete pinned['icepack'];
    });
    rig.finn(['clean', '--cache']);
    const { status, out, err } = locked();
    expect([status, out]).toEqual([2, '']);
    const here = (tool: string): string => `npm ${tools[tool]!['npm']} here`;
    for (const line of [
      `yosys is ${here('yosys')}; finn.lock has native 0.23`,
      `clang is ${here('clang')}; finn.lock has npm 1.0`,
      `finn is ${here('finn')}; finn.lock has npm 0.0.1`,
      `icepack is ${here('icepack')}; finn.lock has none`,
    ])
      expect(err).toContain(`error: ${line} [lock/drift]\n`);
    expect(err).not.toContain('nextpnr');
    expect(rig.has('.finn/steps')).toBe(false);
  });

  it('builds with a lock that holds, and holds only what is built to it', () => {
    expect(rig.finn(['lock', 'digits.yaml']).status).toBe(0);
    change(({ tools }) => void delete tools['icepack']);
    expect(locked('--until', 'fold')).toMatchObject({ status: 0, err: '' });
  });

  it('takes the sources of a lock of format 1, which does not say kinds of tools', () => {
    rig.write('finn.lock', JSON.stringify({ lock: 1, sources: {}, tools: { yosys: '0.1' } }));
    expect(locked().err).toMatch(
      /error: yosys is npm [\d.]+ here; finn\.lock has none \[lock\/drift\]\n {2}hint: `finn lock` adds it/,
    );
  });

  it('holds what a program makes to the lock before anything is built of it', () => {
    rig.edit(
      'digits.yaml',
      'file: digits.onnx',
      'run: [node, make.mjs]\n      inputs: [make.mjs, digits.onnx]\n      output: model.onnx',
    );
    rig.write('make.mjs', "import { copyFileSync } from 'node:fs'; copyFileSync('digits.onnx', 'model.onnx');\n");
    expect(rig.finn(['lock', 'digits.yaml', '--allow-run']).status).toBe(0);
    expect(lock().sources).toEqual({ 'node make.mjs → model.onnx': sha256(rig.bytes('digits.onnx')) });
    change(({ sources }) => {
      sources['node make.mjs → model.onnx'] = '2'.repeat(64);
    });
    rig.finn(['clean', '--cache']);
    const { status, out, err } = locked('--until', 'import', '--allow-run');
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(
      `\`node make.mjs → model.onnx\` gives sha256 ${sha256(rig.bytes('digits.onnx'))}; finn.lock has 2222`,
    );
    expect([rig.has('.finn/steps/run-model'), rig.has('.finn/steps/import')]).toEqual([true, false]);
  });

  it('says what is wrong with a lock that cannot be read', () => {
    const said = (text: string): string => {
      rig.write('finn.lock', text);
      const { status, err } = rig.finn(['build', 'digits.yaml', '--locked']);
      expect(status).toBe(2);
      return err;
    };
    expect(said('{"lock": 3, "sources": {}, "tools": {}}')).toContain('its format is 3, and this finn reads 2');
    expect(said('{"lock": 2, "sources": {}}')).toContain('is not a lock file of finn: it lacks `tools`');
    expect(said('{"lock": 2, "sources": {"x": 1}, "tools": {}}')).toContain('`sources` is malformed');
    expect(said('{"lock": 2,')).toContain('finn.lock is not a lock file of finn: ');
    expect(said('<<<<<<< HEAD\n{\n=======\n{\n>>>>>>> x\n')).toContain('has the marks of a merge that was not ended');
    rmSync(rig.path('finn.lock'));
    mkdirSync(rig.path('finn.lock'));
    expect(rig.finn(['plan', 'digits.yaml']).err).toContain('finn.lock is not a lock file of finn: it is no file');
  });

  it('tells when a build without it replaces a pin', () => {
    expect(rig.finn(['lock', 'digits.yaml']).status).toBe(0);
    change(({ tools }) => {
      tools['finn'] = { npm: '0.0.1' };
      // What is only added is no news.
      delete tools['yosys'];
    });
    const { status, err } = rig.finn(['build', 'digits.yaml', '--until', 'fetch']);
    expect([status, err]).toEqual([0, expect.stringMatching(/^finn\.lock: finn \(npm\): 0\.0\.1 → [\d.]+\n$/)]);
    expect(lock().tools['finn']).not.toEqual({ npm: '0.0.1' });
  });
});
