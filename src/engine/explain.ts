import type { Instance } from './graph.ts';
import type { Known } from './known.ts';
import type { Planned } from './plan.ts';

/** Why an instance would run: what changed of its own, and what changed in front of it. */
export interface Explanation {
  readonly planned: Planned;
  /** Its own reasons, changed inputs left out: 'config.layers.MVAU_1.pe: 2 → 4', 'never ran here'. */
  readonly own: readonly string[];
  /** Inputs that changed or may change, by name, with the steps that make them. */
  readonly inputs: readonly string[];
  /** The first causes in front of it, each with the instance whose own it is. */
  readonly causes: readonly { readonly of: Instance; readonly reason: string }[];
}

/**
 * Explains every instance of a plan that would run: where an input changed, or may, the causes are those of the instances that
 * make it, and so on to those that have reasons of their own.
 */
export function explain(instances: readonly Planned[], known: Known): Map<Instance, Explanation> {
  const byInstance = new Map(instances.map((planned) => [planned.instance, planned]));
  const explained = new Map<Instance, Explanation>();
  // In their order: each stands after those that it needs.
  for (const planned of instances) {
    if (isDone(planned)) continue;
    const inputs: string[] = [];
    const causes = new Map<string, { of: Instance; reason: string }>();
    const changed = changedInputs(planned);
    for (const [name, source] of planned.instance.needs) {
      if (changed && !changed.has(name)) continue;
      const makers = [
        ...known.waitsFor(source),
        ...(source.kind === 'each' && !known.members(source.group) ? [source.group.template] : []),
      ].filter((maker) => byInstance.has(maker) && !isDone(byInstance.get(maker)!));
      if (changed || makers.length > 0) inputs.push(`${name} from ${stepOf(source)}`);
      for (const maker of makers) {
        const { own = [], causes: before = [] } = explained.get(maker) ?? {};
        for (const cause of [...own.map((reason) => ({ of: maker, reason })), ...before])
          causes.set(`${cause.of.path} ${cause.reason}`, cause);
      }
    }
    const waits = planned.state === 'waits' || planned.state === 'later';
    const own = planned.because.filter(waits ? isSetting : notInput);
    explained.set(planned.instance, { planned, own, inputs, causes: [...causes.values()] });
  }
  return explained;
}

const isDone = ({ state }: Planned): boolean => state === 'fresh' || state === 'restored';
const isSetting = (line: string): boolean => line.startsWith('config.');
const notInput = (line: string): boolean => !line.startsWith('needs.');

/** Names of the inputs that are other than the last time; undefined where that is not known. */
function changedInputs({ state, because }: Planned): ReadonlySet<string> | undefined {
  if (state !== 'run') return undefined;
  return new Set(because.flatMap((line) => /^needs\.([^.:]+)/.exec(line)?.[1] ?? []));
}

const stepOf = (source: Parameters<Known['waitsFor']>[0]): string =>
  (source.kind === 'each' ? source.group : source.of).step.name;
