import type { Cost } from '../util/pool.ts';

/** What a step or a call takes where it does not say so. */
export const usualCost: Cost = { threads: 1, memory: 200 };

interface Waiting {
  readonly cost: Cost;
  readonly rank: number;
  readonly start: (admitted: boolean) => void;
}

/**
 * Who may begin: as many at once as fit into threads and MB, those of the highest rank first. Who does not fit is waited
 * for, so that nothing large starves. What asks in the same instant is ranked together.
 */
export class Admission {
  readonly #capacity: Cost;
  #threads: number;
  #memory: number;
  readonly #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;

  constructor(capacity: Cost) {
    this.#capacity = capacity;
    this.#threads = capacity.threads;
    this.#memory = capacity.memory;
  }

  /**
   * Runs the task when it may begin; what asks for more than there is gets all. False, and the task never runs, where
   * the admission closes before.
   */
  async run(asked: Cost, rank: number, task: () => Promise<void>): Promise<boolean> {
    const cost = {
      threads: Math.min(asked.threads, this.#capacity.threads),
      memory: Math.min(asked.memory, this.#capacity.memory),
    };
    if (this.#closed) return false;
    const admitted = await new Promise<boolean>((start) => {
      // Behind all of its rank: first come, first served.
      const place = this.#waiting.findIndex((other) => other.rank < rank);
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, { cost, rank, start });
      this.#schedule();
    });
    if (!admitted) return false;
    try {
      await task();
    } finally {
      this.#threads += cost.threads;
      this.#memory += cost.memory;
      this.#schedule();
    }
    return true;
  }

  /** Nothing begins any more: all who wait are sent away. */
  close(): void {
    this.#closed = true;
    for (const { start } of this.#waiting.splice(0)) start(false);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  #next(): void {
    for (let head = this.#waiting[0]; head; head = this.#waiting[0]) {
      if (head.cost.threads > this.#threads || head.cost.memory > this.#memory) return;
      this.#waiting.shift();
      this.#threads -= head.cost.threads;
      this.#memory -= head.cost.memory;
      head.start(true);
    }
  }
}
