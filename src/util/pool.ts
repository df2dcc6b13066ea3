/** What one piece of work takes while it runs. */
export interface Cost {
  readonly threads: number;
  /** MB. */
  readonly memory: number;
}

/** At most so many threads' worth and so many MB of work at once. */
export interface Pool {
  /**
   * Runs the task when its cost fits; first come, first served, so that nothing starves. A task that asks for more than
   * there is gets all. Rejects with the signal's reason when that aborts while the task still waits.
   */
  run<T>(cost: Cost, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

interface Waiting {
  readonly cost: Cost;
  readonly start: () => void;
}

/** A pool with the given capacity. */
export function pool(capacity: Cost): Pool {
  const queue: Waiting[] = [];
  let threads = capacity.threads;
  let memory = capacity.memory;

  const next = (): void => {
    for (let head = queue[0]; head; head = queue[0]) {
      if (head.cost.threads > threads || head.cost.memory > memory) return;
      queue.shift();
      threads -= head.cost.threads;
      memory -= head.cost.memory;
      head.start();
    }
  };
  const wait = (cost: Cost, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const entry: Waiting = {
        cost,
        start: () => {
          signal?.removeEventListener('abort', abandon);
          resolve();
        },
      };
      const abandon = (): void => {
        queue.splice(queue.indexOf(entry), 1);
        reject(signal?.reason);
        next();
      };
      signal?.addEventListener('abort', abandon, { once: true });
      queue.push(entry);
      next();
    });

  return {
    async run(asked, task, signal) {
      const cost = {
        threads: Math.min(asked.threads, capacity.threads),
        memory: Math.min(asked.memory, capacity.memory),
      };
      await wait(cost, signal);
      try {
        return await task();
      } finally {
        threads += cost.threads;
        memory += cost.memory;
        next();
      }
    },
  };
}
