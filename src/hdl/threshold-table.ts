import { bug } from '../diagnostics/diagnostic.ts';
import { sizeOf, type Tensor } from '../ir/tensor.ts';
import { log2Ceil } from '../util/maths.ts';

/**
 * What thresholds do to accumulators that can really occur. The reachable accumulators of channel c fall into intervals;
 * interval i begins at steps[c][i − 1] and counts[c][i] thresholds are reached in it.
 */
export interface ThresholdTable {
  readonly channels: number;
  /** Bits of the interval's number; 0 if no channel has a step. */
  readonly bits: number;
  /** Ascending integers for each channel, at most 2^bits − 1; an accumulator reaches a step if it is not less. */
  readonly steps: readonly (readonly number[])[];
  /** For each channel one more than it has steps. */
  readonly counts: readonly (readonly number[])[];
  /** If the count is `base` plus the interval's number in every channel: no table of values is needed. */
  readonly base: number | undefined;
}

/**
 * Reduces thresholds [C or 1 × n] (a row's order does not matter; fractions and infinities are allowed) to the steps that some accumulator
 * of accMin(c) … accMax(c) reaches and some does not. The count is of the thresholds t with sign(c) · accumulator ≥ t.
 */
export function thresholdTable(
  thresholds: Tensor,
  channels: number,
  accMin: (channel: number) => number,
  accMax: (channel: number) => number,
  sign: (channel: number) => 1 | -1 = () => 1,
): ThresholdTable {
  const [rows, n] = [thresholds.shape[0] ?? 1, thresholds.shape[1] ?? 0];
  if (thresholds.shape.length !== 2 || (rows !== 1 && rows !== channels) || sizeOf(thresholds.shape) !== rows * n) {
    bug(`thresholds of shape [${thresholds.shape}] for ${channels} channels`);
  }
  const steps: number[][] = [];
  const counts: number[][] = [];
  for (let c = 0; c < channels; c += 1) {
    const row = rows === 1 ? 0 : c;
    const reduced = reduce(thresholds.data.subarray(row * n, (row + 1) * n), accMin(c), accMax(c), sign(c));
    steps.push(reduced.steps);
    counts.push(reduced.counts);
  }
  const bits = log2Ceil(Math.max(...steps.map((list) => list.length)) + 1);
  const base = Math.min(...counts.map((list) => Math.min(...list)));
  const top = Math.max(...counts.map((list) => Math.max(...list)));
  const rising = counts.every((list) => list[0]! <= list.at(-1)!);
  if (!rising || log2Ceil(top - base + 1) !== bits) return { channels, bits, steps, counts, base: undefined };

  // As many levels as counts: repeat merged steps, and give channels that begin higher steps that are always reached.
  const full = steps.map((list, c) => {
    const values = counts[c]!;
    const always = new Array<number>(values[0]! - base).fill(accMin(c));
    return [...always, ...list.flatMap((step, i) => new Array<number>(values[i + 1]! - values[i]!).fill(step))];
  });
  return {
    channels,
    bits,
    steps: full,
    counts: full.map((list) => [...list.keys(), list.length].map((i) => base + i)),
    base,
  };
}

/** Steps and counts of one channel. */
function reduce(row: ArrayLike<number>, min: number, max: number, sign: 1 | -1): { steps: number[]; counts: number[] } {
  if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max)) {
    bug(`accumulator of ${min} … ${max}`);
  }
  // + 0 makes 0 of −0. −a ≥ t is a ≤ −t, that is, not a ≥ ⌊−t⌋ + 1.
  const edges = Array.from(row, (t) => (sign === 1 ? Math.ceil(t) + 0 : Math.floor(-t) + 1)).sort((a, b) => a - b);
  let reached = 0;
  while (reached < edges.length && edges[reached]! <= min) reached += 1;
  const count = (edgesReached: number): number => (sign === 1 ? edgesReached : edges.length - edgesReached);
  const steps: number[] = [];
  const counts = [count(reached)];
  for (let i = reached; i < edges.length && edges[i]! <= max; i += 1) {
    if (edges[i] === steps.at(-1)) {
      counts[counts.length - 1] = count(i + 1);
    } else {
      steps.push(edges[i]!);
      counts.push(count(i + 1));
    }
  }
  return { steps, counts };
}

/** The count of an accumulator by the table: what the circuit does, in software. */
export function countOf(table: ThresholdTable, channel: number, accumulator: number): number {
  const steps = table.steps[channel]!;
  let interval = 0;
  while (interval < steps.length && accumulator >= steps[interval]!) interval += 1;
  return table.counts[channel]![interval]!;
}
