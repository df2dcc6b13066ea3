import { compare, type Rational, rational, showRational, toNumber } from '../util/rational.ts';
import type { Board, BoardClock } from './board.ts';

/** How the accelerator's clock comes about: from the board's through a PLL (or not), then divided by a power of two. */
export interface ClockPlan {
  /** MHz, exactly. */
  readonly mhz: Rational;
  /**
   * iCE40 PLL in SIMPLE feedback: fPFD = fIN/(DIVR+1), fVCO = fPFD·(DIVF+1), fOUT = fVCO/2^DIVQ; FILTER_RANGE by fPFD
   * (FPGA-TN-02052, iCE40 sysCLOCK PLL Design and Usage Guide).
   */
  readonly pll?: { readonly divr: number; readonly divf: number; readonly divq: number; readonly filterRange: number };
  /** Divider in the fabric behind the PLL: 1, 2, 4, … */
  readonly divide: number;
}

const dividers = [1, 2, 4, 8, 16];
const scaled = ({ num, den }: Rational, by: bigint, over: bigint): Rational => rational(num * by, den * over);
const within = (value: Rational, { min, max }: { min: Rational; max: Rational }): boolean =>
  compare(value, min) >= 0 && compare(value, max) <= 0;

/** FILTER_RANGE for a phase detector's rate in MHz: the steps that Lattice's PLL tool takes. */
function filterRange(pfd: number): number {
  return [17, 26, 44, 66, 101].filter((limit) => pfd >= limit).length + 1;
}

/** Every rate an iCE40's clock can be made, the simplest plan for each: no PLL before PLL, small dividers before large. */
function* plans(clock: BoardClock): Generator<ClockPlan> {
  for (const divide of dividers) yield { mhz: scaled(clock.mhz, 1n, BigInt(divide)), divide };
  if (!clock.pll) return;
  for (const divide of dividers)
    for (let divr = 0; divr < 16; divr++) {
      const pfd = scaled(clock.mhz, 1n, BigInt(divr + 1));
      if (!within(pfd, clock.pll.pfd)) continue;
      for (let divf = 0; divf < 128; divf++) {
        const vco = scaled(pfd, BigInt(divf + 1), 1n);
        if (!within(vco, clock.pll.vco)) continue;
        for (let divq = 1; divq <= 6; divq++) {
          const out = scaled(vco, 1n, 1n << BigInt(divq));
          if (!within(out, clock.pll.output)) continue;
          const pll = { divr, divf, divq, filterRange: filterRange(toNumber(pfd)) };
          yield { mhz: scaled(out, 1n, BigInt(divide)), pll, divide };
        }
      }
    }
}

/** How exactly `wanted` MHz is made on an iCE40 board; undefined where it cannot be. */
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
  const { clock } = board;
  const message = `board ${board.id} cannot make a clock of ${showRational(wanted)} MHz`;
  if (board.family !== 'ice40' || !clock || planClock(clock, wanted)) return undefined;
  const near = nearestClocks(clock, wanted).map((rate) => `${showRational(rate)} MHz`);
  return { message, hint: `from its ${showRational(clock.mhz)} MHz the nearest: ${near.join(' and ')}` };
}
