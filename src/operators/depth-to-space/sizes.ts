import type { Layer } from '../operator.ts';
import type { DepthToSpaceAttrs } from './attrs.ts';

/**
 * A depth-to-space as its circuit sees it. A pixel of the input is `block` segments, each of them consecutive pixels of one
 * of the `block` rows that its row becomes; per row of the input the segments come pixel by pixel and go row by row.
 */
export interface BlockSizes {
  readonly block: number;
  /** Beats of a segment. */
  readonly segment: number;
  /** Segments of a row of the output: pixels of a row of the input. */
  readonly width: number;
  /** Rows of the input, over all images. */
  readonly rows: number;
}

export function sizesOf({ inputs: [x], attrs: { blocksize, simd } }: Layer<DepthToSpaceAttrs>): BlockSizes {
  const [batch, height, width, channels] = x!.type.shape as [number, number, number, number];
  return { block: blocksize, segment: channels / (blocksize * simd), width, rows: batch * height };
}

/** Do the segments go in the order in which they come? */
export const inOrder = ({ block, width }: BlockSizes): boolean => block === 1 || width === 1;

/** Beats of a row of the input. */
const rowOf = ({ block, segment, width }: BlockSizes): number => block * segment * width;

/** The input beat that output beat j is. */
export function sourceOf(s: BlockSizes, j: number): number {
  const { block, segment, width } = s;
  const row = rowOf(s);
  const [y, at] = [Math.floor(j / row), j % row];
  const [i, rest] = [Math.floor(at / (width * segment)), at % (width * segment)];
  return y * row + Math.floor(rest / segment) * block * segment + i * segment + (rest % segment);
}

/** The input beat that is the n-th of those that go to row i of their block. */
const comesAs = ({ block, segment }: BlockSizes, i: number, n: number): number =>
  Math.floor(n / segment) * block * segment + i * segment + (n % segment);

/** Of the first j output beats, those that go to row i of their block. */
function goneOf(s: BlockSizes, i: number, j: number): number {
  const line = s.width * s.segment;
  const row = rowOf(s);
  const y = Math.floor(j / row);
  return y * line + Math.min(Math.max(j - y * row - i * line, 0), line);
}

/** The output goes as many beats after the input as the last segment of an output row comes after its place there, and one for the memory. */
export const lagOf = ({ block, segment, width }: BlockSizes): number => (width - 1) * (block - 1) * segment + 1;

/**
 * Places of each row's queue: the most that wait in it while a beat comes and one goes in every cycle. With one less the
 * input would have to wait. A queue is fullest when a segment of its own begins or ends.
 */
export function placesOf(s: BlockSizes): number[] {
  const lag = lagOf(s);
  // Far enough on for every row to be like the one before.
  const steady = Math.ceil(lag / rowOf(s)) * s.width;
  return Array.from({ length: s.block }, (_, i) => {
    let most = 1;
    for (let pixel = steady; pixel < steady + s.width; pixel += 1)
      for (const beat of [0, s.segment - 1]) {
        const n = pixel * s.segment + beat;
        most = Math.max(most, n - goneOf(s, i, Math.max(0, comesAs(s, i, n) - lag)) + 1);
      }
    return most;
  });
}

/** The first input beat for whose row there is no place when output beat j is the next to go. */
export const limitOf = (s: BlockSizes, places: readonly number[], j: number): number =>
  Math.min(...places.map((n, i) => comesAs(s, i, goneOf(s, i, j) + n)));
