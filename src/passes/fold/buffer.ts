import type { Buffered } from '../../operators/operator.ts';

/** Where a function of a frame's beats changes: from beat at[k] on it is value[k]. at[0] is 0. */
export interface Changes {
  readonly at: Int32Array;
  readonly value: Int32Array;
}

/** A buffered schedule as the beats with which something changes; far fewer than there are beats. */
export interface Buffer {
  /** The greatest of `needs` so far. */
  readonly needs: Changes;
  readonly keeps: Changes;
}

/** Made once: folding plays schedules many times. */
const made = new WeakMap<Buffered, Buffer>();

export function bufferOf(schedule: Buffered): Buffer {
  let buffer = made.get(schedule);
  if (!buffer) {
    let most = 0;
    const needs = changes(schedule.outputs, (j) => {
      most = Math.max(most, schedule.needs(j));
      return most;
    });
    buffer = { needs, keeps: changes(schedule.outputs, (j) => schedule.keeps(j)) };
    made.set(schedule, buffer);
  }
  return buffer;
}

function changes(beats: number, of: (j: number) => number): Changes {
  const at: number[] = [];
  const value: number[] = [];
  for (let j = 0; j < beats; j += 1) {
    const now = of(j);
    if (at.length > 0 && now === value[value.length - 1]) continue;
    at.push(j);
    value.push(now);
  }
  return { at: Int32Array.from(at), value: Int32Array.from(value) };
}
