import { product, sum } from '../../util/maths.ts';
import type { Buffered } from '../operator.ts';
import type { Sizes } from './sizes.ts';

/** A counter of the order in which windows are read: `count` steps, each `step` input beats further on. */
export interface Loop {
  readonly count: number;
  readonly step: number;
}

/** The order in which one beat after the other is read from the buffer. */
export interface Order {
  /** Inside a window and from window to window, innermost first; without loops of one step. */
  readonly inner: readonly Loop[];
  readonly outer: readonly Loop[];
}

/** Loops without those of one step; two that go on where the inner one ended are one. */
function joined(loops: readonly Loop[]): Loop[] {
  const out: Loop[] = [];
  for (const loop of loops.filter(({ count }) => count > 1)) {
    const last = out.at(-1);
    if (last && last.step * last.count === loop.step) {
      out[out.length - 1] = { count: last.count * loop.count, step: last.step };
    } else out.push(loop);
  }
  return out;
}

export function orderOf({ image, output, kernel, stride, dilation, groups, depthwise }: Sizes): Order {
  const row = image[1] * groups;
  const group: Loop = { count: groups, step: 1 };
  const window: Loop[] = [
    { count: kernel[1], step: dilation[1] * groups },
    { count: kernel[0], step: dilation[0] * row },
  ];
  return {
    inner: joined(depthwise ? [...window, group] : [group, ...window]),
    outer: joined([
      { count: output[1], step: stride[1] * groups },
      { count: output[0], step: stride[0] * row },
    ]),
  };
}

/** Input beats from the first to the last that a run through all loops touches. */
const reach = (loops: readonly Loop[]): number => sum(loops.map(({ count, step }) => (count - 1) * step));

/**
 * Input beats from one read to the next, for each number of loops that have come to their end, all of them at the end of a
 * frame of `inputs` beats.
 */
export const stepsOf = (loops: readonly Loop[], inputs: number): number[] =>
  [...loops.map(({ step }) => step), inputs].map((step, level) => step - reach(loops.slice(0, level)));

/** Where in the frame the `index`-th read of these loops is. */
function placeOf(loops: readonly Loop[], index: number): number {
  let rest = index;
  let place = 0;
  for (const { count, step } of loops) {
    place += (rest % count) * step;
    rest = Math.floor(rest / count);
  }
  return place;
}

/** Beats that a window covers, from its first element to its last: no smaller buffer works. */
export const spanOf = ({ inner }: Order): number => reach(inner) + 1;

/**
 * The least capacity with which the interval is that of an unlimited buffer, max(inputs, outputs). Outputs ≥ inputs: beats go out in
 * every cycle; each must have come in before, one in a cycle, and may not come in before there is place. Inputs > outputs: beats come in
 * in every cycle, and go out as soon as they can. Both bounds are linear in the window's row and column, so that the
 * extremes lie at the first and last two rows and columns.
 */
export function capacityOf(s: Sizes): number {
  const order = orderOf(s);
  const beats = product(order.inner.map(({ count }) => count));
  // The most by which a beat of a window is needed earlier than beats that come in one by one would bring it.
  let pace = 1;
  let early = 1;
  for (const { count, step } of order.inner) {
    early += Math.max(0, step - pace) * (count - 1);
    pace *= count;
  }
  const [rows, columns] = s.output;
  const ends = (n: number): number[] => [...new Set([0, 1, n - 2, n - 1])].filter((i) => i >= 0 && i < n);
  const windows = [0, 1].flatMap((frame) =>
    ends(rows).flatMap((y) =>
      ends(columns).map((x) => ({
        number: (frame * rows + y) * columns + x,
        place: frame * s.inputs + (y * s.stride[0] * s.image[1] + x * s.stride[1]) * s.groups,
      })),
    ),
  );
  let most = spanOf(order);
  // How far beats come in ahead of where windows, one read after the other without a pause, would be.
  let [least, greatest] = [Infinity, -Infinity];
  for (const { number, place } of windows) {
    const ahead = place - number * beats;
    greatest = Math.max(greatest, ahead);
    most = Math.max(most, early + beats + (s.inputs > s.outputs ? greatest - ahead : ahead - least));
    least = Math.min(least, ahead);
  }
  return most;
}

/** Beats go out one cycle after they are read. */
export function bufferSchedule(s: Sizes): Buffered {
  const order = orderOf(s);
  const all = [...order.inner, ...order.outer];
  const beats = product(order.inner.map(({ count }) => count));
  return {
    kind: 'buffered',
    inputs: s.inputs,
    outputs: s.outputs,
    needs: (j) => placeOf(all, j) + 1,
    keeps: (j) => placeOf(order.outer, Math.floor(j / beats)),
    capacity: capacityOf(s),
    depth: 1,
  };
}
