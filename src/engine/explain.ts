import type { Instance } from './graph.ts';
import type { Plan, Planned } from './plan.ts';

/** Why one instance would run, or that it would not. */
export interface Explanation {
  readonly planned: Planned;
  /** What changed since it last ran in this scope, or what has changed in front of it: a line each. */
  readonly reasons: readonly string[];
}

/**
 * Explains every instance of a step in a plan. Where an instance only waits for others, the reasons are those of the
 * first instances before it that have some of their own, with their names in front.
 */
export function explain(plan: Plan, step: string): Explanation[] {
  const byInstance = new Map(plan.instances.map((planned) => [planned.instance, planned]));
  return plan.instances
    .filter(({ id }) => id.step === step)
    .map((planned) => ({ planned, reasons: reasonsOf(plan, planned, byInstance) }));
}

function reasonsOf(plan: Plan, planned: Planned, all: ReadonlyMap<Instance, Planned>): readonly string[] {
  if (planned.state !== 'waits' && planned.state !== 'later') return planned.because;
  const causes: string[] = [];
  const seen = new Set<Instance>();
  const queue = [planned.instance];
  for (let instance = queue.shift(); instance; instance = queue.shift()) {
    for (const source of instance.needs.values()) {
      const templates = source.kind === 'each' ? [source.group.template] : [];
      for (const other of [...plan.known.waitsFor(source), ...templates]) {
        const found = all.get(other);
        if (!found || seen.has(other)) continue;
        seen.add(other);
        if (found.state === 'run' || found.state === 'wrong') {
          const name = `${found.id.step} (${found.id.scope.join('/')})`;
          causes.push(...found.because.map((because) => `${name}: ${because}`));
        } else if (found.state === 'waits' || found.state === 'later') queue.push(other);
      }
    }
  }
  return causes.length > 0 ? causes : planned.because;
}
