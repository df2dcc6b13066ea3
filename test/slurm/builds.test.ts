import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { each, item } from '../../src/engine/artifact.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import { wholeLog } from '../../src/engine/invoke.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { Rig as CliRig, cli } from '../cli/rig.ts';
import { Rig, type Settings, scope, text, texts } from '../engine/rig.ts';
import { available } from '../helpers/require.ts';
import { Cluster } from '../helpers/slurm.ts';
import { bash, script, slurm } from './calls.ts';

const layers = texts('layers', 'layer');
const netlist = text('netlist');
const top = text('top');

/** Four layers, each synthesized by a script; what it has to say is part of the result. */
const steps = (source: string): AnyStep[] => [
  step({
    name: 'fold',
    doc: '',
    per: 'build',
    needs: {},
    makes: { layers },
    config: (_: Settings) => ({}),
    run: async () => ({ layers: new Map(['a', 'b', 'c', 'd'].map((name) => [name, `layer ${name}\n`])) }),
  }),
  step({
    name: 'synthesize',
    doc: '',
    per: 'layer',
    needs: { layer: item(layers) },
    makes: { netlist },
    config: (_settings: Settings, { name }) => ({ name }),
    tools: () => [bash],
    run: async ({ layer }, { call }) => {
      const made = await call(
        script(source, { files: { 'in/a.v': layer }, outputs: { netlist: 'out.txt', log: wholeLog } }),
      );
      return { netlist: `${Buffer.from(made.netlist)}${Buffer.from(made.log)}` };
    },
  }),
  step({
    name: 'stitch',
    doc: '',
    per: 'build',
    needs: { netlists: each(netlist) },
    makes: { top },
    config: () => ({}),
    run: async ({ netlists }) => ({ top: [...netlists].flat().join('\n') }),
  }),
];

describe.runIf(available('slurm'))('builds whose heavy steps are jobs', () => {
  const cluster = new Cluster();
  beforeAll(async () => {
    await cluster.start();
  });
  afterAll(() => cluster.stop());

  const build = async (rig: Rig, source: string, executor: LocalExecutor | ReturnType<typeof slurm>) => {
    const engine = rig.engine(steps(source), { executor });
    const at = scope('build', 'b');
    const built = await engine.run(engine.graph([{ scope: at, artifact: top }]), {
      display: rig.display,
      keepGoing: true,
    });
    await executor.close();
    return { built, hash: built.hash(at, top) };
  };

  it('make the same bytes as on this machine, and leave nothing behind', async () => {
    const source = 'cksum in/a.v | tee out.txt; ls -R; echo "$LC_ALL"';
    const [near, far] = [new Rig(), new Rig()];
    try {
      const before = cluster.submitted();
      const here = await build(near, source, new LocalExecutor());
      const there = await build(far, source, slurm());
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
      const { built } = await build(rig, 'echo half > out.txt; echo no luck with "$(cat in/a.v)"; exit 3', slurm());
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
      const { built } = await build(rig, 'setsid sleep 1234 & sleep 1234', slurm());
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
      rig.write('finn.config.yaml', 'executor: slurm\nslurm: {partition: main, time: 20min, poll_s: 0.5}\n');
    });
    afterEach(() => rig.remove());
    const jobFolders = (): string[] => readdirSync(rig.path('.finn/work')).filter((name) => name.startsWith('job-'));

    /** A finn that has submitted all of its jobs. */
    const submitting = async (): Promise<ChildProcess> => {
      const { FINN_CACHE: _, ...environment } = process.env;
      const child = spawn(process.execPath, [cli, ...args], {
        cwd: rig.folder,
        env: environment,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let submitted = 0;
      // Read to its end: a pipe that nobody reads would hold finn up.
      await new Promise<void>((resolve, reject) => {
        createInterface(child.stdout!).on('line', (line) => {
          if (/job \d+ submitted$/.test(line)) submitted += 1;
          if (submitted === 4) resolve();
        });
        child.once('exit', () => reject(new Error(`ended after ${submitted} submissions`)));
      });
      return child;
    };

    it('cancel their jobs on Ctrl-C', async () => {
      const child = await submitting();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      expect(cluster.jobs()).toEqual([]);
      expect(jobFolders()).toEqual([]);
    });

    it('find their jobs again after a kill', async () => {
      const before = cluster.submitted();
      (await submitting()).kill('SIGKILL');
      expect(jobFolders().length).toBe(4);
      const { status, out } = rig.finn(args);
      expect([status, out]).toEqual([0, expect.stringContaining('was submitted before')]);
      expect(cluster.submitted()).toBe(before + 4);
      expect(existsSync(rig.path('build/digits/icebreaker'))).toBe(true);
      expect(jobFolders()).toEqual([]);
    });
  });
});
