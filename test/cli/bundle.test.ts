import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import type { Invocation } from '../../src/engine/invocation.ts';
import { Invoker } from '../../src/engine/invoke.ts';
import { Rooms } from '../../src/engine/rooms.ts';
import { openStore } from '../../src/engine/store.ts';
import { yosys } from '../../src/tools/yosys.ts';
import { Rig } from './rig.ts';

const text = new TextDecoder();
let rig: Rig;
let elsewhere: string;
beforeEach(() => {
  rig = new Rig();
  elsewhere = mkdtempSync(join(tmpdir(), 'finn-bundle-'));
});
afterEach(() => {
  rig.remove();
  rmSync(elsewhere, { recursive: true, force: true });
});

/** Makes the digits' model come from a program that fails, called as a native tool. */
function failing(script: string): void {
  rig.addDigits();
  rig.edit(
    'digits.yaml',
    'file: digits.onnx',
    'run: [fake, "two words", model.onnx]\n      inputs: [data.txt]\n      output: model.onnx',
  );
  rig.write('data.txt', 'the data\n');
  mkdirSync(rig.path('bin'), { recursive: true });
  rig.write('bin/fake', `#!/bin/sh\nif [ "$1" = --version ]; then echo fake 1.2.3; exit; fi\n${script}\n`);
  chmodSync(rig.path('bin/fake'), 0o755);
}
const path = (): Record<string, string> => ({ PATH: `${rig.path('bin')}:${process.env['PATH']}` });
const build = () => rig.finn(['build', 'digits.yaml', '--until', 'import', '--build', 'hx8k', '--allow-run'], path());

