import { bug } from '../diagnostics/diagnostic.ts';
import { topologicalOrder } from '../util/topo.ts';
import type { Instance } from './graph.ts';

/** Seconds that are assumed of what never ran: where tools may be called, and where not. */
const guess = { tools: 5, pure: 0.05 };

/** How long instances may take, by what earlier runs took: their own last time, or the mean of their step's. */
export class Durations {
  readonly #own = new Map<Instance, number>();
  readonly #sums = new Map<string, { seconds: number; count: number }>();

  note(instance: Instance, seconds: number): void {
    const sum = this.#sums.get(instance.step.name) ?? { seconds: 0, count: 0 };
    this.#sums.set(instance.step.name, { seconds: sum.seconds + seconds, count: sum.count + 1 });
    this.#own.set(instance, seconds);
  }

  of(instance: Instance): number {
    const own = this.#own.get(instance);
    if (own !== undefined) return own;
    const sum = this.#sums.get(instance.step.name);
    if (sum) return sum.seconds / sum.count;
    return instance.step.tools ? guess.tools : guess.pure;
  }
}

/**
 * For every instance the seconds of the longest way from its start to the end of the build (list scheduling by critical
 * path: Hu, "Parallel sequencing and assembly line problems", 1961). `readers` has those that wait for an instance.
 */
export function longestWays(
  instances: Iterable<Instance>,
  readers: ReadonlyMap<Instance, readonly Instance[]>,
  seconds: (instance: Instance) => number,
): Map<Instance, number> {
  const ways = new Map<Instance, number>();
  const { order } = topologicalOrder(instances, (instance) => readers.get(instance) ?? []);
  for (const instance of order ?? bug('instances need each other in a circle')) {
    const behind = readers.get(instance) ?? [];
    ways.set(instance, seconds(instance) + behind.reduce((most, reader) => Math.max(most, ways.get(reader)!), 0));
  }
  return ways;
}
