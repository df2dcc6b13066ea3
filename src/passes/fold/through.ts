import type { Pipeline } from '../../operators/operator.ts';
import { Course } from './course.ts';
import { patternOf } from './pattern.ts';
import type { Player, Wake } from './player.ts';
import { type Queue, UNKNOWN } from './queue.ts';

/** A pipeline with one input and one output, as most are: `PipelinePlayer` without its loops over ports. */
export class ThroughPlayer implements Player {
  readonly course = new Course();
  /** Of each event of the pattern: 1 if it takes a beat, 1 if it gives one, moves to the next event. */
  private readonly takes: Uint32Array;
  private readonly gives: Uint32Array;
  private readonly gaps: Int32Array;
  private readonly perFrame: number;
  private readonly depth: number;
  private readonly from: Queue;
  private readonly to: Queue;
  private readonly wake: Wake;
  /** As in Line: moves and waits of the results [behind, head) that have left and [head, tail) that are on their way. */
  private readonly moves: Int32Array;
  private readonly waits: Int32Array;
  private readonly mask: number;
  private behind = 0;
  private head = 0;
  private tail = 0;
  private waitsIn = 0;
  private waitsOut = 0;
  private lastOut = -1;
  prompt = false;
  private place = 0;
  private event = 0;
  private move: number;
  private frame = 0;

  constructor(schedule: Pipeline, from: Queue, to: Queue, wake: Wake) {
    const { at, takes, gives, gaps, period } = patternOf(schedule, 1, 1);
    this.takes = takes;
    this.gives = gives;
    this.gaps = gaps;
    this.perFrame = at.length * (schedule.interval / period);
    this.depth = Math.max(1, schedule.depth);
    this.move = at[0] ?? 0;
    let size = 4;
    while (size < this.depth + 2) size *= 2;
    this.moves = new Int32Array(size);
    this.waits = new Int32Array(size);
    this.mask = size - 1;
    this.from = from;
    this.to = to;
    this.wake = wake;
  }

  /** Lets the first result leave; false if it is not known when it can. */
  private leave(): boolean {
    const { to } = this;
    const at = this.head & this.mask;
    const cycle = this.moves[at]! + this.waitsOut;
    const when = to.place(cycle);
    if (when === UNKNOWN) return false;
    to.put(when);
    if (to.wantsToken) {
      to.wantsToken = false;
      this.wake(to.consumer);
    }
    if (when > cycle) this.waitsOut += when - cycle;
    this.waits[at] = this.waitsOut;
    this.lastOut = when;
    this.head += 1;
    return true;
  }

  restsFrom(): number {
    return this.head < this.tail ? Infinity : Math.max(this.move + this.waitsOut, this.lastOut);
  }

  advance(frames: number): void {
    const { takes, gives, gaps, from, moves, waits, mask, perFrame, depth, course } = this;
    let { place, event, move, behind, waitsIn } = this;
    play: while (this.frame < frames) {
      const takesOne = takes[place] === 1;
      let token = 0;
      if (takesOne) {
        token = from.token();
        if (token === UNKNOWN) break;
      }
      let due = Math.max(token - waitsIn, move);
      while (behind !== this.tail) {
        const at = behind & mask;
        const leaving = moves[at]!;
        if (leaving > due) break;
        if (behind === this.head && !this.leave()) break play;
        // The move that the result leaves with is made late; those before it have been made.
        if (leaving > move) move = leaving;
        waitsIn = waits[at]!;
        behind += 1;
        due = Math.max(token - waitsIn, move);
      }
      const cycle = due + waitsIn;
      if (takesOne) {
        from.take(cycle);
        if (from.wantsPlace) {
          from.wantsPlace = false;
          this.wake(from.producer);
        }
      }
      if (gives[place] === 1) {
        moves[this.tail & mask] = due + depth;
        this.tail += 1;
      }
      if (event === 0) {
        if (this.frame === 0) this.prompt = takesOne && cycle === token;
        course.begin(cycle);
      }
      course.note(cycle);
      event += 1;
      if (event === perFrame) {
        event = 0;
        this.frame += 1;
        course.end();
      }
      move = due + gaps[place]!;
      place += 1;
      if (place === gaps.length) place = 0;
    }
    this.place = place;
    this.event = event;
    this.move = move;
    this.behind = behind;
    this.waitsIn = waitsIn;
    while (this.head < this.tail && this.leave());
  }
}
