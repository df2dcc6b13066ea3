import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import { Rig as CliRig, cli } from '../cli/rig.ts';
import { Rig } from '../engine/rig.ts';
import { available } from '../helpers/require.ts';
import { Cluster } from '../helpers/slurm.ts';
import { slurm } from './calls.ts';
import { buildLayers } from './layers.ts';

describe.runIf(available('slurm'))('builds whose heavy steps are jobs', () => {
  const cluster = new Cluster();
  beforeAll(async () => {
    await cluster.start();
  });
  afterAll(() => cluster.stop());

  it('make the same bytes as on this machine, and leave nothing behind', async () => {
    const source = 'cksum in/a.v | tee out.txt; ls -R; echo "$LC_ALL"';
    const [near, far] = [new Rig(), new Rig()];
    try {
      const before = cluster.submitted();
      const here = await buildLayers(near, source, new LocalExecutor());
      const there = await buildLayers(far, source, slurm());
      expect(there.built.ok).toBe(true);
      expect(there.hash).toBe(here.hash);
      expect(cluster.submitted()).toBe(before + 4);
      expect(readdirSync(join(far.folder, '.finn/work')).filter((name) => name.startsWith('job-'))).toEqual([]);
      const notes = far.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
      expect(notes.filter((note) => /^slurm: job \d+ submitted$/.test(note)).length).toBe(4);
    } finally {
      near.remove();
      far.remove();
    }
  });

  it('keep the folder of a tool that fails, with its log', async () => {
    const rig = new Rig();
    try {
      const { built } = await buildLayers(
        rig,
        'echo half > out.txt; echo no luck with "$(cat in/a.v)"; exit 3',
        slurm(),
      );
      expect(built.ok).toBe(false);
      const failed = built.outcomes.flatMap(({ diagnostics }) => diagnostics ?? []);
      const messages = failed.map(({ message }) => message);
      expect(messages).toContainEqual(expect.stringMatching(/bash ended with exit status 3 .*\nno luck with layer c/s));
      const work = join(rig.folder, '.finn/work');
      const kept = readdirSync(work).filter((name) => name.startsWith('failed-bash-'));
      expect(kept.length).toBe(4);
      const folder = join(work, kept[0]!);
      expect(readdirSync(folder).sort()).toEqual(['bash.log', 'call.json', 'in', 'out.txt', 'slurm']);
      expect(readFileSync(join(folder, 'bash.log'), 'utf8')).toMatch(/^no luck with layer [a-d]\n$/);
    } finally {
      rig.remove();
    }
  });

  it('end a tool at the limit of its step, as on this machine', async () => {
    const rig = new Rig();
    rig.timeLimit = (name) => (name === 'synthesize' ? 1 : undefined);
    try {
      const { built } = await buildLayers(rig, 'setsid sleep 1234 & sleep 1234', slurm());
      const failed = built.outcomes.flatMap(({ diagnostics }) => diagnostics ?? []);
      expect(failed.length).toBe(4);
      for (const { code, message, hint } of failed) {
        expect([code, message]).toEqual([
          'tool/time-limit',
          expect.stringContaining('bash was ended after 1 s, its limit'),
        ]);
        expect(hint).toMatch(/`time_limits` of the recipe .* kept in \.finn\/work\/failed-bash-/);
      }
      const kept = readdirSync(join(rig.folder, '.finn/work')).filter((name) => name.startsWith('failed-bash-'));
      expect(kept.length).toBe(4);
      const call = JSON.parse(readFileSync(join(rig.folder, '.finn/work', kept[0]!, 'call.json'), 'utf8'));
      expect(call).toMatchObject({ exit: null });
    } finally {
      rig.remove();
    }
  });

  describe('of the command line', () => {
    const args = ['build', 'digits.yaml', '--build', 'icebreaker', '--until', 'synthesize', '--plain'];
    let rig: CliRig;
    beforeEach(() => {
      rig = new CliRig();
      rig.addDigits();
      const open = rig.path('open');
      configure(`while [ ! -e ${open} ] && [ ! -e ${open}-$SLURM_JOB_ID ]; do sleep 0.1; done`);
    });
    afterEach(async () => {
      cluster.run('scancel', '--me');
      await cluster.idle();
      rig.remove();
    });
    /** Jobs run this first. */
    const configure = (setup: string): void => {
      const slurm = { partition: 'main', time: '20min', poll_s: 0.5, setup: [setup] };
      rig.write('finn.config.yaml', JSON.stringify({ executor: 'slurm', slurm }));
    };
    const openGate = (): void => void rig.write('open', '');
    const jobFolders = (): string[] => readdirSync(rig.path('.finn/work')).filter((name) => name.startsWith('job-'));

    /** A finn, and what it says, which is read to its end: a pipe that nobody reads would hold it up. */
    const start = () => {
      const { FINN_CACHE: _, ...environment } = process.env;
      const child = spawn(process.execPath, [cli, ...args], {
        cwd: rig.folder,
        env: environment,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return { child, lines: createInterface(child.stdout) };
    };
    /** A finn that has submitted all of its jobs, and their ids; they wait for the gate. */
    const submitting = async () => {
      const { child, lines } = start();
      const ids: string[] = [];
      await new Promise<void>((resolve, reject) => {
        lines.on('line', (line) => {
          const id = /job (\d+) submitted$/.exec(line)?.[1];
          if (id !== undefined) ids.push(id);
          if (ids.length === 4) resolve();
        });
        child.once('exit', () => reject(new Error(`ended after ${ids.length} submissions`)));
      });
      return { child, ids };
    };

    it('cancel their jobs on Ctrl-C', async () => {
      const { child, ids } = await submitting();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      expect(jobFolders()).toEqual([]);
      await cluster.idle();
      expect(ids.map((id) => cluster.stateOfJob(id))).toEqual(ids.map(() => 'CANCELLED'));
    });

    it('find their jobs again after a kill', async () => {
      const before = cluster.submitted();
      (await submitting()).child.kill('SIGKILL');
      expect(jobFolders().length).toBe(4);
      openGate();
      const { status, out } = rig.finn(args);
      expect([status, out]).toEqual([0, expect.stringContaining('was submitted before')]);
      expect(cluster.submitted()).toBe(before + 4);
      expect(existsSync(rig.path('build/digits/icebreaker'))).toBe(true);
      expect(jobFolders()).toEqual([]);
    });

    it('cancel the jobs of a finn that was killed where the recipe wants others now, and no more', async () => {
      const before = cluster.submitted();
      const first = await submitting();
      first.child.kill('SIGKILL');
      rig.edit('digits.yaml', 'MVAU_0: { pe: 4, simd: 16', 'MVAU_0: { pe: 2, simd: 16');
      configure('true');
      const again = start();
      const taken: string[] = [];
      let said = '';
      again.lines.on('line', (line) => {
        said += `${line}\n`;
        const id = /job (\d+) was submitted before$/.exec(line)?.[1];
        if (id === undefined) return;
        taken.push(id);
        rig.write(`open-${id}`, '');
      });
      const status = await new Promise((resolve) => again.child.once('close', resolve));
      const others = 4 - taken.length;
      expect([status, said]).toEqual([
        0,
        expect.stringContaining(`cancelled ${others} jobs of an earlier build that nobody waits for`),
      ]);
      expect([1, 2]).toContain(others);
      expect(cluster.submitted()).toBe(before + 4 + others);
      expect(jobFolders()).toEqual([]);
      await cluster.idle();
      for (const id of first.ids) expect(cluster.stateOfJob(id)).toBe(taken.includes(id) ? 'COMPLETED' : 'CANCELLED');
    });

    it('cancel what is left of their jobs when the cache is cleaned', async () => {
      const { child, ids } = await submitting();
      child.kill('SIGKILL');
      const { status, err } = rig.finn(['clean', '--cache']);
      expect([status, err]).toEqual([0, expect.stringContaining('cancelled 4 jobs of an earlier build')]);
      await cluster.idle();
      expect(ids.map((id) => cluster.stateOfJob(id))).toEqual(ids.map(() => 'CANCELLED'));
    });
  });
});
