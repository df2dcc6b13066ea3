import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FinnError } from '../../diagnostics/diagnostic.ts';
import type { Invocation, Tool } from '../invocation.ts';
import { LocalExecutor } from './local.ts';
import { older } from './native.ts';

const executor = new LocalExecutor();
let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'finn-executor-'));
});
afterAll(async () => {
  await executor.close();
  await rm(scratch, { recursive: true, force: true });
});

const native = (command: string, args: readonly string[] = ['--version'], least?: string): Tool => ({
  name: command,
  program: {
    kind: 'native',
    command,
    version: { args, pattern: /(?<version>\d+(\.\d+)+)/, ...(least !== undefined && { least }) },
    install: 'apt-get install it',
  },
  log: [],
});
/** bash says its version, sh does not. */
const shell = native('bash');
const yosys: Tool = {
  name: 'yosys',
  program: { kind: 'wasm', package: '@yowasp/yosys', run: 'runYosys' },
  log: [],
};

async function run<O extends string>(
  tool: Tool,
  args: readonly string[],
  files: Invocation['files'] = {},
  outputs: Readonly<Record<O, string>> = {} as Record<O, string>,
  signal: AbortSignal = new AbortController().signal,
) {
  const directory = await mkdtemp(join(scratch, 'call-'));
  const lines: string[] = [];
  const invocation: Invocation<O> = { tool, args, files, outputs, label: 'test' };
  const onLine = (line: string): void => void lines.push(line);
  const done = await executor.execute(invocation, { signal, directory, onLine, step: 'test', key: 'test' });
  return { ...done, lines, directory };
}
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const problem = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(problem).toBeInstanceOf(FinnError);
  return (problem as FinnError).diagnostics[0]!.code;
}

/** A module tool as a file of its own. */
async function module(source: string): Promise<Tool> {
  const path = join(await mkdtemp(join(scratch, 'module-')), 'tool.mjs');
  await writeFile(path, source);
  return { name: 'module', program: { kind: 'module', url: pathToFileURL(path) }, log: [] };
}

