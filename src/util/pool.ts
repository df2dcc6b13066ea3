/** What one piece of work takes while it runs. */
export interface Cost {
  readonly threads: number;
  /** MB. */
  readonly memory: number;
}

/** Who goes first, and until when one waits. */
export interface Asking {
  /** The highest goes first; among equals, who came first. 0 if not said. */
  readonly rank?: number;
  /** Nobody waits any longer when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly cost: Cost;
  readonly rank: number;
  readonly start: () => void;
  readonly refuse: (reason: unknown) => void;
}

/**
 * At most so many threads' worth and so many MB of work at once. Who does not fit is waited for, so that nothing large starves.
 * What asks in the same instant is ranked together.
 */
export class Pool {
  readonly #capacity: Cost;
  #threads: number;
  #memory: number;
  readonly #waiting: Waiting[] = [];
  #scheduled = false;
  #closed: { readonly reason: unknown } | undefined;

  constructor(capacity: Cost) {
    this.#capacity = capacity;
    this.#threads = capacity.threads;
    this.#memory = capacity.memory;
  }

  /**
   * Runs the task when it may begin; what asks for more than there is gets all. Rejects, and the task never runs, with the
   * signal's reason where that aborts before, and with that of `close`.
   */
  async run<T>(asked: Cost, task: () => Promise<T>, asking: Asking = {}): Promise<T> {
    const cost = {
      threads: Math.min(asked.threads, this.#capacity.threads),
      memory: Math.min(asked.memory, this.#capacity.memory),
    };
    await this.#turn(cost, asking);
    try {
      return await task();
    } finally {
      this.#threads += cost.threads;
      this.#memory += cost.memory;
      this.#schedule();
    }
  }

  /** Nothing begins any more: all who wait, and all who come, are sent away. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason);
  }

  #turn(cost: Cost, { rank = 0, signal }: Asking): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw this.#closed.reason;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal?.reason);
        this.#schedule();
      };
      const settle = (then: () => void): void => {
        signal?.removeEventListener('abort', leave);
        then();
      };
      const entry: Waiting = {
        cost,
        rank,
        start: () => settle(resolve),
        refuse: (reason) => settle(() => reject(reason)),
      };
      signal?.addEventListener('abort', leave, { once: true });
      const place = this.#waiting.findIndex((other) => other.rank < rank);
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, entry);
      this.#schedule();
    });
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
      head.start();
    }
  }
}