/** Unpacks a bundle somewhere else; the folder. */
function unpack(zip: string): string {
  const files = unzipSync(rig.bytes(zip));
  for (const [name, bytes] of Object.entries(files)) {
    const target = join(elsewhere, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
  }
  return join(elsewhere, Object.keys(files)[0]!.split('/')[0]!);
}

const runAgain = (folder: string, env = path()) =>
  spawnSync(process.execPath, ['run.mjs'], { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });

describe('finn bundle', () => {
  it('packs a failed call so that it can be run again, and names nothing of this machine', () => {
    failing(
      'cat data.txt; echo "$1 in $PWD on $(hostname)"; echo "$PWD" > left.txt; printf "\\0$PWD" > left.bin; exit 4',
    );
    const failed = build();
    expect(failed.status).toBe(1);
    expect(failed.out).toContain('`finn bundle` packs them');
    const { status, out, err } = rig.finn(['bundle', 'digits.yaml', '-o', 'one.zip']);
    expect([status, out]).toEqual([0, expect.stringMatching(/^one\.zip: run-model\/digits, \d+ files, [\d.]+ kB\n$/)]);
    expect(err).toMatch(/^note: left\.bin, which the tool left behind, .* left out$/m);

    const files = unzipSync(rig.bytes('one.zip'));
    const [folder] = Object.keys(files)[0]!.split('/');
    expect(folder).toMatch(/^failed-fake-[0-9a-f]{12}$/);
    expect(Object.keys(files)).toEqual(
      ['README.txt', 'call.json', 'fake.log', 'files/data.txt', 'left/left.txt', 'run.mjs'].map(
        (name) => `${folder}/${name}`,
      ),
    );
    expect(text.decode(files[`${folder}/fake.log`])).toMatch(/^the data\ntwo words in <run> on /);
    const words = [rig.folder, tmpdir(), hostname(), userInfo().username].filter((word) => word.length > 5);
    for (const [name, bytes] of Object.entries(files))
      expect([name, ...words.filter((word) => text.decode(bytes).includes(word))]).toEqual([name]);
    const readme = text.decode(files[`${folder}/README.txt`]);
    expect(readme).toContain("\n  fake 'two words' model.onnx\n");
    expect(readme).toContain('It ended with status 4.');
    expect(readme).toContain('fake 1.2.3 (native)');
    expect(JSON.parse(text.decode(files[`${folder}/call.json`]))).toMatchObject({
      step: 'run-model',
      scope: ['digits'],
      tool: 'fake',
      version: '1.2.3',
      program: { kind: 'native', command: 'fake' },
      args: ['two words', 'model.onnx'],
      exit: 4,
    });

    // The same failure another day is the same bytes.
    expect(build().status).toBe(1);
    expect(rig.finn(['bundle', 'run-model', '-o', 'two.zip'], { TZ: 'Asia/Tokyo' }).status).toBe(0);
    expect(rig.bytes('two.zip')).toEqual(rig.bytes('one.zip'));

    const again = runAgain(unpack('one.zip'));
    expect(again.status).toBe(4);
    expect(again.stdout).toMatch(/^the data\ntwo words in \S+\/run on /);
    expect(again.stdout).toContain(
      'ended with status 4; it ended with status 4 when it failed\nit left no model.onnx\n',
    );
  });

  it('packs nothing that links of the failed call lead to elsewhere', () => {
    rig.write('secret.key', 'hunter2');
    failing(`cat data.txt; ln -s ${rig.path('secret.key')} stolen.txt; ln -s data.txt own.txt; exit 4`);
    expect(build().status).toBe(1);
    const { status, err } = rig.finn(['bundle', 'digits.yaml', '-o', 'one.zip']);
    expect(status).toBe(0);
    expect(err).toContain('note: stolen.txt, which the tool left behind, is a link out of its folder; it is left out');
    const files = unzipSync(rig.bytes('one.zip'));
    expect(Object.keys(files).map((name) => name.split('/').slice(1).join('/'))).toContain('left/own.txt');
    for (const bytes of Object.values(files)) expect(text.decode(bytes)).not.toContain('hunter2');
  });

  it('says which failed where several did, and takes the step, the scope or the folder', () => {
    failing('exit 1');
    expect(build().status).toBe(1);
    rig.edit('digits.yaml', 'two words', 'other words');
    expect(build().status).toBe(1);
    const { status, out } = rig.finn(['bundle', 'digits.yaml']);
    expect(status).toBe(2);
    expect(out).toMatch(/^2 calls failed; name one of them/);
    const folders = [...out.matchAll(/^(failed-fake-\w+) +run-model\/digits +fake (two|other) words/gm)];
    expect(folders.map((match) => match[2]).sort()).toEqual(['other', 'two']);
    const [, name] = folders[0]!;
    expect(rig.finn(['bundle', 'digits.yaml', name!]).status).toBe(0);
    expect(rig.has(`${name}.zip`)).toBe(true);
    expect(rig.finn(['bundle', `.finn/work/${name}`, '-o', 'again.zip']).status).toBe(0);
    expect(rig.bytes('again.zip')).toEqual(rig.bytes(`${name}.zip`));
    expect(rig.finn(['bundle', 'run-modle'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('did you mean `run-model`?'),
    });
    // What was edited in the kept folder is no longer what failed.
    rig.write(`.finn/work/${name}/data.txt`, 'other data');
    expect(rig.finn(['bundle', name!]).err).toContain('is not what the call was given');
  });

  it('has nothing to pack where nothing failed', () => {
    expect(rig.finn(['bundle'])).toMatchObject({ status: 2, err: expect.stringContaining('no tool call failed') });
  });

  it('packs calls of npm’s tools, which run again with the package', async () => {
    const executor = new LocalExecutor();
    const store = openStore(rig.path('.finn'));
    const invoker = new Invoker({ store, executor, rooms: new Rooms(executor, { threads: 1, memory: 1000 }) });
    const script = ['read_verilog -sv broken.v', 'write_json out.json'];
    const broken: Invocation = yosys(
      'npm',
      script,
      { 'broken.v': 'module top(input a' },
      { netlist: 'out.json' },
      'a test',
    );
    const thrown = await invoker
      .call(broken, {
        id: { step: 'synthesize', scope: ['net', 'build', 'MVAU_0'] },
        signal: new AbortController().signal,
        force: false,
        emit: () => {},
      })
      .catch((cause: unknown) => cause);
    await executor.close();
    expect(thrown).toBeInstanceOf(FinnError);
    expect(rig.finn(['bundle', 'synthesize/net/build/MVAU_0', '-o', 'yosys.zip']).status).toBe(0);
    const folder = unpack('yosys.zip');
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(elsewhere, 'node_modules'));
    const { status, stdout } = runAgain(folder);
    expect(status).toBe(1);
    expect(stdout).toMatch(/broken\.v:1: ERROR: syntax error/);
    const readme = text.decode(unzipSync(rig.bytes('yosys.zip'))[`${folder.split('/').at(-1)}/README.txt`]);
    expect(readme).toMatch(/^ {2}npm install @yowasp\/yosys@[\d.]+\n {2}node run\.mjs$/m);
  });
});
