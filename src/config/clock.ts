import { compare, type Rational, rational, showRational } from '../util/rational.ts';
import type { Board, BoardClock } from './board.ts';
import { type PllPlan, pllPlans } from './pll.ts';

/** How the accelerator's clock comes about: from the board's through a PLL (or not), then divided by a power of two. */
export interface ClockPlan {
  /** MHz, exactly. */
  readonly mhz: Rational;
  readonly pll?: PllPlan;
  /** Divider in the fabric behind the PLL: 1, 2, 4, … */
  readonly divide: number;
}

const dividers = [1, 2, 4, 8, 16];
const over = ({ num, den }: Rational, by: number): Rational => rational(num, den * BigInt(by));

/**
 * Every rate that a board's clock can be made, the simplest plan for each first. An iCE40 divides its clock in the fabric
 * before it takes a PLL, whose least output is high; an ECP5's PLL goes low enough to come first.
 */
function* plans(clock: BoardClock): Generator<ClockPlan> {
  yield { mhz: clock.mhz, divide: 1 };
  const divided = dividers.slice(1).map((divide) => ({ mhz: over(clock.mhz, divide), divide }));
  const { pll } = clock;
  if (pll?.primitive !== 'EHXPLLL') yield* divided;
  if (!pll) return;
  for (const divide of dividers)
    for (const { mhz, plan } of pllPlans(clock.mhz, pll)) yield { mhz: over(mhz, divide), pll: plan, divide };
  if (pll.primitive === 'EHXPLLL') yield* divided;
}

/** How exactly `wanted` MHz is made on a board; undefined where it cannot be. */
export function planClock(clock: BoardClock, wanted: Rational): ClockPlan | undefined {
  for (const plan of plans(clock)) if (compare(plan.mhz, wanted) === 0) return plan;
  return undefined;
}

/** The nearest rates below and above `wanted` that can be made, in MHz. */
export function nearestClocks(clock: BoardClock, wanted: Rational): readonly Rational[] {
  let below: Rational | undefined;
  let above: Rational | undefined;
  for (const { mhz } of plans(clock)) {
    const order = compare(mhz, wanted);
    if (order <= 0 && (!below || compare(mhz, below) > 0)) below = mhz;
    if (order >= 0 && (!above || compare(mhz, above) < 0)) above = mhz;
  }
  return [below, above].filter((rate) => rate !== undefined);
}

/** Why a board cannot be clocked so, and what is possible; undefined where it can. */
export function clockProblem(board: Board, wanted: Rational): { message: string; hint?: string } | undefined {
  const { clock, family } = board;
  const message = `board ${board.id} cannot make a clock of ${showRational(wanted)} MHz`;
  if ((family !== 'ice40' && family !== 'ecp5') || !clock || planClock(clock, wanted)) return undefined;
  const near = nearestClocks(clock, wanted).map((rate) => `${showRational(rate)} MHz`);
  return { message, hint: `from its ${showRational(clock.mhz)} MHz the nearest: ${near.join(' and ')}` };
}
