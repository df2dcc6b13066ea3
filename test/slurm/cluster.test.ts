import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import type { Invocation, Tool } from '../../src/engine/invocation.ts';
import { lint } from '../../src/tools/yosys.ts';
import { available } from '../helpers/require.ts';
import { Cluster } from '../helpers/slurm.ts';
import { Calls, held, script, slurm, text } from './calls.ts';

describe.runIf(available('slurm'))('calls as jobs of a real Slurm', () => {
  const cluster = new Cluster();
  const local = new LocalExecutor();
  const folder = mkdtempSync(join(tmpdir(), "finn slurm's $folder-"));
  const calls = new Calls(folder);
  const executor = slurm();
  const gates = mkdtempSync(join(tmpdir(), 'finn-gates-'));
  const gate = (): string => join(mkdtempSync(join(gates, 'gate-')), 'open');

  beforeAll(async () => {
    await cluster.start();
  });
  // Jobs of the test before may be in the queue for some seconds yet.
  beforeEach(() => cluster.idle());
  afterAll(async () => {
    await executor.close();
    await local.close();
    await cluster.stop();
    for (const path of [folder, gates]) rmSync(path, { recursive: true, force: true });
  });

  const failure = async (promise: Promise<unknown>) => {
    const cause = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(cause).toBeInstanceOf(FinnError);
    return (cause as FinnError).diagnostics[0]!;
  };

  it('give what they give on this machine, to the byte', async () => {
    const layers = [1, 2, 3, 4].map((layer) =>
      script('./sum.sh; seq "$1" 5 >&2; printf "no end"; env | grep -E "^(LC_ALL|TZ|SOURCE)" | sort > env.txt', {
        args: [String(layer)],
        files: {
          'sum.sh': '#!/bin/sh\ncksum in/data.bin | tee sum.txt\n',
          'in/data.bin': Uint8Array.of(layer, 0, 255),
        },
        outputs: { sum: 'sum.txt', env: 'env.txt', none: 'none.txt' },
      }),
    );
    const before = cluster.submitted();
    const far = await Promise.all(layers.map((layer) => calls.run(executor, layer)));
    expect(cluster.submitted()).toBe(before + 4);
    for (const [i, layer] of layers.entries()) {
      const here = await calls.run(local, layer);
      expect({ ...far[i], seconds: 0 }).toEqual({ ...here, seconds: 0 });
      expect(far[i]!.log).toContain('no end\n');
      expect(Object.keys(far[i]!.outputs)).toEqual(['sum', 'env']);
      expect(far[i]!.seconds).toBeGreaterThan(0);
    }
  });

  it('run WebAssembly and module tools as on this machine', async () => {
    const yosys = lint(
      { sources: { 't.v': 'module t(input a, output y); assign y = ~a; endmodule' }, memories: {} },
      't',
    );
    const path = join(folder, 'tool.mjs');
    writeFileSync(
      path,
      `export function run(args, files, line) {
        if (args[0] === 'fail') throw new Error('no luck');
        line('working: ü');
        return { 'o/x.bin': files['i/y.bin'].map((b) => b + Number(args[0])) };
      }`,
    );
    const tool: Tool = { name: 'module', program: { kind: 'module', url: pathToFileURL(path) }, log: [] };
    const call = (arg: string): Invocation => ({
      tool,
      args: [arg],
      files: { 'i/y.bin': Uint8Array.of(1, 2) },
      outputs: { o: 'o/x.bin' },
      label: 'module',
    });
    for (const invocation of [yosys, call('3'), call('fail')]) {
      const [far, here] = await Promise.all([calls.run(executor, invocation), calls.run(local, invocation)]);
      expect({ ...far, seconds: 0 }).toEqual({ ...here, seconds: 0 });
    }
    expect((await calls.run(executor, call('3'))).outputs['o']).toEqual(Uint8Array.of(4, 5));
  });

  it('leave steps that are not heavy, or are said to be local, on this machine', async () => {
    const before = cluster.submitted();
    const own = slurm({}, { steps: new Map([['simulate', 'local']]) });
    expect([own.elsewhere('synthesize'), own.elsewhere('simulate'), own.elsewhere('fold')]).toEqual([
      64,
      undefined,
      undefined,
    ]);
    for (const step of ['simulate', 'fold']) expect((await calls.run(own, script('exit 4'), { step })).exit).toBe(4);
    expect(cluster.submitted()).toBe(before);
  });

  it('tell of the job and its log as it grows, and leave the folder of a failure open', async () => {
    const free = gate();
    const running = calls.start(executor, script(`${held(free)}; exit 3`, { files: { 'a.txt': 'a' } }));
    await running.saw(/^begun$/);
    await running.saw(/^slurm: job \d+ RUNNING on n1$/);
    expect(existsSync(join(running.directory, 'out.txt'))).toBe(false);
    writeFileSync(free, '');
    const done = await running.done;
    expect([done.exit, done.log]).toEqual([3, 'begun\nfree\n']);
    expect(readdirSync(running.directory).sort()).toEqual(['a.txt', 'out.txt', 'slurm']);
    expect(running.lines.filter((line) => !line.startsWith('slurm: '))).toEqual(['begun', 'free']);
  });

  it('take setup lines of the configuration in front, whose words are not the log', async () => {
    const own = slurm({
      setup: ['echo loading', 'export MODULE="a b"', 'if true; then', 'cd /; fi'],
      cpus: 2,
      memoryMb: 100,
      time: 61,
    });
    const running = calls.start(
      own,
      script('echo "$MODULE $SLURM_CPUS_PER_TASK $SLURM_MEM_PER_NODE"; basename "$PWD"'),
    );
    const { log } = await running.done;
    expect(log).toMatch(/^a b 2 100\nrun-\d+-0\n$/);
    const id = Number(/run-(\d+)/.exec(log)![1]);
    expect(cluster.run('scontrol', 'show', 'job', String(id))).toContain('TimeLimit=00:02:00');
    expect(readFileSync(join(running.directory, 'slurm', `out-${id}`), 'utf8')).toBe('loading\n');
  });

  it('are cancelled when the signal aborts, waiting ones too', async () => {
    const running = [1, 2, 3, 4, 5].map(() => calls.start(executor, script('echo begun; sleep 600')));
    await Promise.all(running.slice(0, 4).map(({ saw }) => saw(/^begun$/)));
    await running[4]!.saw(/^slurm: job \d+ PENDING \(.*\)$/);
    const ids = cluster.jobs().map((line) => line.split(' ')[0]!);
    expect(ids.length).toBe(5);
    for (const one of running) one.abort();
    for (const { done } of running) await expect(done).rejects.toThrow('enough');
    await cluster.idle();
    expect(ids.map((id) => cluster.stateOfJob(id))).toEqual(ids.map(() => 'CANCELLED'));
  });

  it('are cancelled when the signal aborts while they are submitted', async () => {
    const before = cluster.submitted();
    const running = calls.start(executor, script('sleep 600'));
    const sbatch = new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (!existsSync(join(running.directory, 'slurm', 'job.sh'))) return;
        clearInterval(look);
        resolve();
      }, 1);
    });
    await sbatch;
    running.abort();
    await expect(running.done).rejects.toThrow('enough');
    // It would sleep for ten minutes.
    await cluster.idle();
    expect(cluster.submitted()).toBeLessThanOrEqual(before + 1);
  });

  it('are found again after a kill, and run once', async () => {
    const free = gate();
    const directory = calls.folder();
    const before = cluster.submitted();
    const host = fileURLToPath(new URL('host.ts', import.meta.url));
    const start = () =>
      spawn(process.execPath, ['--import', 'tsx', host, directory, held(free)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    const first = start();
    for await (const line of createInterface(first.stdout)) if (line === 'begun') break;
    first.kill('SIGKILL');
    const second = calls.start(executor, script(held(free), { outputs: { out: 'out.txt' } }), { directory });
    await second.saw(/was submitted before/);
    await second.saw(/^begun$/);
    writeFileSync(free, '');
    const done = await second.done;
    expect([done.exit, text(done.outputs['out']), done.log]).toEqual([0, 'free\n', 'begun\nfree\n']);
    expect(cluster.submitted()).toBe(before + 1);
    // And once more, now that it has ended: taken at once.
    expect((await calls.run(executor, script(held(free), { outputs: { out: 'out.txt' } }), { directory })).log).toBe(
      done.log,
    );
    expect(cluster.submitted()).toBe(before + 1);
  });

  it('are found by name where the kill came before the note', async () => {
    const free = gate();
    const directory = calls.folder();
    const before = cluster.submitted();
    const first = calls.start(executor, script(held(free)), { directory });
    await first.saw(/^begun$/);
    rmSync(join(directory, 'slurm', 'job.json'));
    const second = calls.start(executor, script(held(free)), { directory });
    await second.saw(/^begun$/);
    writeFileSync(free, '');
    expect((await second.done).log).toBe('begun\nfree\n');
    await first.done;
    expect(cluster.submitted()).toBe(before + 1);
  });

  it('are submitted again when their node fails', async () => {
    const free = gate();
    const running = calls.start(executor, script(held(free), { outputs: { out: 'out.txt' } }));
    await running.saw(/^begun$/);
    cluster.run('scontrol', 'update', 'nodename=n1', 'state=down', 'reason=test');
    await running.saw(/^slurm: job \d+ is submitted again: NODE_FAIL$/);
    writeFileSync(free, '');
    const done = await running.done;
    expect([done.exit, text(done.outputs['out']), done.log]).toEqual([0, 'free\n', 'begun\nfree\n']);
  });

  it('may be put into the queue again by Slurm itself', async () => {
    const free = gate();
    const own = slurm({ options: ['--requeue'] });
    const running = calls.start(own, script(held(free), { outputs: { out: 'out.txt' } }));
    const id = /job (\d+)/.exec(await running.saw(/submitted$/))![1]!;
    await running.saw(/^begun$/);
    cluster.run('scontrol', 'requeue', id);
    await running.saw(/PENDING \(BeginTime\)/);
    writeFileSync(free, '');
    // Slurm would wait for two minutes; within the same second it would refuse to start it.
    cluster.run('scontrol', 'update', `jobid=${id}`, 'starttime=now+2');
    const done = await running.done;
    expect([done.exit, text(done.outputs['out']), done.log]).toEqual([0, 'free\n', 'begun\nfree\n']);
    expect(cluster.run('scontrol', 'show', 'job', id)).toContain('Restarts=1');
  });

  it('survive a restart of the controller', async () => {
    const free = gate();
    const running = calls.start(executor, script(held(free)));
    await running.saw(/^begun$/);
    await cluster.stopController();
    await running.saw(/^slurm: squeue does not answer/);
    cluster.startController();
    await running.saw(/^slurm: squeue answers again$/);
    writeFileSync(free, '');
    expect((await running.done).exit).toBe(0);
  });

  it('fail by name when they run out of time', async () => {
    const running = calls.start(slurm({ time: 300 }), script('echo begun; sleep 600'));
    const id = /job (\d+)/.exec(await running.saw(/submitted$/))![1]!;
    await running.saw(/^begun$/);
    // Slurm counts in minutes, and looks every half a minute.
    cluster.run('scontrol', 'update', `jobid=${id}`, 'timelimit=0');
    const { code, message, hint } = await failure(running.done);
    expect(code).toBe('tool/slurm-time');
    expect(message).toContain('was ended after 5 min, its limit');
    expect(message).toContain('begun');
    expect(hint).toContain('slurm.steps.synthesize.time');
  });

  it('fail by name when others cancel them, when sbatch refuses them, and say what they may wait for in vain', async () => {
    const running = calls.start(executor, script('echo begun; sleep 600'));
    const id = /job (\d+)/.exec(await running.saw(/submitted$/))![1]!;
    await running.saw(/^begun$/);
    cluster.run('scancel', id);
    expect((await failure(running.done)).code).toBe('tool/slurm-cancelled');
    const refused = await failure(calls.run(slurm({ partition: 'nowhere' }), script('true')));
    expect([refused.code, refused.message]).toEqual([
      'tool/slurm-refused',
      expect.stringContaining('invalid partition'),
    ]);
    const long = calls.start(slurm({ time: 7200 }), script('true'));
    await long.saw(/^slurm: PartitionTimeLimit may keep job \d+ waiting for ever$/);
    long.abort();
    await expect(long.done).rejects.toThrow('enough');
  });

  it('refuse a tool that has another version on the node', async () => {
    const own = slurm({ setup: ['bash() { command bash --version | sed s/version/version\\ 99.1/; }'] });
    const { code, message } = await failure(calls.run(own, script('true')));
    expect(code).toBe('tool/slurm-version');
    expect(message).toMatch(/^bash is 99.1 on (n1|a node), but \d/);
  });
});
