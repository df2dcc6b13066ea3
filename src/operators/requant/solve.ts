import { signedDigits } from '../../hdl/shift-add.ts';
import { clamp } from '../../util/maths.ts';

/** count(x) = clamp(⌊(factor · x + offset) / 2^shift⌋, 0, steps). */
export interface Line {
  readonly factor: number;
  readonly offset: number;
}

/** A point of the staircase: at x a level is reached, or is not reached yet. */
interface Corner {
  readonly x: number;
  readonly level: number;
}

/** What a line must do to be a channel's thresholds, and the slopes that can. */
export interface Staircase {
  /** Where the line is at least at the level. */
  readonly reached: readonly Corner[];
  /** Where it is below the level. */
  readonly below: readonly Corner[];
  /** Slopes (levels per unit of x) between which all lie that have an offset; up to rounding of binary64. */
  readonly slopes: readonly [least: number, most: number];
}

/** Largest shift that is tried; a product of more bits costs more than the thresholds. */
export const mostShift = 28;

/**
 * The staircase of ascending integer thresholds for inputs of min … max; undefined where no line is one: its steps are not
 * uniform, or it has none.
 */
export function staircase(thresholds: ArrayLike<number>, min: number, max: number): Staircase | undefined {
  const reached: Corner[] = [];
  const below: Corner[] = [];
  for (let i = 0; i < thresholds.length; i += 1) {
    const x = clamp(thresholds[i]!, min, max + 1);
    const level = i + 1;
    // Of levels that are reached at once the highest counts, of those that are missed at once the lowest.
    if (x <= max) {
      if (reached.at(-1)?.x === x) reached.pop();
      reached.push({ x, level });
    }
    if (x > min && below.at(-1)?.x !== x - 1) below.push({ x: x - 1, level });
  }
  if (reached.length === 0 || below.length === 0) return undefined;
  // How far the offsets of a slope reach, in levels: a concave function of the slope.
  const room = (slope: number): number => {
    let [least, most] = [-Infinity, Infinity];
    for (const { x, level } of reached) least = Math.max(least, level - slope * x);
    for (const { x, level } of below) most = Math.min(most, level - slope * x);
    return most - least;
  };
  let [low, high] = [0, thresholds.length + 1];
  for (let i = 0; i < 90; i += 1) {
    const third = (high - low) / 3;
    if (room(low + third) < room(high - third)) low += third;
    else high -= third;
  }
  const best = (low + high) / 2;
  if (!(room(best) > 0)) return undefined;
  const edge = (inside: number, outside: number): number => {
    let [good, bad] = [inside, outside];
    for (let i = 0; i < 50; i += 1) {
      const middle = (good + bad) / 2;
      if (room(middle) > 0) good = middle;
      else bad = middle;
    }
    return good;
  };
  return { reached, below, slopes: [edge(best, 0), edge(best, thresholds.length + 1)] };
}

/**
 * The line of that shift which goes through the staircase exactly, corner by corner in integers: of few factors in the middle
 * of those that can be, the one with the fewest signed digits. Undefined if there is none.
 */
export function lineOf({ reached, below, slopes }: Staircase, shift: number): Line | undefined {
  const unit = 2 ** shift;
  const [least, most] = [Math.ceil(slopes[0] * unit), Math.floor(slopes[1] * unit)];
  const middle = Math.round((least + most) / 2);
  const candidates = Array.from({ length: 33 }, (_, i) => middle + (i % 2 === 0 ? i / 2 : -(i + 1) / 2));
  let found: Line | undefined;
  for (const factor of candidates) {
    if (factor < least || factor > most || factor < 1) continue;
    if (found && signedDigits(factor).length >= signedDigits(found.factor).length) continue;
    let [low, high] = [-Infinity, Infinity];
    for (const { x, level } of reached) low = Math.max(low, level * unit - factor * x);
    for (const { x, level } of below) high = Math.min(high, level * unit - 1 - factor * x);
    if (low <= high) found = { factor, offset: roundest(low, high) };
  }
  return found;
}

/** The integer of low … high that is a multiple of the highest power of two. */
function roundest(low: number, high: number): number {
  let found = low;
  for (let unit = 2; ; unit *= 2) {
    const multiple = Math.ceil(low / unit) * unit;
    if (multiple > high) return found;
    found = multiple;
    if (multiple === 0) return 0;
  }
}

/** The lines of all rows with the least shift that they have in common. */
export function linesOf(rows: readonly Staircase[]): { shift: number; lines: Line[] } | undefined {
  for (let shift = 0; shift <= mostShift; shift += 1) {
    const lines: Line[] = [];
    for (const row of rows) {
      const line = lineOf(row, shift);
      if (!line) break;
      lines.push(line);
    }
    if (lines.length === rows.length) return { shift, lines };
  }
  return undefined;
}
