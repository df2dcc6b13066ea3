import type { Schedule } from '../../operators/operator.ts';
import { sum } from '../../util/maths.ts';
import { beatsOf } from './pattern.ts';
import type { Player } from './player.ts';
import { player } from './players.ts';
import { Queue, type When } from './queue.ts';

/** A stage of the dataflow: a layer's schedule, and the edges its streams are. */
export interface Stage {
  readonly name: string;
  readonly schedule: Schedule;
  /** Edge of each input stream; −1 is an input of the accelerator. */
  readonly in: readonly number[];
  /** Edge of each output stream; −1 is an output of the accelerator. */
  readonly out: readonly number[];
}

/** The queue of an edge: beats that it holds (Infinity for as many as there are), and cycles to pass it, 1 if left out. */
export interface Capacity {
  readonly depth: number;
  readonly latency?: number;
}

export interface TokenRun {
  /**
   * Cycles between the ends of the last two frames at the output; the most between those of the later half of the frames if the
   * run is not steady, as where queues take long to fill.
   */
  readonly interval: number;
  /** Cycle of the first frame's last output beat, counted from 1 at its first input beat. */
  readonly latency: number;
  /** Every later frame takes the same course as the last one. */
  readonly steady: boolean;
  /** No stage could move any more before the frames were through. */
  readonly deadlock: boolean;
  /** Cycles of all beats on the accelerator's edges, where `log` asked for them: of each stage, by port. */
  readonly log: readonly {
    readonly in: readonly (readonly number[])[];
    readonly out: readonly (readonly number[])[];
  }[];
}

export interface TokenOptions {
  /**
   * At most so many frames, and more where queues hold several; the run ends when a frame takes the same course as the one
   * before it, everywhere.
   */
  readonly frames: number;
  /**
   * No run is faster than this pace. Long frames are offered at it, lest queues fill for hundreds of frames, and three of
   * them are enough if the last one keeps it.
   */
  readonly pace?: number;
  /** All of the frames are played, and the cycles of the beats on the accelerator's edges are kept. */
  readonly log?: boolean;
  /** When the accelerator's inputs are offered and its outputs accepted; at once and always if left out. */
  readonly edge?: (stage: number, direction: 'in' | 'out', port: number) => When | undefined;
}

/**
 * Plays the stages' schedules, connected by queues: the cycle of every beat is the circuit's. Cycles are not stepped through, each
 * stage goes from beat to beat as far as those of its neighbours are known, so a frame costs what its beats are, not its cycles.
 */
export function runTokens(stages: readonly Stage[], queues: readonly Capacity[], options: TokenOptions): TokenRun {
  const { log = false, edge } = options;
  const producer = new Map<number, number>();
  const consumer = new Map<number, number>();
  stages.forEach((stage, i) => {
    for (const e of stage.out) producer.set(e, i);
    for (const e of stage.in) consumer.set(e, i);
  });
  const between = queues.map(
    ({ depth, latency = 1 }, e) => new Queue(producer.get(e)!, consumer.get(e)!, depth, latency),
  );
  const brief = options.pace !== undefined && beatsPerFrame(stages) > long;
  const paced = (stage: number, port: number): When => {
    const beats = beatsOf(stages[stage]!.schedule, 'in', port);
    return (cycle, n) => Math.max(cycle, Math.floor(n / beats) * options.pace!);
  };
  const outer = (stage: number, direction: 'in' | 'out', port: number): Queue => {
    const queue = new Queue(direction === 'in' ? -1 : stage, direction === 'in' ? stage : -1, Infinity, 1);
    queue.when = edge?.(stage, direction, port) ?? (brief && direction === 'in' ? paced(stage, port) : undefined);
    if (log) queue.log = [];
    return queue;
  };
  const ins = stages.map((s, i) => s.in.map((e, port) => (e < 0 ? outer(i, 'in', port) : between[e]!)));
  const outs = stages.map((s, i) => s.out.map((e, port) => (e < 0 ? outer(i, 'out', port) : between[e]!)));
  const work = new Worklist(stages.length);
  const players = stages.map((stage, i) => player(stage.schedule, ins[i]!, outs[i]!, work.add));
  const sinks = outs.flatMap((list, i) =>
    list.flatMap((queue, port) =>
      queue.consumer < 0 ? [{ queue, beats: beatsOf(stages[i]!.schedule, 'out', port) }] : [],
    ),
  );
  for (const { queue } of sinks) queue.ends = [];
  for (const { queue, beats } of sinks) queue.beats = beats;
  const reach = reachOf(stages, queues);
  const frames = log ? options.frames : options.frames + 2 * (reach - 1);
  const endOf = (frame: number): number => Math.max(...sinks.map(({ queue }) => queue.ends![frame]!));
  let steady = false;
  let done = 0;
  let kept = false;
  while (done < frames && !steady && !kept) {
    done = log ? frames : done + 1;
    for (let i = 0; i < stages.length; i += 1) work.add(i);
    for (let i = work.next(); i >= 0; i = work.next()) players[i]!.advance(done);
    if (sinks.some(({ queue }) => queue.ends!.length < done)) break;
    steady = settled(players, done, reach);
    kept = brief && done >= 3 && endOf(done - 1) - endOf(done - 2) === options.pace;
  }
  const ends = Array.from({ length: Math.min(...sinks.map(({ queue }) => queue.ends!.length)) }, (_, frame) =>
    endOf(frame),
  );
  const intervals = ends.slice(1).map((end, frame) => end - ends[frame]!);
  const later = intervals.slice(steady || kept ? -1 : Math.floor(intervals.length / 2));
  const first = Math.min(...ins.flat().flatMap(({ producer: p, first }) => (p < 0 && first >= 0 ? [first] : [])));
  const logOf = (list: readonly Queue[]): number[][] => list.map((queue) => queue.log ?? []);
  const deadlock = ends.length < done;
  return {
    interval: ends.length === 0 || deadlock ? Infinity : later.length > 0 ? Math.max(...later) : ends[0]! + 1,
    latency: ends.length > 0 ? ends[0]! - first + 1 : Infinity,
    steady,
    deadlock,
    log: log ? stages.map((_, i) => ({ in: logOf(ins[i]!), out: logOf(outs[i]!) })) : [],
  };
}

