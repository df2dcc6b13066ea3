import type { Buffered, Pipeline, Schedule } from '../../operators/operator.ts';
import { Course } from './course.ts';
import { Line } from './line.ts';
import { patternOf } from './pattern.ts';
import { type Queue, UNKNOWN } from './queue.ts';
import { ThroughPlayer } from './through.ts';

/** A schedule that is being played: the cycles of its beats, as far as those of its neighbours are known. */
export interface Player {
  /** Plays on as far as it can, to the end of frame `frames` at most. */
  advance(frames: number): void;
  /** Frames that it has begun and ended, and what tells one frame's course from another's. */
  readonly course: Course;
}

/** Tells the stage with that number that something it may have waited for is known. */
export type Wake = (stage: number) => void;

/** Starts playing a schedule with its first frame. */
export function player(schedule: Schedule, ins: readonly Queue[], outs: readonly Queue[], wake: Wake): Player {
  if (schedule.kind === 'buffered') return new BufferedPlayer(schedule, ins[0]!, outs[0]!, wake);
  if (ins.length === 1 && outs.length === 1) return new ThroughPlayer(schedule, ins[0]!, outs[0]!, wake);
  return new PipelinePlayer(schedule, ins, outs, wake);
}

class PipelinePlayer implements Player {
  readonly course = new Course();
  private readonly at: Int32Array;
  private readonly takes: Uint32Array;
  private readonly gives: Uint32Array;
  private readonly period: number;
  private readonly perFrame: number;
  private readonly depth: number;
  private readonly line: Line;
  private readonly ins: readonly Queue[];
  private readonly wake: Wake;
  /** Place in the pattern, event of the frame, the move that is the next event's unless it has to wait. */
  private place = 0;
  private event = 0;
  private move = 0;
  private frame = 0;

  constructor(schedule: Pipeline, ins: readonly Queue[], outs: readonly Queue[], wake: Wake) {
    const { at, takes, gives, period } = patternOf(schedule, ins.length, outs.length);
    this.at = at;
    this.takes = takes;
    this.gives = gives;
    this.period = period;
    this.perFrame = at.length * (schedule.interval / period);
    this.depth = Math.max(1, schedule.depth);
    this.move = at[0] ?? 0;
    this.line = new Line(this.depth, outs, wake);
    this.ins = ins;
    this.wake = wake;
  }

  advance(frames: number): void {
    const { at, takes, gives, line, ins, course, perFrame } = this;
    const last = at.length - 1;
    if (last < 0) return;
    while (this.frame < frames) {
      const taken = takes[this.place]!;
      let token = 0;
      for (let port = 0; taken >> port !== 0; port += 1) {
        if (!((taken >> port) & 1)) continue;
        const time = ins[port]!.token();
        if (time === UNKNOWN) {
          line.drain();
          return;
        }
        if (time > token) token = time;
      }
      const cycle = line.enter(this.move, token);
      if (cycle === UNKNOWN) {
        line.drain();
        return;
      }
      for (let port = 0; taken >> port !== 0; port += 1) {
        if (!((taken >> port) & 1)) continue;
        const queue = ins[port]!;
        queue.take(cycle);
        if (queue.wantsPlace) {
          queue.wantsPlace = false;
          this.wake(queue.producer);
        }
      }
      const move = line.moveOf(cycle);
      const given = gives[this.place]!;
      if (given !== 0) line.push(move + this.depth, given);
      if (this.event === 0) course.begin(cycle);
      course.note(cycle);
      this.event += 1;
      if (this.event === perFrame) {
        this.event = 0;
        this.frame += 1;
        course.end();
      }
      if (this.place === last) {
        this.move = move + this.period - at[last]! + at[0]!;
        this.place = 0;
      } else {
        this.move = move + at[this.place + 1]! - at[this.place]!;
        this.place += 1;
      }
    }
    line.drain();
  }
}

