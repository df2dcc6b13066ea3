import { Times } from './times.ts';

/** When an end of a run moves its beat number `beat`: a source's offer or a sink's acceptance in `cycle` or the first after it. */
export type When = (cycle: number, beat: number) => number;

/** No beat, or no place, is known of yet: its time hangs on a stage that has not been played so far. */
export const UNKNOWN = -1;

/** A depth that no queue reaches. */
const endless = 2 ** 30;

const ringFor = (depth: number): number => (depth < 65536 ? depth + 1 : 1024);

/**
 * The beats of one edge as the cycles in which they come and go. A beat can go `latency` cycles after it came; one can
 * come in the cycle after that in which the beat `depth` before it went. Without a producer it is a source, without a consumer a sink.
 */
export class Queue {
  pushed = 0;
  popped = 0;
  /** Does the consumer wait to hear of the next beat, the producer of the next place? */
  wantsToken = false;
  wantsPlace = false;
  /** Of a source and of a sink: when they move beats; at once if left out. */
  when: When | undefined;
  /** All cycles of pushes and pops, where a caller wants them. */
  log: number[] | undefined;
  /** Of a sink: beats of a frame, and the cycle of each frame's last. */
  beats = 0;
  ends: number[] | undefined;
  /** Of a source: the cycle of the first beat, −1 before it. */
  first = -1;
  private lastPop = -1;
  /** Where the cycles of beats are kept, less `base`, from beat `from` on. */
  private kept: Int32Array | undefined;
  private keptFrom = 0;
  private keptBase = 0;
  private readonly came: Times;
  private readonly went: Times;
  readonly producer: number;
  readonly consumer: number;
  readonly depth: number;
  private readonly latency: number;

  constructor(producer: number, consumer: number, depth: number, latency: number) {
    this.producer = producer;
    this.consumer = consumer;
    this.depth = Math.min(depth, endless);
    this.latency = latency;
    this.came = new Times(producer < 0 || consumer < 0 ? 0 : ringFor(depth));
    this.went = new Times(producer < 0 || consumer < 0 ? 0 : ringFor(depth));
  }

  /** Keeps the cycles of the beats of a source or sink from number `from` on, counted from `base`, as far as `into` has room. */
  record(into: Int32Array, from: number, base: number): void {
    this.kept = into;
    this.keptFrom = from;
    this.keptBase = base;
  }

  /** First cycle in which the next beat can be taken, or UNKNOWN. */
  token(): number {
    if (this.producer < 0) return this.when ? this.when(this.lastPop + 1, this.popped) : 0;
    if (this.popped === this.pushed) {
      this.wantsToken = true;
      return UNKNOWN;
    }
    return this.came.ring[this.popped & this.came.mask]! + this.latency;
  }

  take(cycle: number): void {
    this.lastPop = cycle;
    if (this.first < 0) this.first = cycle;
    if (this.producer >= 0 && this.depth !== endless) {
      // Times of places that are still to be used: those of beats that follow the next to come.
      if (this.popped - Math.max(0, this.pushed - this.depth) > this.went.mask)
        this.went.grow(Math.max(0, this.pushed - this.depth), this.popped);
      this.went.ring[this.popped & this.went.mask] = cycle;
    }
    if (this.kept) this.kept[this.popped - this.keptFrom] = cycle - this.keptBase;
    this.popped += 1;
    this.log?.push(cycle);
  }

  /** First cycle from `cycle` on in which the next beat can come, or UNKNOWN. */
  place(cycle: number): number {
    if (this.consumer < 0) return this.when ? this.when(cycle, this.pushed) : cycle;
    const gone = this.pushed - this.depth;
    if (gone < 0) return cycle;
    if (gone >= this.popped) {
      this.wantsPlace = true;
      return UNKNOWN;
    }
    return Math.max(this.went.ring[gone & this.went.mask]! + 1, cycle);
  }

  put(cycle: number): void {
    if (this.consumer >= 0) {
      if (this.pushed - this.popped > this.came.mask) this.came.grow(this.popped, this.pushed);
      this.came.ring[this.pushed & this.came.mask] = cycle;
      this.pushed += 1;
      return;
    }
    if (this.kept) this.kept[this.pushed - this.keptFrom] = cycle - this.keptBase;
    this.pushed += 1;
    this.log?.push(cycle);
    if (this.ends && this.pushed % this.beats === 0) this.ends.push(cycle);
  }
}
