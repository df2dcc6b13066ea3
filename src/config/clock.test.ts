import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare, parseRational, rational, toNumber } from '../util/rational.ts';
import { loadBoard } from './board.ts';
import { clockProblem, nearestClocks, planClock } from './clock.ts';

const board = loadBoard('icebreaker');
const clock = board.clock!;
const mhz = (text: string) => parseRational(text)!;

test('the board’s own clock needs no PLL, fractions of it a divider', () => {
  expect(planClock(clock, mhz('12'))).toEqual({ mhz: mhz('12'), divide: 1 });
  expect(planClock(clock, mhz('3'))).toEqual({ mhz: mhz('3'), divide: 4 });
});

test('24 MHz are 12 · 64 / 32, as icepll says', () => {
  expect(planClock(clock, mhz('24'))).toEqual({
    mhz: mhz('24'),
    divide: 1,
    pll: { divr: 0, divf: 63, divq: 5, filterRange: 1 },
  });
});

test('below the PLL’s least output it is divided behind it', () => {
  expect(planClock(clock, mhz('9'))).toMatchObject({ divide: 2, pll: { divq: 5 } });
});

test('a rate that cannot be made names the nearest', () => {
  expect(planClock(clock, mhz('25'))).toBeUndefined();
  expect(clockProblem(board, mhz('25'))).toEqual({
    message: 'board icebreaker cannot make a clock of 25 MHz',
    hint: 'from its 12 MHz the nearest: 24.75 MHz and 25.125 MHz',
  });
  expect(clockProblem(board, mhz('1000'))?.hint).toBe('from its 12 MHz the nearest: 270 MHz');
});

test('every plan keeps the PLL within its limits and gives what it says', () => {
  const { pll } = clock;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300_000 }), (khz) => {
      for (const rate of nearestClocks(clock, rational(BigInt(khz), 1000n))) {
        const plan = planClock(clock, rate)!;
        if (!plan.pll) continue;
        const pfd = toNumber(clock.mhz) / (plan.pll.divr + 1);
        const vco = pfd * (plan.pll.divf + 1);
        const out = vco / 2 ** plan.pll.divq;
        for (const [value, range] of [
          [pfd, pll!.pfd],
          [vco, pll!.vco],
          [out, pll!.output],
        ] as const) {
          expect(value).toBeGreaterThanOrEqual(toNumber(range.min));
          expect(value).toBeLessThanOrEqual(toNumber(range.max));
        }
        expect(out / plan.divide).toBeCloseTo(toNumber(rate), 9);
        expect(compare(plan.mhz, rate)).toBe(0);
      }
    }),
    { numRuns: 50 },
  );
});

test('boards whose clock a processor sets take any rate', () => {
  expect(clockProblem(loadBoard('pynq-z1'), mhz('100'))).toBeUndefined();
});
