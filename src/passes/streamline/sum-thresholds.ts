import type { Link, Range } from './carried.ts';
import { chainOfReals, type Grid, type Steps } from './thresholds.ts';

/** One term of a sum: its integers' scale, its shift for each channel, and what can occur. */
export interface Term {
  readonly scale: number;
  readonly offset: Float64Array;
  readonly range: Range;
}

export interface SumSteps extends Steps {
  /** What the terms' integers are multiplied by before they are added; positive. */
  readonly factors: readonly number[];
}

/** Most combinations of the terms' integers, over all channels, that are tried. */
const MOST_COMBINATIONS = 1 << 22;
/** Finest grid that is tried: the term of the least scale is multiplied by at most this. */
const FINEST = 4096;

export type SumFound =
  | { readonly ok: true; readonly steps: SumSteps }
  | { readonly ok: false; readonly combinations: number; readonly reason: 'too many' | 'no grid' };

/**
 * Integer factors and thresholds for which Σ factor·q reaches a threshold exactly where the network's own sum of reals,
 * links and quantiser give the level or more: for every combination of integers that can occur, each evaluated as the
 * network evaluates it. The coarsest grid that does is taken.
 */
export function findSumSteps(
  terms: readonly Term[],
  links: readonly Link[],
  shape: { readonly channels: number; readonly rank: number },
  grid: Grid,
): SumFound {
  const { channels, rank } = shape;
  const low = terms.map(({ range }) => Math.min(...range.min));
  const counts = terms.map(({ range }, i) => Math.max(...range.max) - low[i]! + 1);
  const size = counts.reduce((a, b) => a * b, 1);
  const combinations = size * channels;
  if (!(combinations <= MOST_COMBINATIONS)) return { ok: false, combinations, reason: 'too many' };

  const reals = new Float32Array(combinations);
  const picks = terms.map(() => new Int32Array(size));
  for (let n = 0; n < size; n += 1) {
    let rest = n;
    for (let i = 0; i < terms.length; i += 1) {
      picks[i]![n] = low[i]! + (rest % counts[i]!);
      rest = Math.floor(rest / counts[i]!);
    }
    for (let c = 0; c < channels; c += 1) {
      let sum = 0;
      terms.forEach(({ scale, offset }, i) => {
        const term = Math.fround(scale * picks[i]![n]! + offset[c]!);
        sum = i === 0 ? term : Math.fround(sum + term);
      });
      reals[n * channels + c] = sum;
    }
  }
  const result = chainOfReals({ channels, rank, links })(reals);
  const steps = Math.round((grid.max - grid.min) / grid.step);
  const levels = new Int32Array(combinations);
  for (let i = 0; i < combinations; i += 1) {
    const c = i % channels;
    const k = Math.round((result[i]! - grid.offset[c]!) / grid.scale[c]!);
    levels[i] = Math.min(Math.max(Math.floor((k - grid.min) / grid.step), 0), steps);
  }
  const falls = direction(picks, levels, channels);
  const least = Math.min(...terms.map(({ scale }) => scale));
  const seen = new Set<string>();
  for (let n = 1; n <= FINEST; n += 1) {
    const factors = terms.map(({ scale }) => Math.round((scale / least) * n));
    const divisor = factors.reduce(gcd);
    const own = factors.map((f) => f / divisor);
    if (seen.has(own.join()) || own.some((f) => f === 0)) continue;
    seen.add(own.join());
    const thresholds = separate(picks, own, levels, { channels, steps, falls });
    if (thresholds)
      return {
        ok: true,
        steps: { thresholds, steps, signs: new Int8Array(channels).fill(falls ? -1 : 1), factors: own },
      };
  }
  return { ok: false, combinations, reason: 'no grid' };
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Does the level fall as the terms rise? */
function direction(picks: readonly Int32Array[], levels: Int32Array, channels: number): boolean {
  const last = picks[0]!.length - 1;
  for (let c = 0; c < channels; c += 1) {
    const [first, end] = [levels[c]!, levels[last * channels + c]!];
    if (first !== end) return end < first;
  }
  return false;
}

/** The thresholds on ±Σ factor·q that tell all levels apart, one row a channel; undefined if two levels overlap. */
function separate(
  picks: readonly Int32Array[],
  factors: readonly number[],
  levels: Int32Array,
  { channels, steps, falls }: { readonly channels: number; readonly steps: number; readonly falls: boolean },
): Float64Array | undefined {
  const size = picks[0]!.length;
  const least = new Float64Array((steps + 1) * channels).fill(Infinity);
  const most = new Float64Array((steps + 1) * channels).fill(-Infinity);
  for (let n = 0; n < size; n += 1) {
    let sum = 0;
    for (let i = 0; i < factors.length; i += 1) sum += factors[i]! * picks[i]![n]!;
    if (falls) sum = -sum;
    for (let c = 0; c < channels; c += 1) {
      const at = c * (steps + 1) + levels[n * channels + c]!;
      if (sum < least[at]!) least[at] = sum;
      if (sum > most[at]!) most[at] = sum;
    }
  }
  const thresholds = new Float64Array(steps * channels);
  for (let c = 0; c < channels; c += 1) {
    const at = c * (steps + 1);
    let above = Infinity;
    for (let k = steps; k >= 1; k -= 1) {
      above = Math.min(above, least[at + k]!);
      thresholds[c * steps + k - 1] = above;
    }
    let below = -Infinity;
    for (let k = 1; k <= steps; k += 1) {
      below = Math.max(below, most[at + k - 1]!);
      const t = thresholds[c * steps + k - 1]!;
      if (below >= t) return undefined;
      if (t === Infinity) thresholds[c * steps + k - 1] = below + 1;
    }
  }
  return thresholds;
}
