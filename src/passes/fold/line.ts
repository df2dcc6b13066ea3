import { type Queue, UNKNOWN } from './queue.ts';

/** A run of a pipeline that moves as a whole: results that are on their way, and the cycles that it was made to wait. */
export class Line {
  /** Of results on their way or just left: the move that they leave with, their ports, and the waits up to then. */
  private moves: Int32Array;
  private ports: Uint32Array;
  private waits: Int32Array;
  private mask: number;
  /** Results [behind, head) have left, but entries have not been told of their waits; [head, tail) are on their way. */
  private behind = 0;
  private head = 0;
  private tail = 0;
  /** Waits that the next entry and the next leaving know of. */
  private waitsIn = 0;
  private waitsOut = 0;
  /** Ports of the result at `head` that have left, and the last cycle of those. */
  private left = 0;
  private latest = -1;
  private readonly outs: readonly Queue[];
  /** End of the last leaving: a cycle. */
  lastOut = -1;
  /** Called for an edge that got a beat. */
  private readonly wake: (stage: number) => void;

  constructor(depth: number, outs: readonly Queue[], wake: (stage: number) => void) {
    let size = 4;
    while (size < depth + 2) size *= 2;
    this.moves = new Int32Array(size);
    this.ports = new Uint32Array(size);
    this.waits = new Int32Array(size);
    this.mask = size - 1;
    this.outs = outs;
    this.wake = wake;
  }

  /** Lets the first result leave; false if it is not known when it can. */
  private leave(): boolean {
    const at = this.head & this.mask;
    const cycle = this.moves[at]! + this.waitsOut;
    const ports = this.ports[at]!;
    for (let port = 0; port < this.outs.length; port += 1) {
      const bit = 1 << port;
      if (!(ports & bit) || this.left & bit) continue;
      const queue = this.outs[port]!;
      const when = queue.place(cycle);
      if (when === UNKNOWN) continue;
      queue.put(when);
      this.left |= bit;
      if (when > this.latest) this.latest = when;
      if (queue.wantsToken) {
        queue.wantsToken = false;
        this.wake(queue.consumer);
      }
    }
    if (this.left !== ports) return false;
    if (this.latest > cycle) this.waitsOut += this.latest - cycle;
    this.lastOut = Math.max(this.latest, cycle);
    this.waits[at] = this.waitsOut;
    this.head += 1;
    this.left = 0;
    this.latest = -1;
    return true;
  }

  /** Lets go what can. */
  drain(): void {
    while (this.head < this.tail && this.leave());
  }

  /**
   * The cycle in which the pipeline makes its move `move`, or the first one in a cycle not before `cycle` if that is
   * later; UNKNOWN if a result that leaves before waits for a time that is not known. `moveOf` then tells the move.
   */
  enter(move: number, cycle: number): number {
    let least = move;
    for (;;) {
      const due = Math.max(least, cycle - this.waitsIn);
      const at = this.behind & this.mask;
      if (this.behind === this.tail || this.moves[at]! > due) return due + this.waitsIn;
      if (this.behind === this.head && !this.leave()) return UNKNOWN;
      // The move that the result leaves with is made late; those before it have been made.
      least = Math.max(least, this.moves[at]!);
      this.waitsIn = this.waits[at]!;
      this.behind += 1;
    }
  }

  /** The move that is made in a cycle that `enter` has given. */
  moveOf(cycle: number): number {
    return cycle - this.waitsIn;
  }

  /** The cycle from which on no result holds up move `move`; Infinity if some are still on their way. */
  restsFrom(move: number): number {
    return this.head < this.tail ? Infinity : Math.max(move + this.waitsOut, this.lastOut);
  }

  /** Of a line without registers: the cycle in which the result that was pushed last leaves, or UNKNOWN. */
  through(): number {
    while (this.head < this.tail) if (!this.leave()) return UNKNOWN;
    this.waitsIn = this.waitsOut;
    this.behind = this.head;
    return this.lastOut;
  }

  /** A result that leaves with move `move`. */
  push(move: number, ports: number): void {
    if (this.tail - this.behind > this.mask) this.grow();
    this.moves[this.tail & this.mask] = move;
    this.ports[this.tail & this.mask] = ports;
    this.tail += 1;
  }

  private grow(): void {
    const { moves, ports, waits, mask } = this;
    const size = 2 * (mask + 1);
    this.moves = new Int32Array(size);
    this.ports = new Uint32Array(size);
    this.waits = new Int32Array(size);
    this.mask = size - 1;
    for (let n = this.behind; n < this.tail; n += 1) {
      this.moves[n & this.mask] = moves[n & mask]!;
      this.ports[n & this.mask] = ports[n & mask]!;
      this.waits[n & this.mask] = waits[n & mask]!;
    }
  }
}