class BufferedPlayer implements Player {
  readonly course = new Course();
  private readonly line: Line;
  /** Cycles in which beats were taken and issued, of those that may still be asked for. */
  private takenAt: number[] = [];
  private issuedAt: number[] = [];
  private takenFrom = 0;
  private issuedFrom = 0;
  private taken = 0;
  private issued = 0;
  /** Input beats that have to be taken before the next beat is issued: the greatest of `needs` so far. */
  private needed = 0;
  /** Output beats that have to be issued before the next beat is taken, and input beats for which that is enough. */
  private granting = 0;
  private granted: number;
  private lastTake = -1;
  private lastIssue = -1;
  /** A beat has been issued that must leave in the same cycle, but is not known to have. */
  private passing = false;
  /** Cycles from the issue of a beat to the use of the places that it frees. */
  private readonly reuse: 0 | 1;
  private readonly schedule: Buffered;
  private readonly from: Queue;
  private readonly wake: Wake;

  constructor(schedule: Buffered, from: Queue, to: Queue, wake: Wake) {
    this.schedule = schedule;
    this.reuse = schedule.through ? 0 : 1;
    this.from = from;
    this.wake = wake;
    this.line = new Line(schedule.depth, [to], wake);
    this.granted = schedule.keeps(0) + schedule.capacity;
    this.needed = schedule.needs(0);
  }

  advance(frames: number): void {
    for (;;) {
      const took = this.takeOn(frames);
      if (!this.issueOn(frames) && !took) break;
    }
    this.line.drain();
  }

  /** Takes all that it can; true if there was any. */
  private takeOn(frames: number): boolean {
    const { schedule, from } = this;
    const before = this.taken;
    const end = frames * schedule.inputs;
    while (this.taken < end) {
      while (this.granted <= this.taken) {
        if (this.granting === this.issued) return this.taken > before;
        this.granting += 1;
        const frame = Math.floor(this.granting / schedule.outputs);
        const beat = this.granting - frame * schedule.outputs;
        this.granted = frame * schedule.inputs + schedule.keeps(beat) + schedule.capacity;
      }
      const token = from.token();
      if (token === UNKNOWN) break;
      const free = this.granting === 0 ? 0 : this.issuedAt[this.granting - 1 - this.issuedFrom]! + this.reuse;
      const cycle = Math.max(this.lastTake + 1, token, free);
      from.take(cycle);
      if (from.wantsPlace) {
        from.wantsPlace = false;
        this.wake(from.producer);
      }
      this.takenAt.push(cycle);
      this.lastTake = cycle;
      this.taken += 1;
    }
    return this.taken > before;
  }

  /** Issues all that it can; true if there was any. */
  private issueOn(frames: number): boolean {
    const { schedule, line, course } = this;
    const { inputs, outputs } = schedule;
    const before = this.issued;
    const end = frames * outputs;
    while (this.issued < end) {
      if (!this.passing) {
        if (this.needed > this.taken) break;
        const ready = this.needed === 0 ? 0 : this.takenAt[this.needed - 1 - this.takenFrom]! + 1;
        const cycle = line.enter(line.moveOf(this.lastIssue) + 1, ready);
        if (cycle === UNKNOWN) break;
        line.push(line.moveOf(cycle) + schedule.depth, 1);
        this.lastIssue = cycle;
      }
      if (schedule.depth === 0) {
        const cycle = line.through();
        this.passing = cycle === UNKNOWN;
        if (this.passing) break;
        this.lastIssue = cycle;
      }
      this.issuedAt.push(this.lastIssue);
      if (this.issued % outputs === 0) course.begin(this.lastIssue);
      course.note(this.lastIssue);
      this.issued += 1;
      if (this.issued % outputs === 0) course.end();
      const frame = Math.floor(this.issued / outputs);
      const needs = frame * inputs + schedule.needs(this.issued - frame * outputs);
      if (needs > this.needed) this.needed = needs;
      this.forget();
    }
    return this.issued > before;
  }

  private forget(): void {
    if (this.needed - 1 - this.takenFrom > 4096) {
      const done = Math.min(this.needed - 1 - this.takenFrom, this.takenAt.length);
      this.takenAt = this.takenAt.slice(done);
      this.takenFrom += done;
    }
    if (this.granting - 1 - this.issuedFrom > 4096) {
      const done = this.granting - 1 - this.issuedFrom;
      this.issuedAt = this.issuedAt.slice(done);
      this.issuedFrom += done;
    }
  }
}
