import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT32 } from '../../ir/datatype.ts';
import { constant, input, node as makeNode } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import type { Link } from './carried.ts';
import { type Chain, chainFunction, findSteps, type Grid } from './thresholds.ts';

const floats = (...values: number[]) => constant(tensor(FLOAT32, [values.length], values));
const link = (op: string, channels: number, ...constants: number[][]): Link => {
  const x = input('x', { dtype: FLOAT32, shape: [1, channels] });
  return { node: makeNode(onnx(op), [x, ...constants.map((values) => floats(...values))], {}, [op]), position: 0 };
};
const chain = (links: readonly Link[], scale: number, channels: number): Chain => ({
  channels,
  rank: 2,
  scale: new Float64Array(channels).fill(scale),
  offset: new Float64Array(channels),
  links,
});
const grid = (channels: number, levels: number): Grid => ({
  scale: new Float64Array(channels).fill(1),
  offset: new Float64Array(channels),
  min: 0,
  max: levels,
  step: 1,
});
const range = (min: number, max: number) => ({ min: Float64Array.of(min), max: Float64Array.of(max) });

/** x · factor + shift, rounded and cut to 0…levels: what a quantiser with a scale of 1 gives. */
const quantised = (factors: number[], shifts: number[], levels: number): Link[] => [
  link('Mul', factors.length, factors),
  link('Add', factors.length, shifts),
  link('Round', factors.length),
  { ...link('Clip', factors.length), node: clip(factors.length, levels) },
];
const clip = (channels: number, levels: number) =>
  makeNode(
    onnx('Clip'),
    [
      input('x', { dtype: FLOAT32, shape: [1, channels] }),
      ...[0, levels].map((v) => constant(tensor(FLOAT32, [], [v]))),
    ],
    {},
    ['clip'],
  );

describe('steps of a chain', () => {
  it('are the least integers that reach a level, whether exhausted or bisected', () => {
    const factor = fc.integer({ min: -64, max: 64 }).map((n) => n / 512);
    fc.assert(
      fc.property(
        fc.tuple(factor, factor),
        fc.tuple(factor, factor),
        fc.integer({ min: 1, max: 15 }),
        (factors, shifts, levels) => {
          const one = chain(quantised(factors, shifts, levels), 1, 2);
          const f = chainFunction(one);
          // Too many for exhaustion, and few enough of them in the window around 0.
          const wide = findSteps(one, grid(2, levels), range(-40000, 40000));
          const narrow = findSteps(one, grid(2, levels), range(-3000, 3000));
          if (!wide.ok || !narrow.ok) throw new Error('monotone');
          for (let c = 0; c < 2; c += 1) {
            const sign = wide.steps.signs[c]!;
            expect(narrow.steps.signs[c]).toBe(sign);
            for (let j = 0; j < levels; j += 1) {
              const t = wide.steps.thresholds[c * levels + j]!;
              const other = narrow.steps.thresholds[c * levels + j]!;
              if (t > -3000 && t <= 3000) expect(other).toBe(t);
              const at = (v: number) => f(Float64Array.of(sign * v, sign * v))[c]!;
              if (t <= 40000) expect(at(t)).toBeGreaterThanOrEqual(j + 1);
              if (t > -40000) expect(at(t - 1)).toBeLessThan(j + 1);
            }
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('lie beyond the range where a level is never reached, and at its start where it always is', () => {
    const found = findSteps(chain(quantised([0], [2], 4), 1, 1), grid(1, 4), range(-5, 9));
    expect(found.ok && [...found.steps.thresholds]).toEqual([-5, -5, 10, 10]);
  });

  it('are refused where a chain falls after it rose, over few and over many integers', () => {
    const hump = [link('Abs', 1), ...quantised([0.125], [0], 15)];
    expect(findSteps(chain(hump, 1, 1), grid(1, 15), range(-50, 100))).toMatchObject({
      ok: false,
      channel: 0,
      at: -43,
    });
    expect(findSteps(chain(hump, 1, 1), grid(1, 15), range(-200000, 400000))).toMatchObject({ ok: false, channel: 0 });
    const sine = [link('Sin', 1), ...quantised([2], [2], 4)];
    expect(findSteps(chain(sine, 0.001, 1), grid(1, 4), range(-100000, 100000)).ok).toBe(false);
  });

  it('of an operation that nothing is known of need every integer tried', () => {
    const rising = [link('Abs', 1), ...quantised([0.125], [0], 15)];
    expect(findSteps(chain(rising, 1, 1), grid(1, 15), range(0, 1e6)).ok).toBe(true);
    expect(findSteps(chain(rising, 1, 1), grid(1, 15), range(0, 1e7))).toMatchObject({ ok: false, count: 1e7 + 1 });
  });
});
