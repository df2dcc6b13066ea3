import type { Instance } from '../engine/graph.ts';
import type { Known } from '../engine/known.ts';
import type { Planned } from '../engine/plan.ts';
import { longestWays } from '../engine/ranks.ts';
import { isDone } from './foresee.ts';

/** How long what has to run may take, by how long it took the last time. In seconds. */
export interface Forecast {
  /** All of it, one after the other. */
  readonly work: number;
  /** With these threads, the longest way first, as the scheduler does it. */
  readonly expected: number;
  /** The longest chain of steps that need one another: no number of threads makes it shorter. */
  readonly longest: number;
  /** Steps that never ran here, or are not known yet: they count nothing. */
  readonly unknown: number;
}

/** Plays what has to run on a number of threads. */
export function forecast(steps: readonly Planned[], known: Known, threads: number): Forecast {
  const running = steps.filter(({ state }) => !isDone(state) && state !== 'wrong');
  const seconds = new Map(running.map((planned) => [planned.instance, planned.seconds ?? 0]));
  const makers = new Map<Instance, Instance[]>();
  const readers = new Map<Instance, Instance[]>();
  for (const { instance } of running) {
    const sources = [...instance.needs.values()];
    const before = sources.flatMap((source) => [
      ...known.waitsFor(source),
      ...(source.kind === 'each' ? [source.group.template] : []),
    ]);
    const waits = [...new Set(before)].filter((maker) => seconds.has(maker) && maker !== instance);
    makers.set(instance, waits);
    for (const maker of waits) readers.set(maker, [...(readers.get(maker) ?? []), instance]);
  }
  const ways = longestWays(seconds.keys(), readers, (instance) => seconds.get(instance)!);
  return {
    work: sum(seconds.values()),
    expected: play(seconds, makers, ways, threads),
    longest: Math.max(0, ...ways.values()),
    unknown: running.filter((planned) => planned.seconds === undefined).length,
  };
}

/** When the last of them ends. */
function play(
  seconds: ReadonlyMap<Instance, number>,
  makers: ReadonlyMap<Instance, readonly Instance[]>,
  ways: ReadonlyMap<Instance, number>,
  threads: number,
): number {
  const waiting = new Set(seconds.keys());
  const done = new Set<Instance>();
  let running: { instance: Instance; end: number; threads: number }[] = [];
  let now = 0;
  while (waiting.size > 0 || running.length > 0) {
    const ready = [...waiting]
      .filter((instance) => makers.get(instance)!.every((maker) => done.has(maker)))
      .sort((a, b) => ways.get(b)! - ways.get(a)! || a.index - b.index);
    let free = threads - sum(running.map((one) => one.threads));
    for (const instance of ready) {
      const own = Math.min(threads, instance.step.cost?.(instance.scope.settings)?.threads ?? 1);
      if (own > free) continue;
      free -= own;
      waiting.delete(instance);
      running.push({ instance, end: now + seconds.get(instance)!, threads: own });
    }
    // What waits for something that nobody makes never starts.
    if (running.length === 0) break;
    now = Math.min(...running.map(({ end }) => end));
    for (const { instance, end } of running) if (end <= now) done.add(instance);
    running = running.filter(({ end }) => end > now);
  }
  return now;
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, one) => all + one, 0);
