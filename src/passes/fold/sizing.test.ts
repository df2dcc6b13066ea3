import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dataflow, dataflows } from '../../../test/helpers/dataflow.ts';
import { plainTokens } from '../../../test/helpers/plain-tokens.ts';
import { smallestDepths } from './sizing.ts';
import { sweep } from './sweep.ts';
import { runTokens, type Stage } from './tokens.ts';

const latency = (_: number, depth: number): number => (depth < 4 ? 1 : 2);

/** Pace of the slowest stage; undefined if one never settles, as no operator's schedule does. */
function paceOf({ stages }: Dataflow): number | undefined {
  const alone = stages.map(({ name, schedule, in: ins, out: outs }) => {
    const stage: Stage = { name, schedule, in: ins.map(() => -1), out: outs.map(() => -1) };
    return runTokens([stage], [], { frames: 40 });
  });
  return alone.every(({ steady }) => steady) ? Math.max(...alone.map(({ interval }) => interval)) : undefined;
}

const frames = 60;

/** Cycles of a frame, the mean of many, by plain simulation; Infinity after a deadlock. */
function paceBehind({ stages, beats }: Dataflow, depths: readonly number[]): number {
  const capacities = depths.map((depth, edge) => ({ depth, latency: latency(edge, depth) }));
  const { log, deadlock } = plainTokens(stages, capacities, frames * beats);
  const times = log.at(-1)!.out[0]!;
  return deadlock ? Infinity : (times[frames * beats - 1]! - times[20 * beats - 1]!) / (frames - 20);
}

describe('FIFO depths', () => {
  it('keep the pace of the slowest stage, and one less of any loses it', () => {
    let deep = 0;
    fc.assert(
      fc.property(dataflows(), (flow) => {
        const pace = paceOf(flow);
        if (pace === undefined) return;
        const { depths, run } = smallestDepths(flow.stages, { count: flow.edges, least: 2, latency }, pace);
        expect(run?.deadlock).toBe(false);
        expect(run?.interval).toBe(pace);
        expect(paceBehind(flow, depths)).toBe(pace);
        depths.forEach((depth, edge) => {
          if (depth === 2) return;
          deep += 1;
          expect(paceBehind(flow, depths.with(edge, depth - 1))).toBeGreaterThan(pace);
        });
      }),
      { numRuns: 120, seed: 5 },
    );
    expect(deep).toBeGreaterThan(50);
  });

  it('of a sweep keep the pace of an input that comes at it', () => {
    fc.assert(
      fc.property(dataflows(), (flow) => {
        const pace = paceOf(flow);
        if (pace === undefined) return;
        const depths = sweep(flow.stages, flow.edges, pace, 2, latency);
        const capacities = depths.map((depth, edge) => ({ depth, latency: latency(edge, depth) }));
        const run = runTokens(flow.stages, capacities, { frames: 40 });
        expect(run.deadlock).toBe(false);
        expect(run.interval).toBe(pace);
      }),
      { numRuns: 150, seed: 6 },
    );
  });

  it('of a fork and a join hold what the longer way needs before it gives anything', () => {
    const every = { interval: 8, depth: 1, takes: () => true, gives: () => true };
    const stages: Stage[] = [
      { name: 'fork', schedule: every, in: [-1], out: [0, 1] },
      {
        name: 'whole',
        schedule: { ...every, interval: 16, takes: (_, t) => t < 8, gives: (_, t) => t >= 8 },
        in: [0],
        out: [2],
      },
      { name: 'join', schedule: every, in: [2, 1], out: [-1] },
    ];
    expect(
      runTokens(
        stages,
        [2, 2, 2].map((depth) => ({ depth })),
        { frames: 8 },
      ).deadlock,
    ).toBe(true);
    const { depths, run } = smallestDepths(stages, { count: 3, least: 2, latency }, 16);
    expect(run?.interval).toBe(16);
    expect(depths).toEqual([2, 7, 2]);
  });

  it('are not played where that would take minutes', () => {
    const slow = {
      interval: 2 ** 26,
      period: 2 ** 25,
      depth: 1,
      takes: () => true,
      gives: (_: number, t: number) => t === 0,
    };
    const stages: Stage[] = [
      { name: 'a', schedule: { ...slow, takes: (_, t) => t === 0 }, in: [-1], out: [0] },
      { name: 'b', schedule: { ...slow, takes: (_, t) => t === 0 }, in: [0], out: [-1] },
    ];
    expect(smallestDepths(stages, { count: 1, least: 2, latency }, 2 ** 26)).toEqual({ depths: [2], run: undefined });
  });
});
