import { compare, type Rational, rational, toNumber } from '../util/rational.ts';
import type { BoardClock, Range } from './board.ts';

/**
 * iCE40 PLL in SIMPLE feedback: fPFD = fIN/(DIVR+1), fVCO = fPFD·(DIVF+1), fOUT = fVCO/2^DIVQ; FILTER_RANGE by fPFD
 * (FPGA-TN-02052, iCE40 sysCLOCK PLL Design and Usage Guide).
 */
export interface Ice40Pll {
  readonly primitive: 'SB_PLL40_PAD' | 'SB_PLL40_CORE';
  readonly divr: number;
  readonly divf: number;
  readonly divq: number;
  readonly filterRange: number;
}

/**
 * ECP5 PLL that feeds its output CLKOP back undivided and gives the clock on CLKOS: fPFD = fIN/CLKI_DIV,
 * fVCO = fPFD·CLKOP_DIV, fOUT = fVCO/CLKOS_DIV (FPGA-TN-02200, ECP5 sysCLOCK PLL/DLL Design and Usage Guide).
 */
export interface Ecp5Pll {
  readonly primitive: 'EHXPLLL';
  /** CLKI_DIV, CLKOP_DIV and CLKOS_DIV: 1 to 128. */
  readonly input: number;
  readonly looped: number;
  readonly output: number;
}

export type PllPlan = Ice40Pll | Ecp5Pll;

type Pll = NonNullable<BoardClock['pll']>;
/** A plan and the rate that it makes, in MHz. */
type Made<P extends PllPlan> = Generator<{ readonly mhz: Rational; readonly plan: P }>;

const times = ({ num, den }: Rational, by: number): Rational => rational(num * BigInt(by), den);
const over = ({ num, den }: Rational, by: number): Rational => rational(num, den * BigInt(by));
const within = (value: Rational, { min, max }: Range): boolean => compare(value, min) >= 0 && compare(value, max) <= 0;

/** Every rate that a PLL makes of `reference` MHz within its limits, the phase detector as fast as it may be first. */
export const pllPlans = (reference: Rational, pll: Pll): Made<PllPlan> =>
  pll.primitive === 'EHXPLLL' ? ecp5Plans(reference, pll) : ice40Plans(reference, pll, pll.primitive);

/** FILTER_RANGE for a phase detector's rate in MHz: the steps that Lattice's PLL tool takes. */
function filterRange(pfd: number): number {
  return [17, 26, 44, 66, 101].filter((limit) => pfd >= limit).length + 1;
}

function* ice40Plans(reference: Rational, pll: Pll, primitive: Ice40Pll['primitive']): Made<Ice40Pll> {
  for (let divr = 0; divr < 16; divr++) {
    const pfd = over(reference, divr + 1);
    if (!within(pfd, pll.pfd)) continue;
    for (let divf = 0; divf < 128; divf++) {
      const vco = times(pfd, divf + 1);
      if (!within(vco, pll.vco)) continue;
      for (let divq = 1; divq <= 6; divq++) {
        const mhz = over(vco, 2 ** divq);
        if (within(mhz, pll.output))
          yield { mhz, plan: { primitive, divr, divf, divq, filterRange: filterRange(toNumber(pfd)) } };
      }
    }
  }
}

/** Dividers of an ECP5's PLL go to this. */
const LARGEST = 128;

function* ecp5Plans(reference: Rational, pll: Pll): Made<Ecp5Pll> {
  for (let input = 1; input <= LARGEST; input++) {
    const pfd = over(reference, input);
    // What is fed back has the phase detector's rate and comes from an output.
    if (!within(pfd, pll.pfd) || !within(pfd, pll.output)) continue;
    for (let looped = 1; looped <= LARGEST; looped++) {
      const vco = times(pfd, looped);
      if (!within(vco, pll.vco)) continue;
      for (let output = 1; output <= LARGEST; output++) {
        const mhz = over(vco, output);
        if (within(mhz, pll.output)) yield { mhz, plan: { primitive: 'EHXPLLL', input, looped, output } };
      }
    }
  }
}
