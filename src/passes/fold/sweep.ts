import { bug } from '../../diagnostics/diagnostic.ts';
import type { Schedule } from '../../operators/operator.ts';
import { beatsOf } from './pattern.ts';
import { player } from './players.ts';
import { Queue, UNKNOWN, type When } from './queue.ts';
import type { Stage } from './tokens.ts';

/**
 * Cycles of one frame's beats in a flow that repeats every `pace` cycles: beat n of frame f moves in cycle
 * beats[n] + f · pace.
 */
type Flow = Int32Array;

/** What a depth costs in time: cycles from a beat's coming to its going. */
export type Latency = (edge: number, depth: number) => number;

/**
 * Frames of time before the first: what a stage gives without having taken anything of a frame, such as a border, it gives
 * before that frame's time.
 */
const lead = 2;

/** Frames after which a stage that is fed a periodic flow is taken not to settle. */
const patience = 64;

/**
 * Depths with which the stages keep `pace`, the accelerator's input being offered frame by frame at that pace. First
 * forward, every stage as early as it can with endless queues; then backward, each stage behind the least queues with
 * which it still gives every beat in time for its readers, whose cycles are settled by then. Stage by stage and a few
 * frames each, so that it takes about as long as two runs. The depths are sufficient by construction; each is the least
 * for its readers' times, which others might do with less. Stages must come in topological order.
 */
export function sweep(
  stages: readonly Stage[],
  edges: number,
  pace: number,
  least: number,
  latency: Latency,
): number[] {
  const early = forward(stages, edges, pace, latency);
  const taken: Flow[] = new Array(edges);
  const depths: number[] = new Array(edges).fill(least);
  for (let i = stages.length - 1; i >= 0; i -= 1) {
    const { schedule, in: ins, out: outs } = stages[i]!;
    const inner = outs.flatMap((e, port) => (e < 0 ? [] : [{ e, port }]));
    const attempt = (): Flow[] | undefined => {
      let late = false;
      const sources = ins.map((e, port) =>
        e < 0 ? sourceOf(pace, beatsOf(schedule, 'in', port)) : arriving(early[e]!, pace, latency(e, Infinity)),
      );
      const sinks = outs.map((e): When | undefined => {
        if (e < 0) return undefined;
        const readers = taken[e]!;
        const depth = depths[e]!;
        const after = latency(e, depth);
        // The frames of beat n and of the beat whose place it takes.
        let [begin, end, shift] = [0, readers.length, lead * pace];
        let [freeBegin, freeEnd, freeShift] = [0, readers.length, lead * pace];
        return (cycle, n) => {
          if (n >= end) [begin, end, shift] = [end, end + readers.length, shift + pace];
          if (n - depth >= freeEnd)
            [freeBegin, freeEnd, freeShift] = [freeEnd, freeEnd + readers.length, freeShift + pace];
          const when = n < depth ? cycle : Math.max(cycle, readers[n - depth - freeBegin]! + freeShift + 1);
          if (when + after <= readers[n - begin]! + shift) return when;
          late = true;
          return UNKNOWN;
        };
      });
      const flows = play(schedule, sources, sinks, pace, (port, flow) => {
        const e = outs[port]!;
        return e < 0 || freeFor(flow, taken[e]!, depths[e]!, pace);
      });
      return late ? undefined : flows?.ins;
    };
    // All at the least; failing that, all as deep as the readers can fill them, and one after the other as shallow as it may be.
    for (const { e } of inner) depths[e] = least;
    let found = attempt();
    if (!found) {
      const most = inner.map(({ e }) => Math.max(least, mostHeld(early[e]!, taken[e]!, pace) + 1));
      inner.forEach(({ e }, k) => {
        depths[e] = most[k]!;
      });
      for (const { e } of inner) {
        let [low, high] = [inner.length > 1 ? least : least + 1, depths[e]!];
        // Most are shallow: look there first.
        // Of deep queues the last sixteenth is not worth the time.
        for (let step = 1; low < high && high - low > Math.floor(high / 256) * 16; step *= 4) {
          const middle = Math.min(low + step - 1, Math.floor((low + high) / 2));
          depths[e] = middle;
          const flows = attempt();
          if (flows) [high, found] = [middle, flows];
          else low = middle + 1;
        }
        depths[e] = high;
      }
      found ??= attempt() ?? bug(`${stages[i]!.name} is late behind the deepest queues`);
    }
    ins.forEach((e, port) => {
      if (e >= 0) taken[e] = found[port]!;
    });
  }
  return depths;
}

