import type { Executor } from './executor.ts';
import { differences, digest, type Fingerprint, fingerprint, type Ingredients, type NeedHash } from './fingerprint.ts';
import type { Instance } from './graph.ts';
import type { Result } from './known.ts';
import type { LastBuild } from './last-build.ts';
import type { Readings } from './readings.ts';
import type { StepRecord } from './records.ts';
import { type Host, type Sources, UnknownUntilRun } from './step.ts';
import type { Store } from './store.ts';

/** What judging and running need to know of the world. */
export interface World {
  readonly store: Store;
  readonly executor: Executor;
  /** Hash of finn's own code. */
  readonly finn: string;
  /** What the last build in this place knew. */
  readonly lastBuild?: LastBuild | undefined;
  /** Which files sources are read from. */
  readonly readings: Readings;
}

/** What of an instance is read before it is judged. */
export interface Judged {
  readonly sources: Sources;
  readonly config: unknown;
  readonly fingerprint: Fingerprint;
  readonly key: string;
}

export type Verdict =
  /** fresh: as this step last was in this scope; restored: known from some earlier time. */
  | { readonly state: 'fresh' | 'restored'; readonly result: Result }
  | { readonly state: 'stale'; readonly because: readonly string[] };

/** Reads what the instance's key is made of, beside its inputs. FinnError where something is not there. */
export async function ingredients(
  instance: Instance,
  needs: Readonly<Record<string, NeedHash>>,
  world: World,
  host: Host,
): Promise<Judged | UnknownUntilRun> {
  const { step, scope } = instance;
  const sources: Sources | UnknownUntilRun = (await step.sources?.(scope.settings, host)) ?? {};
  if (sources instanceof UnknownUntilRun) return sources;
  world.readings.check(step.name, sources);
  const tools: Record<string, string> = {};
  for (const tool of step.tools?.(scope.settings) ?? []) {
    tools[tool.name] = `${programNames[tool.program.kind]}@${await world.executor.version(tool)}`;
  }
  const parts: Ingredients = { needs, sources, tools, config: step.config(scope.settings, scope) };
  const print = fingerprint(step, parts, world.finn);
  return { sources, config: parts.config, fingerprint: print, key: digest(print) };
}

/** What kinds of programs are called in keys and locks: programs of one name and version may still differ by it. */
export const programNames = { native: 'native', wasm: 'npm', module: 'module' } as const;

/** Is there a whole result for this key? If not, why the step has to run. Reads records only. */
export function judge(instance: Instance, { fingerprint: print, key }: Judged, { store, lastBuild }: World): Verdict {
  const whole = ({ makes }: StepRecord): boolean => Object.values(makes).every((made) => store.has(made));
  const before = lastBuild?.find(instance, key, print);
  if (before && whole(before.record)) return { state: 'fresh', result: before };
  const record = store.records.readStep(instance.step.name, key);
  const last = store.records.readLast(instance.id);
  const changed = last ? differences(last.fingerprint, print) : undefined;
  if (record && digest(record.fingerprint) === key && whole(record)) {
    return { state: changed?.length === 0 ? 'fresh' : 'restored', result: { key, record } };
  }
  if (!changed) return { state: 'stale', because: ['never ran here'] };
  return { state: 'stale', because: changed.length > 0 ? changed : ['its result is no longer in the cache'] };
}
