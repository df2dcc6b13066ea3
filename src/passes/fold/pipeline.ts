import type { Pipeline } from '../../operators/operator.ts';
import { Course } from './course.ts';
import { Line } from './line.ts';
import { patternOf } from './pattern.ts';
import type { Player, Wake } from './player.ts';
import { type Queue, UNKNOWN } from './queue.ts';

/** Plays a pipeline of any number of inputs and outputs. */
export class PipelinePlayer implements Player {
  readonly course = new Course();
  private readonly gaps: Int32Array;
  private readonly takes: Uint32Array;
  private readonly gives: Uint32Array;
  private readonly perFrame: number;
  private readonly depth: number;
  prompt = false;
  private readonly line: Line;
  private readonly ins: readonly Queue[];
  private readonly wake: Wake;
  /** Place in the pattern, event of the frame, the move that is the next event's unless it has to wait. */
  private place = 0;
  private event = 0;
  private move = 0;
  private frame = 0;

  constructor(schedule: Pipeline, ins: readonly Queue[], outs: readonly Queue[], wake: Wake) {
    const { at, takes, gives, gaps, period } = patternOf(schedule, ins.length, outs.length);
    this.gaps = gaps;
    this.takes = takes;
    this.gives = gives;
    this.perFrame = at.length * (schedule.interval / period);
    this.depth = Math.max(1, schedule.depth);
    this.move = at[0] ?? 0;
    this.line = new Line(this.depth, outs, wake);
    this.ins = ins;
    this.wake = wake;
  }

  restsFrom(): number {
    return this.line.restsFrom(this.move);
  }

  advance(frames: number): void {
    const { gaps, takes, gives, line, ins, course, perFrame } = this;
    const last = gaps.length - 1;
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
      if (this.event === 0) {
        if (this.frame === 0) this.prompt = taken !== 0 && cycle === token;
        course.begin(cycle);
      }
      course.note(cycle);
      this.event += 1;
      if (this.event === perFrame) {
        this.event = 0;
        this.frame += 1;
        course.end();
      }
      this.move = move + gaps[this.place]!;
      this.place = this.place === last ? 0 : this.place + 1;
    }
    line.drain();
  }
}
