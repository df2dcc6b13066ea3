import type { Schedule } from '../../operators/operator.ts';

/** A stage of the dataflow: a layer's schedule, and the edges its streams are. */
export interface Stage {
  readonly name: string;
  readonly schedule: Schedule;
  /** Edge of each input stream; −1 is the accelerator's input, which always has a beat. */
  readonly in: readonly number[];
  /** Edge of each output stream; −1 is the accelerator's output, which always takes one. */
  readonly out: readonly number[];
}

export interface TokenRun {
  /** Cycles between the ends of the last two frames at the output. */
  readonly interval: number;
  /** Cycle of the first frame's last output beat, counted from 1 at its first input beat. */
  readonly latency: number;
  /** Most beats each edge ever held. */
  readonly most: readonly number[];
  /** No stage could move any more before the frames were through. */
  readonly deadlock: boolean;
}

interface State {
  readonly stage: Stage;
  /** Position in the frame. */
  t: number;
  /** Results on their way, a ring: one bit-set of output ports for each register, the one that leaves next at `head`. */
  readonly pipe: Uint32Array;
  head: number;
  /** Results in the ring that give a beat. */
  busy: number;
  /** Ports that take and that give a beat in each cycle of the frame, as bit-sets. */
  readonly takes: Uint32Array;
  readonly gives: Uint32Array;
}

/** A schedule as tables, made once: the sizing runs it many times. */
const tables = new WeakMap<Schedule, { readonly takes: Uint32Array; readonly gives: Uint32Array }>();

function tablesOf({ schedule, in: ins, out }: Stage): { readonly takes: Uint32Array; readonly gives: Uint32Array } {
  let made = tables.get(schedule);
  if (!made) {
    const bits = (ports: readonly number[], says: (port: number, t: number) => boolean) =>
      Uint32Array.from({ length: schedule.interval }, (_, t) =>
        ports.reduce((set, _edge, port) => (says(port, t) ? set | (1 << port) : set), 0),
      );
    made = {
      takes: bits(ins, (port, t) => schedule.takes(port, t)),
      gives: bits(out, (port, t) => schedule.gives(port, t)),
    };
    tables.set(schedule, made);
  }
  return made;
}

/**
 * Runs the stages cycle by cycle on their token schedules: exact for circuits that stall as one pipeline, without any
 * values, hence fast. `depths` are the capacities of the edges in beats (Infinity for unbounded).
 */
export function runTokens(stages: readonly Stage[], depths: readonly number[], frames: number): TokenRun {
  const held = depths.map(() => 0);
  const most = depths.map(() => 0);
  const states: State[] = stages.map((stage) => ({
    stage,
    t: 0,
    pipe: new Uint32Array(Math.max(1, stage.schedule.depth)),
    head: 0,
    busy: 0,
    ...tablesOf(stage),
  }));
  const sinks = states.map(({ stage }) => stage.out.filter((edge) => edge < 0).length);
  const beatsOut = states.map(({ stage }) => countGives(stage));
  const ends: number[] = [];
  let firstTaken = -1;
  let gone = 0;
  const perFrame = states.reduce((n, _, i) => n + (sinks[i]! > 0 ? beatsOut[i]! : 0), 0);
  let idle = 0;
  for (let cycle = 0; ends.length < frames; cycle += 1) {
    let moved = false;
    // All decisions are on the state at the clock edge: edges are registered FIFOs.
    const before = held.slice();
    for (const state of states) {
      const { stage, pipe } = state;
      const leaving = pipe[state.head]!;
      const blocked = stage.out.some(
        (edge, port) => (leaving >> port) & 1 && edge >= 0 && before[edge]! >= depths[edge]!,
      );
      if (blocked) continue;
      if (leaving) {
        moved = true;
        stage.out.forEach((edge, port) => {
          if (!((leaving >> port) & 1)) return;
          if (edge < 0) {
            gone += 1;
            if (gone % perFrame === 0) ends.push(cycle);
          } else {
            held[edge]! += 1;
          }
        });
      }
      let entering = 0;
      const taken = state.takes[state.t]!;
      const starved = stage.in.some((edge, port) => edge >= 0 && (taken >> port) & 1 && before[edge]! === 0);
      if (!starved) {
        moved = true;
        stage.in.forEach((edge, port) => {
          if (!((taken >> port) & 1)) return;
          if (edge >= 0) held[edge]! -= 1;
          else if (firstTaken < 0) firstTaken = cycle;
        });
        entering = state.gives[state.t]!;
        state.t = state.t + 1 === state.takes.length ? 0 : state.t + 1;
      }
      pipe[state.head] = entering;
      state.head = state.head + 1 === pipe.length ? 0 : state.head + 1;
      state.busy += (entering ? 1 : 0) - (leaving ? 1 : 0);
      if (state.busy > 0) moved = true;
    }
    for (let edge = 0; edge < held.length; edge += 1) if (held[edge]! > most[edge]!) most[edge] = held[edge]!;
    idle = moved ? 0 : idle + 1;
    if (idle > 2) return { interval: Infinity, latency: Infinity, most, deadlock: true };
  }
  const last = ends[ends.length - 1]!;
  return {
    interval: ends.length > 1 ? last - ends[ends.length - 2]! : last + 1,
    latency: ends[0]! - firstTaken + 1,
    most,
    deadlock: false,
  };
}

function countGives({ schedule, out }: Stage): number {
  let n = 0;
  for (let t = 0; t < schedule.interval; t += 1)
    for (const [port, edge] of out.entries()) if (edge < 0 && schedule.gives(port, t)) n += 1;
  return n;
}

/** Frames that a pipeline of `stages` stages is given to reach its steady pace. */
export const settlingFrames = (stages: number): number => stages + 6;

/**
 * The least depths that keep the pace of unbounded FIFOs, edge by edge from the input on, never below `least`.
 * Bisection, after a try with the least: pace is monotone in each depth.
 */
export function smallestDepths(
  stages: readonly Stage[],
  edges: number,
  beatsOf: (edge: number) => number,
  least: number,
): { depths: number[]; run: TokenRun } {
  const frames = settlingFrames(stages.length);
  const depths = Array.from({ length: edges }, (_, edge) => Math.max(least, 2 * beatsOf(edge) + 2));
  const pace = runTokens(stages, depths, frames).interval;
  const keeps = (run: TokenRun): boolean => !run.deadlock && run.interval <= pace;
  // In most networks the least depths will do, everywhere or for all edges but a few.
  const all = new Array<number>(edges).fill(least);
  const leastRun = runTokens(stages, all, frames);
  if (keeps(leastRun)) return { depths: all, run: leastRun };
  for (let edge = 0; edge < edges; edge += 1) {
    let low = least;
    let high = depths[edge]!;
    if (keeps(runTokens(stages, depths.with(edge, least), frames))) high = least;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (keeps(runTokens(stages, depths.with(edge, middle), frames))) high = middle;
      else low = middle + 1;
    }
    depths[edge] = high;
  }
  return { depths, run: runTokens(stages, depths, frames) };
}