/** When each edge's beats come, if no stage ever has to wait for a place. */
function forward(stages: readonly Stage[], edges: number, pace: number, latency: Latency): Flow[] {
  const flows: Flow[] = new Array(edges);
  for (const { name, schedule, in: ins, out: outs } of stages) {
    const sources = ins.map((e, port) =>
      e < 0
        ? sourceOf(pace, beatsOf(schedule, 'in', port))
        : arriving(flows[e] ?? bug(`${name} comes before what it reads`), pace, latency(e, Infinity)),
    );
    const made =
      play(
        schedule,
        sources,
        outs.map(() => undefined),
        pace,
      ) ?? bug(`${name} does not keep a pace of ${pace} cycles`);
    outs.forEach((e, port) => {
      if (e >= 0) flows[e] = made.outs[port]!;
    });
  }
  return flows;
}

/** A source that has all of a frame at its beginning. */
const sourceOf =
  (pace: number, beats: number): When =>
  (_, n) =>
    (Math.floor(n / beats) + lead) * pace;

function arriving(flow: Flow, pace: number, latency: number): When {
  let [begin, end, shift] = [0, flow.length, lead * pace + latency];
  return (_, n) => {
    if (n >= end) [begin, end, shift] = [end, end + flow.length, shift + pace];
    return flow[n - begin]! + shift;
  };
}

/**
 * Plays one stage until a frame is like the one before; its beats in that frame, shifted to frame 0. Undefined if it does not
 * come to that. `free` tells if a port's first beats, which find empty queues, would find places as early in later frames.
 */
function play(
  schedule: Schedule,
  sources: readonly When[],
  sinks: readonly (When | undefined)[],
  pace: number,
  free: (port: number, flow: Flow) => boolean = () => true,
): { ins: Flow[]; outs: Flow[] } | undefined {
  const ins = sources.map((when) => {
    const queue = new Queue(-1, 0, Infinity, 1);
    queue.when = when;
    return queue;
  });
  const outs = sinks.map((when) => {
    const queue = new Queue(0, -1, Infinity, 1);
    queue.when = when;
    return queue;
  });
  const one = player(schedule, ins, outs, () => {});
  const queues = [...ins, ...outs];
  const beats = [
    ...ins.map((_, port) => beatsOf(schedule, 'in', port)),
    ...outs.map((_, port) => beatsOf(schedule, 'out', port)),
  ];
  let before: Flow[] = [];
  for (let frame = 0; frame < patience; frame += 1) {
    const flows = beats.map((n) => new Int32Array(n));
    for (const [k, queue] of queues.entries()) queue.record(flows[k]!, frame * beats[k]!, (frame + lead) * pace);
    one.advance(frame + 1);
    if (queues.some((queue, k) => (k < ins.length ? queue.popped : queue.pushed) < (frame + 1) * beats[k]!))
      return undefined;
    // The next frame is the same if nothing of this one holds it up, and all that holds this one up is there for it, too.
    const alike =
      frame === 0
        ? one.prompt &&
          one.restsFrom() <= one.course.starts[0]! + pace &&
          flows.slice(ins.length).every((flow, k) => free(k, flow))
        : flows.every((flow, k) => same(flow, before[k]!));
    if (alike) return { ins: flows.slice(0, ins.length), outs: flows.slice(ins.length) };
    before = flows;
  }
  return undefined;
}

/** Do beats that come as in `flow` find a place each in a queue of `depth` from which readers take a frame every `pace` cycles? */
function freeFor(flow: Flow, readers: Flow, depth: number, pace: number): boolean {
  if (depth > readers.length) return false;
  for (let n = 0; n < depth; n += 1) if (readers[readers.length - depth + n]! - pace + 1 > flow[n]!) return false;
  return true;
}

function same(a: Flow, b: Flow): boolean {
  for (let n = a.length - 1; n >= 0; n -= 1) if (a[n] !== b[n]) return false;
  return true;
}

/** Most beats between two flows at the end of a cycle, those of all frames. */
function mostHeld(came: Flow, went: Flow, pace: number): number {
  const count = came.length;
  let most = 0;
  let in_ = 0;
  // Before beat n of a frame goes, those are there that have come in the cycle before at the latest.
  for (let n = 0; n < count; n += 1) {
    const at = went[n]!;
    const comes = (k: number): number => came[k % count]! + Math.floor(k / count) * pace;
    while (comes(in_) < at) in_ += 1;
    most = Math.max(most, in_ - n);
  }
  return most;
}
