import type { Workshop } from './execute.ts';
import type { StepGraph } from './graph.ts';
import type { Known } from './known.ts';
import { plan } from './plan.ts';
import { type Outcome, type RunOptions, Scheduler } from './scheduler.ts';

export interface Ran {
  readonly ok: boolean;
  readonly interrupted: boolean;
  /** In the order in which the instances became known. */
  readonly outcomes: readonly Outcome[];
  readonly known: Known;
}

/**
 * Brings everything that is wanted up to date: judges each instance when what it needs is done, runs what has no result,
 * as many at once as `workshop.jobs` says. Does not throw for what a user or a tool did wrong: see the outcomes.
 */
export async function run(graph: StepGraph, workshop: Workshop, options: RunOptions = {}): Promise<Ran> {
  const started = performance.now();
  const signal = options.signal ?? new AbortController().signal;
  const emit = options.display ?? (() => {});
  const planned = await plan(graph, workshop, { force: new Set(options.force), signal });
  const idle = planned.instances.every(({ state }) => state === 'fresh');
  if (!idle) workshop.lastBuild?.forget();
  const scheduler = new Scheduler(planned.known, workshop, options, signal, emit);
  scheduler.begin(planned.instances);
  await scheduler.finish();
  if (!signal.aborted) await workshop.remote?.settled();
  const outcomes = scheduler.outcomes();
  if (!idle || workshop.lastBuild?.missed)
    workshop.lastBuild?.write(outcomes.flatMap(({ instance, result }) => (result ? [[instance, result]] : [])));
  const count = (how: Outcome['how']): number => outcomes.filter((one) => one.how === how).length;
  const ok = count('failed') + count('skipped') === 0;
  emit({
    type: 'done',
    ok,
    ran: count('ran'),
    fresh: count('fresh') + count('restored'),
    failed: count('failed'),
    seconds: (performance.now() - started) / 1000,
  });
  return { ok, interrupted: signal.aborted, outcomes, known: planned.known };
}
