import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runTokens, type Stage, settlingFrames, smallestDepths } from './tokens.ts';

/** A stage that takes a beat every `rest`-th cycle of its first part, and gives its results at the end of each group. */
interface Shape {
  readonly interval: number;
  /** Cycles in which it takes a beat, and those in which it gives one. */
  readonly takes: readonly number[];
  readonly gives: readonly number[];
  readonly depth: number;
}

const stagesOf = (shapes: readonly Shape[]): Stage[] =>
  shapes.map(({ interval, takes, gives, depth }, i) => ({
    name: `s${i}`,
    schedule: { interval, depth, takes: (_, t) => takes.includes(t), gives: (_, t) => gives.includes(t) },
    in: [i - 1],
    out: [i === shapes.length - 1 ? -1 : i],
  }));

/** A chain of 2 to 4 stages that agree on the beats between them. */
const chains: fc.Arbitrary<Shape[]> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 5 }),
    fc.array(fc.tuple(fc.integer({ min: 6, max: 14 }), fc.integer({ min: 1, max: 4 }), fc.nat(1e6)), {
      minLength: 4,
      maxLength: 4,
    }),
  )
  .map(([beats, parts]) =>
    beats.slice(1).map((out, i) => {
      const [interval, depth, seed] = parts[i]!;
      const choose = (n: number, salt: number): number[] => {
        const cycles = Array.from({ length: interval }, (_, t) => ({
          t,
          key: ((t + 1) * 7919 * (seed + salt)) % 104729,
        }));
        return cycles
          .sort((a, b) => a.key - b.key)
          .slice(0, n)
          .map(({ t }) => t)
          .sort((a, b) => a - b);
      };
      return { interval, depth, takes: choose(beats[i]!, 1), gives: choose(out, 2) };
    }),
  );

/** The same circuits written as a naive clocked simulation of unlimited queues of marks; end cycles of the frames. */
function naive(shapes: readonly Shape[], depths: readonly number[], frames: number): number[] {
  const queues = depths.map(() => 0);
  const state = shapes.map(({ depth }) => ({ t: 0, line: new Array<boolean>(depth).fill(false) }));
  const ends: number[] = [];
  let given = 0;
  for (let cycle = 0; ends.length < frames && cycle < 100000; cycle += 1) {
    const seen = [...queues];
    shapes.forEach((shape, i) => {
      const own = state[i]!;
      const leaves = own.line.at(-1)!;
      const isLast = i === shapes.length - 1;
      if (leaves && !isLast && seen[i]! >= depths[i]!) return;
      if (leaves && isLast) {
        given += 1;
        if (given % shape.gives.length === 0) ends.push(cycle);
      } else if (leaves) queues[i]! += 1;
      const wants = shape.takes.includes(own.t);
      const starved = i > 0 && wants && seen[i - 1] === 0;
      if (!starved && wants && i > 0) queues[i - 1]! -= 1;
      own.line.pop();
      own.line.unshift(!starved && shape.gives.includes(own.t));
      if (!starved) own.t = (own.t + 1) % shape.interval;
    });
  }
  return ends;
}

describe('token runs', () => {
  it('take as many cycles as a naive simulation', () => {
    fc.assert(
      fc.property(chains, fc.integer({ min: 1, max: 5 }), (shapes, depth) => {
        const depths = shapes.slice(1).map(() => depth);
        const frames = settlingFrames(shapes.length);
        const run = runTokens(
          stagesOf(shapes),
          depths.map((depth) => ({ depth })),
          { frames },
        );
        const ends = naive(shapes, depths, frames);
        expect(run.deadlock).toBe(false);
        expect(run.interval).toBe(ends.at(-1)! - ends.at(-2)!);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('never hold more than a depth, and say so when nothing can move', () => {
    const stages = stagesOf([
      { interval: 4, takes: [0], gives: [0, 1, 2, 3], depth: 1 },
      { interval: 8, takes: [0, 2, 4, 6], gives: [7], depth: 2 },
    ]);
    const run = runTokens(stages, [{ depth: 3 }], { frames: 8 });
    expect(run.interval).toBe(8);
    // Two results of one frame, joined again: the short way must hold what the long way needs before it gives anything.
    const fork: Stage = {
      name: 'fork',
      schedule: { interval: 4, depth: 1, takes: () => true, gives: () => true },
      in: [-1],
      out: [0, 1],
    };
    const whole: Stage = {
      name: 'whole',
      schedule: { interval: 4, depth: 1, takes: () => true, gives: (_, t) => t === 3 },
      in: [0],
      out: [2],
    };
    const join: Stage = {
      name: 'join',
      schedule: { interval: 4, depth: 1, takes: (port, t) => port === 1 || t === 0, gives: () => true },
      in: [2, 1],
      out: [-1],
    };
    expect(
      runTokens(
        [fork, whole, join],
        [2, 2, 2].map((depth) => ({ depth })),
        { frames: 8 },
      ).deadlock,
    ).toBe(true);
    const sized = smallestDepths([fork, whole, join], 3, () => 4, 2);
    expect(sized.run.deadlock).toBe(false);
    expect(sized.depths[1]).toBeGreaterThan(2);
  });
});

describe('the least depths', () => {
  it('keep the pace of deep queues, and one less of any does not', () => {
    fc.assert(
      fc.property(chains, (shapes) => {
        const stages = stagesOf(shapes);
        const frames = settlingFrames(shapes.length);
        const beats = (edge: number) => shapes[edge]!.gives.length;
        const { depths, run } = smallestDepths(stages, shapes.length - 1, beats, 1);
        const pace = naive(
          shapes,
          depths.map(() => 1000),
          frames,
        );
        const ends = naive(shapes, depths, frames);
        expect(run.deadlock).toBe(false);
        expect(run.interval).toBe(pace.at(-1)! - pace.at(-2)!);
        expect(ends.at(-1)! - ends.at(-2)!).toBe(run.interval);
        depths.forEach((depth, edge) => {
          if (depth === 1) return;
          const less = naive(shapes, depths.with(edge, depth - 1), frames);
          expect(less.at(-1)! - less.at(-2)!).toBeGreaterThan(run.interval);
        });
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});
