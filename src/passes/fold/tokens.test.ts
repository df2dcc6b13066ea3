import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataflows } from '../../../test/helpers/dataflow.ts';
import { plainTokens } from '../../../test/helpers/plain-tokens.ts';
import { runTokens } from './tokens.ts';

const frames = 5;

describe('token runs', () => {
  it('move every beat in the cycle in which a plain simulation does', () => {
    const queues = fc.array(fc.record({ depth: fc.integer({ min: 1, max: 9 }), latency: fc.constantFrom(1, 2) }), {
      minLength: 16,
      maxLength: 16,
    });
    let deadlocks = 0;
    fc.assert(
      fc.property(dataflows(), queues, fc.integer({ min: 1, max: 4 }), ({ stages, edges, beats }, all, rest) => {
        const capacities = all.slice(0, edges);
        const offered = (cycle: number): boolean => cycle % rest === 0;
        const plain = plainTokens(stages, capacities, frames * beats, offered);
        const run = runTokens(stages, capacities, {
          frames,
          log: true,
          edge: (_, direction) => (direction === 'in' ? (cycle) => Math.ceil(cycle / rest) * rest : undefined),
        });
        expect(run.deadlock).toBe(plain.deadlock);
        if (plain.deadlock) deadlocks += 1;
        run.log.forEach(({ in: ins, out: outs }, stage) => {
          ins.forEach((said, port) => {
            const was = plain.log[stage]!.in[port]!;
            expect(said.slice(0, was.length)).toEqual(was.slice(0, said.length));
          });
          expect(outs).toEqual(plain.log[stage]!.out);
        });
      }),
      { numRuns: 400, seed: 7 },
    );
    expect(deadlocks).toBeGreaterThan(10);
    expect(deadlocks).toBeLessThan(300);
  });

  it('see when frames repeat, and are right that they will', () => {
    let steady = 0;
    fc.assert(
      fc.property(dataflows(), fc.integer({ min: 2, max: 9 }), ({ stages, edges, beats }, depth) => {
        const capacities = new Array(edges).fill({ depth });
        const run = runTokens(stages, capacities, { frames: 40 });
        if (run.deadlock || !run.steady) return;
        steady += 1;
        const long = 60;
        const { log } = plainTokens(stages, capacities, long * beats);
        const times = log.at(-1)!.out[0]!;
        const ends = Array.from({ length: long }, (_, frame) => times[(frame + 1) * beats - 1]!);
        expect(ends[long - 1]! - ends[long - 2]!).toBe(run.interval);
        expect(
          ends[0]! - Math.min(...log.flatMap(({ in: ins }) => ins.map((cycles) => cycles[0] ?? Infinity))) + 1,
        ).toBe(run.latency);
      }),
      { numRuns: 150, seed: 3 },
    );
    expect(steady).toBeGreaterThan(75);
  });
});
