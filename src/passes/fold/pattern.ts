import type { Pipeline, Schedule } from '../../operators/operator.ts';

/** The cycles of a pipeline's period in which beats move, and the ports that take and give in them as bit-sets. */
export interface Pattern {
  readonly at: Int32Array;
  readonly takes: Uint32Array;
  readonly gives: Uint32Array;
  /** Of each of those cycles, cycles to the next. */
  readonly gaps: Int32Array;
  /** Divides the interval. */
  readonly period: number;
}

/** A schedule's pattern, made once: folding plays schedules many times. */
const made = new WeakMap<Pipeline, { readonly ports: string; readonly pattern: Pattern }>();

export function patternOf(schedule: Pipeline, ins: number, outs: number): Pattern {
  const ports = `${ins} ${outs}`;
  const known = made.get(schedule);
  if (known?.ports === ports) return known.pattern;
  const period = schedule.period ?? schedule.interval;
  const at: number[] = [];
  const takes: number[] = [];
  const gives: number[] = [];
  for (let t = 0; t < period; t += 1) {
    let [taken, given] = [0, 0];
    for (let port = 0; port < ins; port += 1) if (schedule.takes(port, t)) taken |= 1 << port;
    for (let port = 0; port < outs; port += 1) if (schedule.gives(port, t)) given |= 1 << port;
    if (taken === 0 && given === 0) continue;
    at.push(t);
    takes.push(taken);
    gives.push(given);
  }
  const gaps = Int32Array.from(at, (t, i) => (i + 1 < at.length ? at[i + 1]! : period + at[0]!) - t);
  const pattern = {
    at: Int32Array.from(at),
    takes: Uint32Array.from(takes),
    gives: Uint32Array.from(gives),
    gaps,
    period,
  };
  made.set(schedule, { ports, pattern });
  return pattern;
}

/** Beats by direction and port, which are asked for often. */
const counted = new WeakMap<Schedule, Map<string, number>>();

/** Beats of a frame at a port. */
export function beatsOf(schedule: Schedule, direction: 'in' | 'out', port: number): number {
  if (schedule.kind === 'buffered') return direction === 'in' ? schedule.inputs : schedule.outputs;
  const seen = counted.get(schedule) ?? new Map<string, number>();
  counted.set(schedule, seen);
  const key = `${direction} ${port}`;
  const known = seen.get(key);
  if (known !== undefined) return known;
  const period = schedule.period ?? schedule.interval;
  let n = 0;
  for (let t = 0; t < period; t += 1)
    if (direction === 'in' ? schedule.takes(port, t) : schedule.gives(port, t)) n += 1;
  const beats = n * (schedule.interval / period);
  seen.set(key, beats);
  return beats;
}
