import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { Queue } from '../../src/engine/executors/slurm/queue.ts';
import { Calls, type Running, script, slurm, text } from './calls.ts';
import { FakeSlurm } from './fake-slurm.ts';

let fake: FakeSlurm;
let folder = '';
let calls: Calls;
beforeEach(() => {
  fake = new FakeSlurm();
  folder = mkdtempSync(join(tmpdir(), 'finn-fakes-'));
  calls = new Calls(folder);
});
afterEach(() => {
  fake.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Fast, and patient for an instant. */
const quick = (common = {}) => slurm(common, { poll: 0.04 }, 0.2);
const out = { outputs: { out: 'out.txt' } };
const works = script('echo works | tee out.txt', out);

const failure = async (promise: Promise<unknown>) => {
  const cause = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(cause).toBeInstanceOf(FinnError);
  return (cause as FinnError).diagnostics[0]!;
};
const submitted = (running: Running, id: number): Promise<string> => running.saw(new RegExp(`job ${id} submitted$`));
const noted = (directory: string): unknown => JSON.parse(readFileSync(join(directory, 'slurm/job.json'), 'utf8'));

describe('with a fake Slurm', () => {
  it.each(['PREEMPTED', 'NODE_FAIL', 'BOOT_FAIL'])('a job that is %s is submitted again', async (state) => {
    const running = calls.start(quick(), works);
    await submitted(running, 1);
    expect(noted(running.directory)).toEqual({ id: 1, lost: 0 });
    // It had left half of its file.
    mkdirSync(join(running.directory, 'slurm/run-1-0'));
    writeFileSync(join(running.directory, 'slurm/run-1-0/out.txt'), 'wo');
    fake.set(1, state);
    await submitted(running, 2);
    expect(noted(running.directory)).toEqual({ id: 2, lost: 1 });
    fake.run(2);
    const done = await running.done;
    expect([done.exit, text(done.outputs['out']), done.log]).toEqual([0, 'works\n', 'works\n']);
  });

  it('a job that is lost four times is a failure', async () => {
    const running = calls.start(quick(), works);
    for (const id of [1, 2, 3, 4]) {
      await submitted(running, id);
      fake.set(id, 'NODE_FAIL');
    }
    const { code, message } = await failure(running.done);
    expect([code, message]).toEqual(['tool/slurm-lost', expect.stringContaining('lost for the fourth time')]);
    expect(fake.submitted).toBe(4);
  });

  it('a job out of memory is a failure, although its tool may leave an exit status', async () => {
    const running = calls.start(quick({ memoryMb: 500 }), script('echo big; kill -9 $$'));
    await submitted(running, 1);
    fake.set(1, 'RUNNING');
    expect(fake.run(1)).toBe(137);
    await running.saw(/^big$/);
    fake.set(1, 'OUT_OF_MEMORY');
    const { code, message, hint } = await failure(running.done);
    expect(code).toBe('tool/slurm-memory');
    expect(message).toContain('needed more than 500 MB');
    expect(message).toContain('\nbig');
    expect(hint).toContain('slurm.steps.synthesize.memory_mb');
    expect(fake.submitted).toBe(1);
  });

  it('a tool that fails has failed once Slurm says so', async () => {
    const running = calls.start(quick(), script('echo no; exit 3', out));
    await submitted(running, 1);
    expect(fake.run(1)).toBe(3);
    fake.set(1, 'FAILED', 'NonZeroExitCode');
    const done = await running.done;
    expect(done).toEqual({ exit: 3, log: 'no\n', outputs: {}, seconds: expect.any(Number) });
  });

  it('squeue may fail for a while', async () => {
    const running = calls.start(quick(), works);
    await submitted(running, 1);
    fake.set(1, 'RUNNING');
    await running.saw(/^slurm: job 1 RUNNING on n7$/);
    fake.write('down', 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n');
    expect(await running.saw(/does not answer/)).toContain('Unable to contact slurm controller');
    fake.erase('down');
    await running.saw(/^slurm: squeue answers again$/);
    fake.run(1);
    expect((await running.done).exit).toBe(0);
    expect(running.lines.filter((line) => /does not answer/.test(line)).length).toBe(1);
  });

  it('what sbatch refuses is a failure in its words', async () => {
    fake.write(
      'before-1',
      'echo "sbatch: error: Invalid account or account/partition combination specified" >&2; exit 1',
    );
    const { code, message } = await failure(calls.run(quick({ account: 'none' }), works));
    expect([code, message]).toEqual(['tool/slurm-refused', expect.stringContaining('Invalid account')]);
    expect(fake.args(1)).toContain('--account=none');
  });

  it('an answer of sbatch that is lost leads to no second job', async () => {
    const timeout =
      'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1';
    fake.write('before-1', timeout);
    fake.write('after-2', timeout);
    const running = calls.start(quick(), works);
    // The first was not taken, the second was.
    await submitted(running, 2);
    fake.run(2);
    expect((await running.done).exit).toBe(0);
    expect(fake.submitted).toBe(2);
    expect(noted(running.directory)).toEqual({ id: 2, lost: 0 });
  });

  it('a job that was submitted but not noted is found by its name and folder', async () => {
    const first = calls.start(quick(), works);
    await submitted(first, 1);
    const name = fake
      .args(1)
      .find((word) => word.startsWith('--job-name='))!
      .slice('--job-name='.length);
    expect(name).toMatch(/^finn-synthesize-[0-9a-f]{16}$/);
    rmSync(join(first.directory, 'slurm/job.json'));
    // Others of this name: of another cache, and one that is over.
    fake.add(7, 'RUNNING', name, '/elsewhere');
    fake.add(8, 'COMPLETING', name, first.directory);
    const second = calls.start(quick(), works, { directory: first.directory });
    await submitted(second, 1);
    fake.run(1);
    expect((await second.done).exit).toBe(0);
    expect((await first.done).exit).toBe(0);
    expect(fake.submitted).toBe(1);
  });

  it('a job that ended before anyone noted it is taken', async () => {
    const first = calls.start(quick(), works);
    await submitted(first, 1);
    fake.run(1);
    await first.done;
    rmSync(join(first.directory, 'slurm/job.json'));
    fake.forget(1);
    expect((await calls.run(quick(), works, { directory: first.directory })).log).toBe('works\n');
    expect(fake.submitted).toBe(1);
  });

  it('a job that Slurm has forgotten counts by its exit status, and is lost without one', async () => {
    const failed = calls.start(quick(), script('exit 5'));
    await submitted(failed, 1);
    fake.run(1);
    fake.forget(1);
    expect((await failed.done).exit).toBe(5);
    const lost = calls.start(quick(), works);
    await submitted(lost, 2);
    fake.forget(2);
    await lost.saw(/^slurm: job 2 is submitted again: FORGOTTEN$/);
    await submitted(lost, 3);
    fake.run(3);
    expect((await lost.done).exit).toBe(0);
  });

  it('scontrol is heard where squeue is silent', async () => {
    const running = calls.start(quick({ time: 90 }), works);
    await submitted(running, 1);
    fake.write('shown-1', 'JobId=1 JobName=x JobState=TIMEOUT Reason=TimeLimit NodeList=n7');
    fake.forget(1);
    const { code, message } = await failure(running.done);
    expect([code, message]).toEqual(['tool/slurm-time', expect.stringContaining('after 2 min')]);
    expect(fake.args(1)).toContain('--time=2');
  });

  it('a job that ended without an exit status says what is missing', async () => {
    const running = calls.start(quick({ setup: ['no-such-module load x >&2'] }), works);
    await submitted(running, 1);
    writeFileSync(join(running.directory, 'slurm/out-1'), 'cd: no such folder\n');
    fake.set(1, 'FAILED', 'NonZeroExitCode');
    const { code, message, hint } = await failure(running.done);
    expect([code, message]).toEqual(['tool/slurm-status', expect.stringContaining('cd: no such folder')]);
    expect(hint).toContain('file system that the nodes share');
  });

  it('a job that was told to end and could not be started anew is submitted again', async () => {
    const free = join(folder, 'free');
    const running = calls.start(
      quick(),
      script(`echo begun; [ -e ${free} ] || kill -TERM $PPID; echo on >out.txt`, out),
    );
    await submitted(running, 1);
    expect(fake.run(1)).toBe(143);
    writeFileSync(free, '');
    fake.set(1, 'FAILED', 'NonZeroExitCode');
    await submitted(running, 2);
    fake.run(2);
    const done = await running.done;
    expect([done.exit, text(done.outputs['out']), done.log]).toEqual([0, 'on\n', 'begun\n']);
  });

  it('a job of an earlier finn that ran out of time is submitted again with what is asked for now', async () => {
    const first = calls.start(quick({ time: 60 }), works);
    await submitted(first, 1);
    fake.set(1, 'TIMEOUT', 'TimeLimit');
    await failure(first.done);
    const second = calls.start(quick({ time: 600 }), works, { directory: first.directory });
    await submitted(second, 2);
    expect(fake.args(2)).toContain('--time=10');
    fake.run(2);
    expect((await second.done).exit).toBe(0);
  });

  it('a tool is ended at its limit, by its job', async () => {
    const running = calls.start(quick(), script('sleep 1234', out), { timeLimit: 0.2 });
    await submitted(running, 1);
    expect(fake.run(1)).toBe(137);
    // Whatever Slurm says: it may not have seen yet that the job has ended.
    expect(await running.done).toMatchObject({ exit: null, outputs: {} });
    expect(fake.submitted).toBe(1);
  });

  it('a job that an earlier finn granted less time is submitted again', async () => {
    const long = script('echo begun; [ -e ../../free ] || sleep 1234; echo free >out.txt', out);
    const first = calls.start(quick(), long, { timeLimit: 0.2 });
    await submitted(first, 1);
    expect(fake.run(1)).toBe(137);
    await first.done;
    // As a finn leaves it that was killed before it saw this.
    mkdirSync(join(first.directory, 'slurm/run-1-0'));
    const second = calls.start(quick(), long, { directory: first.directory, timeLimit: 3600 });
    await second.saw(/^slurm: job 1 is submitted again: it was ended after 0.2 s$/);
    await submitted(second, 2);
    writeFileSync(join(first.directory, 'free'), '');
    fake.run(2);
    const done = await second.done;
    expect([done.exit, done.log, text(done.outputs['out'])]).toEqual([0, 'begun\n', 'free\n']);
  });

  it('one squeue asks for all jobs', async () => {
    const executor = quick();
    const running = [1, 2, 3, 4, 5].map(() => calls.start(executor, works));
    await Promise.all(running.map(({ saw }) => saw(/PENDING/)));
    expect(fake.read('asked')).toContain('--me --jobs=1,2,3,4,5 ');
    for (const id of [1, 2, 3, 4, 5]) fake.run(id);
    for (const { done } of running) expect((await done).exit).toBe(0);
  });

  it('one scancel ends all jobs, and is asked again where it fails', async () => {
    const executor = quick();
    const running = [1, 2, 3].map(() => calls.start(executor, works));
    await submitted(running[2]!, 3);
    for (const { abort } of running) abort();
    for (const { done } of running) await expect(done).rejects.toThrow('enough');
    expect(fake.read('cancelled')).toBe('1 2 3\n');
    fake.write('refuses', 'scancel: error: Kill job error on job id 4: Access/permission denied\n');
    const last = calls.start(executor, works);
    await submitted(last, 4);
    last.abort();
    await expect(last.done).rejects.toThrow('enough');
    expect(last.lines.at(-1)).toContain('job 4 could not be cancelled: scancel: error: Kill job error');
    fake.write('refuses', 'scancel: error: Kill job error on job id 5: Unable to contact slurm controller\n');
    const busy = calls.start(executor, works);
    await submitted(busy, 5);
    const asked = fake.read('cancelled').length;
    busy.abort();
    while (fake.read('cancelled').length < asked + 4) await new Promise((resolve) => setTimeout(resolve, 10));
    fake.erase('refuses');
    await expect(busy.done).rejects.toThrow('enough');
    expect(busy.lines.at(-1)).toBe('slurm: job 5 cancelled');
  });

  it('the queue is asked less and less while nothing happens, and at once when something does', async () => {
    fake.add(1, 'RUNNING', 'x', '/x');
    const queue = new Queue(0.004);
    queue.enter(1);
    const rounds = async (looks: number): Promise<number> => {
      const from = (await queue.next()).round;
      for (let i = 2; i < looks; i += 1) await queue.next();
      return (await queue.next()).round - from;
    };
    expect(await rounds(100)).toBeLessThan(8);
    queue.hurry();
    expect(await rounds(8)).toBe(1);
    fake.set(1, 'COMPLETING');
    expect(await rounds(100)).toBeLessThan(8);
    queue.leave(1);
  });

  it('there must be one', async () => {
    fake.hide();
    process.env['PATH'] = '/nowhere';
    // bash is known to the executor, which asked for its version.
    const executor = quick();
    const module = join(folder, 'tool.mjs');
    writeFileSync(module, 'export const run = () => ({});');
    const { pathToFileURL } = await import('node:url');
    const tool = { name: 'm', program: { kind: 'module', url: pathToFileURL(module) }, log: [] } as const;
    const { code, message } = await failure(
      calls.run(executor, { tool, args: [], files: {}, outputs: {}, label: 'm' }),
    );
    expect(code).toBe('tool/missing');
    expect(message).toContain("'sbatch'");
    expect(message).toContain('executor: slurm');
  });

  it('jobs get no credentials of finn', async () => {
    process.env['FINN_REMOTE_PASSWORD'] = 'secret';
    try {
      const running = calls.start(quick(), script('env', out));
      await submitted(running, 1);
      fake.run(1);
      fake.set(1, 'COMPLETED');
      const { log } = await running.done;
      expect(log).toContain('SOURCE_DATE_EPOCH=0');
      expect(log).not.toContain('secret');
      expect(fake.read('environment-1')).not.toContain('secret');
    } finally {
      delete process.env['FINN_REMOTE_PASSWORD'];
    }
  });
});
