import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import { Rig } from '../engine/rig.ts';
import { available } from '../helpers/require.ts';
import { Cluster } from '../helpers/slurm.ts';
import { Calls, held, type Running, script, slurm, text } from './calls.ts';
import { buildLayers } from './layers.ts';

describe.runIf(available('slurm'))('jobs of a real Slurm with two nodes', () => {
  const cluster = new Cluster({
    nodes: 2,
    cpus: 2,
    settings: {
      // A node that says nothing for so long is down.
      SlurmdTimeout: '15',
      PreemptType: 'preempt/partition_prio',
      PreemptMode: 'REQUEUE',
    },
    partitions: [
      'PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1',
      'PartitionName=spare Nodes=ALL MaxTime=60 State=UP PriorityTier=1 PreemptMode=CANCEL',
      'PartitionName=urgent Nodes=ALL MaxTime=60 State=UP PriorityTier=10 PreemptMode=OFF',
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'finn-nodes-'));
  const calls = new Calls(folder);
  const executor = slurm();
  const gate = (): string => join(mkdtempSync(join(folder, 'gate-')), 'open');
  const nodeOf = async (running: Running, job: number | string): Promise<string> =>
    /on (n[12])$/.exec(await running.saw(new RegExp(`^slurm: job ${job} RUNNING on n[12]$`)))![1]!;
  const idOf = async (running: Running): Promise<string> => /job (\d+)/.exec(await running.saw(/submitted$/))![1]!;
  const freed = async (running: Running) => {
    const done = await running.done;
    return [done.exit, text(done.outputs['out']), done.log];
  };
  const result = [0, 'free\n', 'begun\nfree\n'];

  beforeAll(async () => {
    await cluster.start();
  });
  afterAll(async () => {
    await executor.close();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('make the bytes of this machine, on both nodes at once', async () => {
    const [near, far] = [new Rig(), new Rig()];
    try {
      // Nobody goes on before all four are there: two on each node.
      const source = (name: string): string => {
        mkdirSync(join(folder, name));
        return `cksum in/a.v | tee out.txt; cp in/a.v "${folder}/${name}/$(cksum <in/a.v | tr ' ' -)"
          while [ "$(ls "${folder}/${name}" | wc -l)" -lt 4 ]; do sleep 0.1; done; ls -R; echo "$LC_ALL"`;
      };
      const here = await buildLayers(near, source('near'), new LocalExecutor());
      const there = await buildLayers(far, source('far'), slurm());
      expect(there.built.ok).toBe(true);
      expect(there.hash).toBe(here.hash);
      const where = cluster.run('squeue', '--noheader', '--states=all', '--sort=N', '--format=%N');
      expect(where.trim().split('\n')).toEqual(['n1', 'n1', 'n2', 'n2']);
    } finally {
      near.remove();
      far.remove();
    }
  });

  it('run again on the other node when theirs is cut off', async () => {
    const free = gate();
    const running = calls.start(executor, script(held(free), { outputs: { out: 'out.txt' } }));
    const node = await nodeOf(running, await idOf(running));
    await running.saw(/^begun$/);
    await cluster.cutOff(node);
    const again = await running.saw(/^slurm: job \d+ is submitted again: NODE_FAIL$/);
    const other = await nodeOf(running, Number(/\d+/.exec(again)![0]) + 1);
    writeFileSync(free, '');
    expect(await freed(running)).toEqual(result);
    expect(other).not.toBe(node);
    cluster.startNode(node);
    await cluster.until('its return', () => cluster.stateOf(node) === 'idle');
  });

  /** Takes all nodes for itself until the gate is open. */
  const urgent = (open: string): void => {
    const command = `while [ ! -e '${open}' ]; do sleep 0.1; done`;
    cluster.run(
      'sbatch',
      '--partition=urgent',
      '--exclusive',
      '--nodes=2',
      '--output=/dev/null',
      `--chdir=${folder}`,
      `--wrap=${command}`,
    );
  };

  it.each([
    ['REQUEUE, but as they are may not be put into the queue again', 'main'],
    ['CANCEL', 'spare'],
  ])('are submitted again when they are preempted (%s)', async (_, partition) => {
    const [free, other] = [gate(), gate()];
    const running = calls.start(slurm({ partition }), script(held(free), { outputs: { out: 'out.txt' } }));
    await running.saw(/^begun$/);
    urgent(other);
    await running.saw(/^slurm: job \d+ is submitted again: PREEMPTED$/);
    await running.saw(/^slurm: job \d+ PENDING/);
    writeFileSync(other, '');
    writeFileSync(free, '');
    expect(await freed(running)).toEqual(result);
  });

  it('wait on when they are preempted and Slurm puts them into the queue again', async () => {
    const [free, other] = [gate(), gate()];
    const before = cluster.submitted();
    const running = calls.start(slurm({ options: ['--requeue'] }), script(held(free), { outputs: { out: 'out.txt' } }));
    const id = await idOf(running);
    await running.saw(/^begun$/);
    urgent(other);
    await cluster.until('its preemption', () =>
      /JobState=PENDING.*Restarts=1/s.test(cluster.run('scontrol', 'show', 'job', id)),
    );
    // Within the second in which it was ended Slurm would refuse to start it.
    cluster.run('scontrol', 'update', `jobid=${id}`, 'starttime=now+2');
    writeFileSync(other, '');
    writeFileSync(free, '');
    expect(await freed(running)).toEqual(result);
    expect(cluster.submitted()).toBe(before + 2);
  });

  it('go on where a node is drained, and wait until one takes jobs again', async () => {
    const [free, second] = [gate(), gate()];
    const running = calls.start(executor, script(held(free), { outputs: { out: 'out.txt' } }));
    await running.saw(/^begun$/);
    for (const node of cluster.nodes)
      cluster.run('scontrol', 'update', `nodename=${node}`, 'state=drain', 'reason=test');
    const waiting = calls.start(executor, script(held(second), { outputs: { out: 'out.txt' } }));
    await waiting.saw(/^slurm: .* may keep job \d+ waiting for ever$/);
    writeFileSync(free, '');
    expect(await freed(running)).toEqual(result);
    for (const node of cluster.nodes) cluster.run('scontrol', 'update', `nodename=${node}`, 'state=resume');
    await waiting.saw(/^begun$/);
    writeFileSync(second, '');
    expect(await freed(waiting)).toEqual(result);
  });
});
