import { log2Ceil, sum } from '../util/maths.ts';
import type { Writer } from '../util/writer.ts';
import { counter } from './stream-module.ts';

/** The last axis in parts, one behind the other, by beats. */
export interface Parts {
  /** Beats of each part. */
  readonly beats: readonly number[];
  /** Beats of all. */
  readonly total: number;
  /** Is beat t of the frame one of this part? */
  has(part: number, t: number): boolean;
}

/** Parts of these lengths at so many elements a beat, which divide every one. */
export function partsOf(lengths: readonly number[], lanes: number): Parts {
  const beats = lengths.map((n) => n / lanes);
  const total = sum(beats);
  const first = (part: number): number => sum(beats.slice(0, part));
  return {
    beats,
    total,
    has: (part, t) => t % total >= first(part) && t % total < first(part) + beats[part]!,
  };
}

/** Declares `place`, the beat of the axis, which goes on with `step`, and `in_<part>` for the part that it lies in. */
export function partSelect(w: Writer, { beats, total }: Parts, step: string): void {
  const bits = log2Ceil(total);
  counter(w, 'place', total, bits, step);
  let from = 0;
  beats.forEach((n, part) => {
    const to = from + n;
    const above = from > 0 ? [`place >= ${bits}'d${from}`] : [];
    const below = to < total ? [`place < ${bits}'d${to}`] : [];
    w.line(`wire in_${part} = ${[...above, ...below].join(' && ')};`);
    from = to;
  });
}

/** LUTs of `partSelect`. */
export const partSelectLuts = ({ beats, total }: Parts): number => 2 * log2Ceil(total) + 2 + beats.length * 2;
