import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownerOf } from '../../src/engine/forsaken.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { openStore } from '../../src/engine/store.ts';
import { sha256 } from '../../src/util/hash.ts';
import { myMark } from '../../src/util/process-mark.ts';
import { Rig, type Settings, scope, text } from '../engine/rig.ts';
import { Calls, type Running, script, slurm } from './calls.ts';
import { FakeSlurm } from './fake-slurm.ts';

const netlist = text('netlist');
const steps = (fails: boolean): AnyStep[] => [
  step({
    name: 'synthesize',
    doc: '',
    per: 'build',
    needs: {},
    makes: { netlist },
    config: (_: Settings) => ({}),
    run: async () => {
      if (fails) throw new Error('no');
      return { netlist: '' };
    },
  }),
];
const place = '/recipes/a.yaml';
const owner = ownerOf(place, { id: { step: 'synthesize', scope: ['b'] }, scope: scope('build', 'b') });
/** A process of another machine that nobody here can know of. */
const faraway = myMark().replace(/^m[0-9a-f]{8}/, 'm00000000');

describe('jobs that an earlier finn left', () => {
  let fake: FakeSlurm;
  let rig: Rig;
  let left: Running | undefined;
  beforeEach(() => {
    fake = new FakeSlurm();
    rig = new Rig();
  });
  afterEach(async () => {
    left?.abort();
    await left?.done.catch(() => {});
    fake.remove();
    rig.remove();
  });

  const key = sha256('a call of yesterday');
  const at = (...path: string[]): string => join(rig.folder, '.finn/work', ...path);
  const lock = (): string => at(`lock-call-${key}`);
  /** A job without a claim: what waits for it here is unknown to the store, as one that is gone would be. */
  const leave = async (): Promise<void> => {
    mkdirSync(at(`job-${key}`), { recursive: true });
    left = new Calls(rig.folder).start(slurm({}, { poll: 1000 }), script('true'), {
      directory: at(`job-${key}`),
      owner,
    });
    await left.saw(/job 1 submitted/);
    fake.set(1, 'RUNNING');
  };
  const build = async ({ from = place, fails = false } = {}): Promise<string[]> => {
    rig.events.splice(0);
    const executor = slurm({}, { poll: 0.04 }, 0.2);
    const engine = rig.engine(steps(fails), { executor, place: from });
    await engine.run(engine.graph([{ scope: scope('build', 'b'), artifact: netlist }]), { display: rig.display });
    await executor.close();
    return rig.events.flatMap((event) =>
      event.type === 'diagnostic' && event.diagnostic.code === 'tool/slurm-forsaken' ? [event.diagnostic.message] : [],
    );
  };
  const stays = (): void => {
    expect(fake.read('cancelled')).toBe('');
    expect(existsSync(at(`job-${key}`))).toBe(true);
  };
  const goes = (said: readonly string[]): void => {
    expect(said).toEqual(['cancelled 1 jobs of an earlier build that nobody waits for']);
    expect(fake.read('cancelled')).toBe('1\n');
    expect(existsSync(at(`job-${key}`))).toBe(false);
    expect(existsSync(lock())).toBe(false);
  };

  it('are cancelled when their build has all that it wants', async () => {
    await leave();
    fake.add(7, 'RUNNING', 'other', '/elsewhere');
    goes(await build());
    expect(await build()).toEqual([]);
  });

  it('stay while their build may come back for them: it fails, or another recipe is built', async () => {
    await leave();
    expect(await build({ fails: true })).toEqual([]);
    stays();
    expect(await build({ from: '/recipes/other.yaml' })).toEqual([]);
    stays();
  });

  it('stay while another process of this machine waits for them, and go when it is gone', async () => {
    await leave();
    const release = await openStore(join(rig.folder, '.finn')).claim(`call-${key}`, new AbortController().signal);
    expect(await build()).toEqual([]);
    stays();
    release();
    // One that was killed leaves its claim.
    writeFileSync(lock(), myMark().replace(/p\d+s\d*$/, 'p1s0'));
    goes(await build());
  });

  it('stay while a process of another machine waits for them, whatever the clocks say', async () => {
    await leave();
    const seen = at(`seen-call-${key}`);
    const hours = (count: number): Date => new Date(Date.now() - count * 3_600_000);
    writeFileSync(lock(), faraway);
    // Its clock is days behind.
    utimesSync(lock(), hours(50), hours(50));
    expect(await build()).toEqual([]);
    expect(await build()).toEqual([]);
    // It was seen long ago, and has touched its claim since.
    utimesSync(seen, hours(2), hours(2));
    utimesSync(lock(), hours(49), hours(49));
    expect(await build()).toEqual([]);
    stays();
    expect(readFileSync(lock(), 'utf8')).toBe(faraway);
    // Seen an hour ago, and not touched since.
    utimesSync(seen, hours(2), hours(2));
    goes(await build());
    expect(existsSync(seen)).toBe(false);
  });

  it('stay where Slurm does not answer, and go with the next build', async () => {
    await leave();
    fake.write('down', 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n');
    expect(await build()).toEqual([expect.stringMatching(/^cannot cancel 1 jobs .*: slurm_load_jobs error/)]);
    stays();
    expect(existsSync(lock())).toBe(false);
    fake.erase('down');
    goes(await build());
  });

  it('cost a build that left none no question', async () => {
    await build();
    expect(fake.read('asked')).toBe('');
  });
});
