import { type Asking, type Cost, Pool } from '../util/pool.ts';
import type { Executor } from './executor.ts';

/** What a step or a call takes where it does not say so. */
export const usualCost: Cost = { threads: 1, memory: 200 };

/** Where work runs, and how much at once: on this machine by threads and MB, elsewhere by how many of a step its executor takes. */
export class Rooms {
  readonly #executor: Executor;
  readonly #here: Pool;
  readonly #elsewhere = new Map<string, Pool>();
  #closed: { readonly reason: unknown } | undefined;

  constructor(executor: Executor, capacity: Cost) {
    this.#executor = executor;
    this.#here = new Pool(capacity);
  }

  /** Does a step's work run elsewhere? */
  isElsewhere(step: string): boolean {
    return this.#executor.elsewhere?.(step) !== undefined;
  }

  /** Runs the task of a step when there is room. Rejects as `Pool.run`. */
  run<T>(step: string, cost: Cost | undefined, task: () => Promise<T>, asking: Asking): Promise<T> {
    const most = this.#executor.elsewhere?.(step);
    if (most === undefined) return this.#here.run(cost ?? usualCost, task, asking);
    const room = this.#elsewhere.get(step) ?? new Pool({ threads: most, memory: most });
    this.#elsewhere.set(step, room);
    if (this.#closed) room.close(this.#closed.reason);
    return room.run({ threads: 1, memory: 1 }, task, asking);
  }

  /** Nothing begins any more. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    for (const room of [this.#here, ...this.#elsewhere.values()]) room.close(reason);
  }
}
