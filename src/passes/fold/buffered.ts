import type { Buffered } from '../../operators/operator.ts';
import { bufferOf, type Changes } from './buffer.ts';
import { Course } from './course.ts';
import { Line } from './line.ts';
import type { Player, Wake } from './player.ts';
import { type Queue, UNKNOWN } from './queue.ts';
import { Times } from './times.ts';

/** Plays a buffer's two sides. */
export class BufferedPlayer implements Player {
  readonly course = new Course();
  private readonly schedule: Buffered;
  private readonly needs: Changes;
  private readonly keeps: Changes;
  private readonly from: Queue;
  private readonly wake: Wake;
  private readonly line: Line;
  /** Cycles from the issue of a beat to the use of the places that it frees. */
  private readonly reuse: 0 | 1;
  /** Cycles in which beats were taken, from the last one that was needed on. */
  private readonly takenAt: Times;
  private taken = 0;
  private lastTake = -1;
  /** The change of `needs` that counts for the next beat to be issued: its place in the frame's list, and beats that it needs. */
  private need = 0;
  private needed: number;
  /** The change of `keeps` that allows the next beat to be taken, counted on over frames, and beats that it allows. */
  private grant = 0;
  private granted: number;
  /** Changes of `keeps` that have come about, by which cycle, and the next one's place in the frame's list. */
  private freed = 1;
  private readonly freedAt = new Times(64);
  private keep = 0;
  /** Beat of the frame that is issued next, and its frame. */
  private beat = 0;
  private frame = 0;
  private lastIssue = -1;
  /** A beat has been issued that must leave in the same cycle, but is not known to have. */
  private passing = false;

  constructor(schedule: Buffered, from: Queue, to: Queue, wake: Wake) {
    const { needs, keeps } = bufferOf(schedule);
    this.schedule = schedule;
    this.needs = needs;
    this.keeps = keeps;
    this.from = from;
    this.wake = wake;
    this.reuse = schedule.through ? 0 : 1;
    this.line = new Line(schedule.depth, [to], wake);
    this.takenAt = new Times(schedule.capacity + 2);
    this.needed = needs.value[0]!;
    this.granted = keeps.value[0]! + schedule.capacity;
  }

  readonly prompt = false;
  restsFrom = (): number => Infinity;

  advance(frames: number): void {
    for (;;) {
      const took = this.take(frames);
      if (!this.issue(frames) && !took) break;
    }
    this.line.drain();
  }

  /** Takes all that it can; true if there was any. */
  private take(frames: number): boolean {
    const { from, keeps, takenAt, freedAt, reuse } = this;
    const { inputs, capacity } = this.schedule;
    const before = this.taken;
    const end = frames * inputs;
    let taken = before;
    let last = this.lastTake;
    while (taken < end) {
      while (this.granted <= taken) {
        if (this.grant + 1 === this.freed) break;
        this.grant += 1;
        const frame = Math.floor(this.grant / keeps.at.length);
        this.granted = frame * inputs + keeps.value[this.grant - frame * keeps.at.length]! + capacity;
      }
      if (this.granted <= taken) break;
      const token = from.token();
      if (token === UNKNOWN) break;
      const free = this.grant === 0 ? 0 : freedAt.ring[this.grant & freedAt.mask]! + reuse;
      last = Math.max(last + 1, token, free);
      from.take(last);
      if (from.wantsPlace) {
        from.wantsPlace = false;
        this.wake(from.producer);
      }
      if (taken - this.needed + 1 > takenAt.mask) takenAt.grow(Math.max(0, this.needed - 1), taken);
      takenAt.ring[taken & takenAt.mask] = last;
      taken += 1;
    }
    this.taken = taken;
    this.lastTake = last;
    return taken > before;
  }

  /** Issues all that it can; true if there was any. */
  private issue(frames: number): boolean {
    const { line, course, takenAt, freedAt, needs, keeps } = this;
    const { inputs, outputs, depth } = this.schedule;
    let any = false;
    while (this.frame < frames) {
      if (!this.passing) {
        if (this.needed > this.taken) break;
        const ready = this.needed === 0 ? 0 : takenAt.ring[(this.needed - 1) & takenAt.mask]! + 1;
        const cycle = line.enter(line.moveOf(this.lastIssue) + 1, ready);
        if (cycle === UNKNOWN) break;
        line.push(line.moveOf(cycle) + depth, 1);
        this.lastIssue = cycle;
      }
      if (depth === 0) {
        const cycle = line.through();
        this.passing = cycle === UNKNOWN;
        if (this.passing) break;
        this.lastIssue = cycle;
      }
      any = true;
      if (this.beat === 0) course.begin(this.lastIssue);
      course.note(this.lastIssue);
      this.beat += 1;
      if (this.beat === outputs) {
        this.beat = 0;
        this.frame += 1;
        this.need = -1;
        this.keep = -1;
        course.end();
      }
      if (this.need + 1 < needs.at.length && needs.at[this.need + 1] === this.beat) {
        this.need += 1;
        this.needed = Math.max(this.needed, this.frame * inputs + needs.value[this.need]!);
      }
      if (this.keep + 1 < keeps.at.length && keeps.at[this.keep + 1] === this.beat) {
        this.keep += 1;
        if (this.freed - this.grant > freedAt.mask) freedAt.grow(this.grant, this.freed);
        freedAt.ring[this.freed & freedAt.mask] = this.lastIssue;
        this.freed += 1;
      }
    }
    return any;
  }
}