describe('native tools', () => {
  it('run in a directory with exactly their files', async () => {
    const files = { 'a.txt': 'one', 'sub/b.bin': Uint8Array.of(1, 2, 3), 'run.sh': '#!/bin/sh\necho ran\n' };
    const script = 'find . -type f | sort; ./run.sh; cat a.txt > out.txt; wc -c < sub/b.bin >&2';
    const done = await run(shell, ['-c', script], files, { out: 'out.txt' });
    expect(done.exit).toBe(0);
    expect(done.lines.slice(0, 4)).toEqual(['./a.txt', './run.sh', './sub/b.bin', 'ran']);
    expect(done.log).toBe(done.lines.map((line) => `${line}\n`).join(''));
    expect(done.lines.at(-1)?.trim()).toBe('3');
    expect(text(done.outputs['out'])).toBe('one');
  });

  it('have one log, in the order in which it was written', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done; printf "no end" >&2';
    const lines = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((i) => [`out ${i}`, `err ${i}`]);
    const done = await Promise.all([1, 2, 3, 4].map(() => run(shell, ['-c', script])));
    for (const { log } of done) expect(log).toBe(`${[...lines, 'no end'].join('\n')}\n`);
  });

  it('tell their exit status and the signal that ended them', async () => {
    expect((await run(shell, ['-c', 'exit 3'])).exit).toBe(3);
    expect((await run(shell, ['-c', 'kill -SEGV $$'])).exit).toBe(139);
  });

  it('leave out outputs that they did not make', async () => {
    const done = await run(shell, ['-c', 'echo x > made'], {}, { made: 'made', not: 'not' });
    expect(Object.keys(done.outputs)).toEqual(['made']);
  });

  it('are killed with their children when the signal aborts', async () => {
    const controller = new AbortController();
    const mark = join(scratch, 'alive');
    const script = `(while :; do date +%N > ${mark}; sleep 0.05; done) & sleep 60`;
    const running = run(shell, ['-c', script], {}, {}, controller.signal);
    const read = () => readFile(mark, 'utf8').catch(() => '');
    while ((await read()) === '') await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const before = await read();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await read()).toBe(before);
  });

  it('are killed with what has left their process group, and still holds their output', async () => {
    const controller = new AbortController();
    const mark = join(scratch, 'daemon');
    const running = run(shell, ['-c', `setsid sleep 600 & echo $! > ${mark}; echo begun`], {}, {}, controller.signal);
    const pid = async () => Number(await readFile(mark, 'utf8').catch(() => ''));
    while ((await pid()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const sleeper = await pid();
    const isThere = () => existsSync(`/proc/${sleeper}/exe`);
    while (isThere()) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('are over when they have ended, whatever they left running that holds their output', async () => {
    const done = await run(shell, ['-c', 'setsid sleep 600 & echo $! > pid; echo done'], {}, { pid: 'pid' });
    expect(done).toMatchObject({ exit: 0, lines: ['done'] });
    const left = Number(text(done.outputs['pid']));
    expect(left).toBeGreaterThan(1);
    while (existsSync(`/proc/${left}/exe`)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('leave nothing running that they have cut off from themselves', async () => {
    const script = 'setsid sleep 600 < /dev/null > /dev/null 2>&1 & echo $! > pid';
    const done = await run(shell, ['-c', script], {}, { pid: 'pid' });
    const left = Number(text(done.outputs['pid']));
    expect(left).toBeGreaterThan(1);
    while (existsSync(`/proc/${left}/exe`)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('may write lines without end, and with ends of either kind', async () => {
    const script = 'head -c 5000000 /dev/zero | tr "\\0" x; printf "\\nü\\r\\n\\nlast"';
    const { lines } = await run(shell, ['-c', script]);
    const pieces = lines.slice(0, -3);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe('x'.repeat(5_000_000));
    expect(lines.slice(-3)).toEqual(['ü', '', 'last']);
  });

  it('that leave more than can be held are a diagnostic', async () => {
    expect(await codeOf(run(shell, ['-c', 'truncate -s 3G made'], {}, { made: 'made' }))).toBe('tool/output-size');
  });

  it('that are missing, too old or silent about their version are diagnostics', async () => {
    expect(await codeOf(executor.version(native('no-such-program-of-finn')))).toBe('tool/missing');
    expect(await codeOf(run(native('no-such-program-of-finn'), []))).toBe('tool/missing');
    expect(await codeOf(new LocalExecutor().version(native('bash', ['--version'], '99.1')))).toBe('tool/version');
    expect(await codeOf(new LocalExecutor().version(native('true', ['--nothing'])))).toBe('tool/version');
  });

  it('are looked for where the configuration says', async () => {
    const path = join(scratch, 'special');
    await writeFile(path, '#!/bin/sh\necho special 7.8\n', { mode: 0o755 });
    const configured = new LocalExecutor({ paths: { 'no-such-program-of-finn': path } });
    expect(await configured.version(native('no-such-program-of-finn'))).toBe('7.8');
  });

  it('without an option for it have the hash of their program as version', async () => {
    expect(await executor.version(native('env', []))).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('module tools', () => {
  it('get files and give outputs', async () => {
    const tool = await module(
      'export function run(args, files, line) { line("working"); return { "o.bin": files["i.bin"].map((b) => b + Number(args[0])) }; }',
    );
    const done = await run(tool, ['2'], { 'i.bin': Uint8Array.of(1, 2) }, { o: 'o.bin' });
    expect(done.exit).toBe(0);
    expect([...done.outputs['o']!]).toEqual([3, 4]);
    expect(done.lines).toEqual(['working']);
    expect(await executor.version(tool)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('fail with what they throw, and leave their files for people', async () => {
    const tool = await module('export function run() { throw new Error("no luck"); }');
    const done = await run(tool, [], { 'i.txt': 'x' }, { o: 'o' });
    expect(done.exit).toBe(1);
    expect(done.log).toBe('no luck\n');
    expect(await readdir(done.directory)).toEqual(['i.txt']);
  });

  it('are ended when the signal aborts, even in a loop that never ends', async () => {
    const tool = await module('export function run(_args, _files, line) { line("looping"); for (;;); }');
    const controller = new AbortController();
    const running = run(tool, [], {}, {}, controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(running).rejects.toThrow('enough');
  });
});

describe('WebAssembly tools', () => {
  it('run in worker threads, several times, with files in folders', async () => {
    for (const width of [3, 5]) {
      const source = `module t(input wire [${width - 1}:0] a, output wire y); assign y = ^a; endmodule`;
      const script = 'read_verilog in/t.v; hierarchy -top t; json -o out/t.json';
      const done = await run(yosys, ['-q', '-p', script], { 'in/t.v': source, 'out/keep': '' }, { json: 'out/t.json' });
      expect(done.log).toBe('');
      const ports = JSON.parse(text(done.outputs['json'])).modules.t.ports;
      expect(ports.a.bits.length).toBe(width);
    }
  });

  it('tell their exit status and log', async () => {
    const done = await run(yosys, ['-q', '-p', 'no_such_command'], {}, { o: 'o' });
    expect(done.exit).toBe(1);
    expect(done.log).toMatch(/ERROR: .*no_such_command/);
    expect(done.outputs).toEqual({});
  });

  it('have the version of their package; a missing package is a diagnostic', async () => {
    expect(await executor.version(yosys)).toMatch(/^\d+\.\d+\.\d+/);
    const tool: Tool = { name: 'x', program: { kind: 'wasm', package: '@finn/nothing', run: 'run' }, log: [] };
    expect(await codeOf(executor.version(tool))).toBe('tool/missing');
  });
});

it('compares versions by their numbers', () => {
  expect(older('0.23', '0.55')).toBe(true);
  expect(older('5.006', '5.006')).toBe(false);
  expect(older('0.4-1+b1', '0.4')).toBe(false);
  expect(older('10.0', '9.9')).toBe(false);
});