/**
 * How many frames back a frame's course may hang on the others' at most: a beat needs the place of one that went so many
 * frames before, a buffer's place was used so many frames before.
 */
function reachOf(stages: readonly Stage[], queues: readonly Capacity[]): number {
  let reach = 1;
  for (const { schedule, out } of stages) {
    if (schedule.kind === 'buffered') reach = Math.max(reach, Math.ceil(schedule.capacity / schedule.inputs));
    out.forEach((e, port) => {
      const depth = e < 0 ? Infinity : queues[e]!.depth;
      if (depth !== Infinity) reach = Math.max(reach, Math.ceil(depth / beatsOf(schedule, 'out', port)));
    });
  }
  return reach;
}

/** Have the last `reach` frames taken the course of the one before each, at one pace in all stages? Then all later ones will. */
function settled(players: readonly Player[], done: number, reach: number): boolean {
  if (done <= reach) return false;
  const paceOf = ({ course: { starts } }: Player, frame: number): number => starts[frame]! - starts[frame - 1]!;
  const pace = paceOf(players[0]!, done - 1);
  return players.every((one) => {
    const { marks } = one.course;
    for (let frame = done - reach; frame < done; frame += 1)
      if (paceOf(one, frame) !== pace || marks[frame] !== marks[frame - 1]) return false;
    return true;
  });
}

/** Stages that may have something to play: first come, first served, each once. */
class Worklist {
  private readonly ring: Int32Array;
  private readonly listed: Uint8Array;
  private head = 0;
  private size = 0;

  constructor(stages: number) {
    this.ring = new Int32Array(stages);
    this.listed = new Uint8Array(stages);
  }

  readonly add = (stage: number): void => {
    if (this.listed[stage]) return;
    this.listed[stage] = 1;
    this.ring[(this.head + this.size) % this.ring.length] = stage;
    this.size += 1;
  };

  /** The next stage, or −1. */
  next(): number {
    if (this.size === 0) return -1;
    const stage = this.ring[this.head]!;
    this.head = (this.head + 1) % this.ring.length;
    this.size -= 1;
    this.listed[stage] = 0;
    return stage;
  }
}

/** A frame is long from so many beats on. */
const long = 1e7;

/** More beats are not played to see whether a run becomes steady: about ten seconds. */
const patience = 3e8;

/** Frames after which a graph is taken as it is, steady or not. */
export const settlingFrames = (stages: readonly Stage[]): number =>
  Math.min(stages.length + 6, Math.max(5, Math.floor(patience / beatsPerFrame(stages))));

/** Beats that all stages take and give in a frame. */
export function beatsPerFrame(stages: readonly Stage[]): number {
  return sum(
    stages.map(
      ({ schedule, in: ins, out: outs }) =>
        sum(ins.map((_, port) => beatsOf(schedule, 'in', port))) +
        sum(outs.map((_, port) => beatsOf(schedule, 'out', port))),
    ),
  );
}
