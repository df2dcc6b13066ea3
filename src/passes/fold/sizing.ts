import { sweep } from './sweep.ts';
import { beatsPerFrame, runTokens, type Stage, settlingFrames, type TokenRun } from './tokens.ts';

/** What sizing asks of the edges. */
export interface Queues {
  readonly count: number;
  /** The smallest depth. */
  readonly least: number;
  /** Cycles from a beat's coming to its going, behind that depth; it must not fall with the depth. */
  latency(edge: number, depth: number): number;
}

export interface Sized {
  readonly depths: readonly number[];
  /** The run with these depths; undefined where a frame has too many beats to be played. */
  readonly run: TokenRun | undefined;
}

/** More beats in a frame, or a slower pace in cycles, are not played: it would take minutes. The pace bounds cycles to 31 bits. */
const most = { beats: 2e8, pace: 2 ** 25 };

/** Beats that may be played to find out whether less depth does; about one second. */
const trials = 2e7;

/** Frames that a run takes, roughly, before it is steady. */
const usual = 5;

export const isPlayable = (stages: readonly Stage[], pace: number): boolean =>
  pace <= most.pace && beatsPerFrame(stages) <= most.beats;

/**
 * FIFO depths that keep `pace` (that of the slowest stage) and cannot deadlock. All at the least where that will do. Else those
 * of `sweep`, proved by a run with an input that is always offered; then, the deepest first, each is made as
 * shallow as the others allow, by bisection over runs, for as long as runs are cheap: up to some hundred thousand beats a
 * frame all depths are minimal, one less of any loses throughput; of larger networks each is minimal for the cycles
 * in which the layers behind it read at the earliest.
 */
export function smallestDepths(stages: readonly Stage[], queues: Queues, pace: number): Sized {
  const { count, least, latency } = queues;
  const all = new Array<number>(count).fill(least);
  if (!isPlayable(stages, pace)) return { depths: all, run: undefined };
  const beats = beatsPerFrame(stages);
  const frames = settlingFrames(stages);
  let left = Math.floor(trials / (beats * usual));
  const runWith = (depths: readonly number[]): TokenRun => {
    left -= 1;
    const capacities = depths.map((depth, edge) => ({ depth, latency: latency(edge, depth) }));
    return runTokens(stages, capacities, { frames, pace });
  };
  const keeps = (run: TokenRun): boolean => !run.deadlock && run.interval <= pace;
  if (left > 0) {
    const run = runWith(all);
    if (keeps(run)) return { depths: all, run };
  }
  let depths = sweep(stages, count, pace, least, latency);
  let run = runWith(depths);
  // The proof of `sweep` is for an input at that pace. One that comes sooner may, in theory, make a rigid pipeline come later.
  for (let round = 0; round < 3 && !keeps(run); round += 1) {
    depths = depths.map((depth) => depth * 2);
    run = runWith(depths);
  }
  const order = depths.map((_, edge) => edge).sort((a, b) => depths[b]! - depths[a]! || a - b);
  const tryWith = (edge: number, depth: number): boolean => {
    const tried = runWith(depths.with(edge, depth));
    if (!keeps(tried)) return false;
    depths[edge] = depth;
    run = tried;
    return true;
  };
  for (const edge of order) {
    // Many can be at the least: look there first.
    let low = least;
    for (let middle = low; low < depths[edge]! && left > 0; middle = Math.floor((low + depths[edge]!) / 2)) {
      if (!tryWith(edge, middle)) low = middle + 1;
    }
  }
  // A memory takes a cycle longer than registers, and a pipeline that stalls as a whole may gain by stalling: less may do where more does not.
  for (let changed = true; changed && left > 0; ) {
    changed = false;
    for (const edge of order)
      while (left > 0 && depths[edge]! > least && tryWith(edge, depths[edge]! - 1)) changed = true;
  }
  return { depths, run };
}
