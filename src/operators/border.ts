import { all, type Counter, within } from '../hdl/counters.ts';
import { admits, type DataType, smallest } from '../ir/datatype.ts';
import { gcd } from '../util/maths.ts';

/** Pixels above, left of, below and right of the inner image: FINN's order. */
export type Sides = readonly [top: number, left: number, bottom: number, right: number];

/** An image with a border, as a stream of beats: which beats of the outer image belong to the inner one. */
export interface Border {
  /** Counters of the position in the outer image, the innermost first. */
  readonly nest: readonly Counter[];
  /** Beats of the outer image. */
  readonly beats: number;
  /** Verilog: the position is inside. */
  readonly inside: string;
  /** Is beat t of the outer image, or of one that follows it, inside? */
  contains(t: number): boolean;
  /** Verilog: the position is the very first, and the last of those inside. */
  readonly start: string;
  readonly lastInside: string;
  /** The first and the last beat inside. */
  readonly first: number;
  readonly last: number;
}

/** Does nothing stand left or right, so that inner rows follow one another in the stream? */
const level = ([, left, , right]: Sides): boolean => left === 0 && right === 0;

/** Pixels that beats of several pixels must divide, so that none lies across the border; `height` × `width` is the outer image. */
export function pixelsToDivide(height: number, width: number, sides: Sides): number {
  const [top, left, bottom, right] = sides;
  if (level(sides)) return [top * width, bottom * width].reduce(gcd, height * width);
  return [left, right].reduce(gcd, width);
}

/** The border of an outer image of height × width pixels, each `perPixel` beats (a fraction where a beat has several). */
export function borderOf(height: number, width: number, sides: Sides, perPixel: number): Border {
  const [top, left, bottom, right] = sides;
  const rowBeats = Math.round(width * perPixel);
  const span = (pixels: number): number => Math.round(pixels * perPixel);
  if (level(sides)) {
    const beat: Counter = { name: 'beat', count: span(height * width) };
    const [from, to] = [span(top * width), span((height - bottom) * width)];
    const contains = (t: number): boolean => t % beat.count >= from && t % beat.count < to;
    // Without a border there is nothing to count.
    const nest = from === 0 && to === beat.count ? [] : [beat];
    const [start, lastInside] = [within(beat, 0, 1), within(beat, to - 1, to)];
    const ends = { start, lastInside, first: from, last: to - 1 };
    return { nest, beats: beat.count, inside: within(beat, from, to), contains, ...ends };
  }
  const column: Counter = { name: 'column', count: rowBeats };
  const row: Counter = { name: 'row', count: height };
  const [from, to] = [span(left), span(width - right)];
  const below = height - bottom;
  return {
    nest: top === 0 && bottom === 0 && left === 0 ? [column] : [column, row],
    beats: rowBeats * height,
    inside: all(within(column, from, to), within(row, top, below)),
    start: all(within(column, 0, 1), within(row, 0, 1)),
    lastInside: all(within(column, to - 1, to), within(row, below - 1, below)),
    first: top * rowBeats + from,
    last: (below - 1) * rowBeats + to - 1,
    contains(t) {
      const [x, y] = [t % rowBeats, Math.floor(t / rowBeats) % height];
      return x >= from && x < to && y >= top && y < below;
    },
  };
}

/** A type itself if it holds the value, otherwise the narrowest that holds both. */
export const typeWith = (dtype: DataType, value: number): DataType =>
  admits(dtype, value) ? dtype : smallest(Math.min(dtype.min, value), Math.max(dtype.max, value));
