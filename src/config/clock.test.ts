import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare, parseRational, rational, toNumber } from '../util/rational.ts';
import { type BoardClock, loadBoard } from './board.ts';
import { clockProblem, nearestClocks, planClock } from './clock.ts';
import type { PllPlan } from './pll.ts';

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
    pll: { primitive: 'SB_PLL40_PAD', divr: 0, divf: 63, divq: 5, filterRange: 1 },
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

test('an ECP5 feeds one output back and gives another', () => {
  const ulx3s = loadBoard('ulx3s-85f');
  expect(planClock(ulx3s.clock!, mhz('25'))).toEqual({ mhz: mhz('25'), divide: 1 });
  // 25 MHz · 16 / 8
  expect(planClock(ulx3s.clock!, mhz('50'))).toEqual({
    mhz: mhz('50'),
    divide: 1,
    pll: { primitive: 'EHXPLLL', input: 1, looped: 16, output: 8 },
  });
  expect(planClock(ulx3s.clock!, mhz('42.5'))?.pll).toMatchObject({ input: 1, looped: 17, output: 10 });
  expect(planClock(ulx3s.clock!, mhz('12.5'))).toMatchObject({ divide: 1, pll: { output: 32 } });
  expect(clockProblem(ulx3s, mhz('48'))).toEqual({
    message: 'board ulx3s-85f cannot make a clock of 48 MHz',
    hint: 'from its 25 MHz the nearest: 575/12 MHz and 625/13 MHz',
  });
});

const rates = (
  { mhz: reference }: BoardClock,
  pll: PllPlan,
): Record<'pfd' | 'vco' | 'output', number> & { looped?: number } => {
  const input = toNumber(reference);
  if (pll.primitive === 'EHXPLLL') {
    const pfd = input / pll.input;
    const vco = pfd * pll.looped;
    return { pfd, vco, output: vco / pll.output, looped: pfd };
  }
  const pfd = input / (pll.divr + 1);
  const vco = pfd * (pll.divf + 1);
  return { pfd, vco, output: vco / 2 ** pll.divq };
};

test.each(['icebreaker', 'ulx3s-85f'])(
  'every plan of %s keeps the PLL within its limits and gives what it says',
  (id) => {
    const clock = loadBoard(id).clock!;
    const { pll } = clock;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300_000 }), (khz) => {
        for (const rate of nearestClocks(clock, rational(BigInt(khz), 1000n))) {
          const plan = planClock(clock, rate)!;
          if (!plan.pll) continue;
          const { pfd, vco, output, looped = output } = rates(clock, plan.pll);
          for (const [value, range] of [
            [pfd, pll!.pfd],
            [vco, pll!.vco],
            [output, pll!.output],
            [looped, pll!.output],
          ] as const) {
            expect(value).toBeGreaterThanOrEqual(toNumber(range.min));
            expect(value).toBeLessThanOrEqual(toNumber(range.max));
          }
          expect(output / plan.divide).toBeCloseTo(toNumber(rate), 9);
          expect(compare(plan.mhz, rate)).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  },
);

test('boards whose clock a processor sets take any rate', () => {
  expect(clockProblem(loadBoard('pynq-z1'), mhz('100'))).toBeUndefined();
});
