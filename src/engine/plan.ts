import { type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import type { InstanceId } from './events.ts';
import { configDifferences } from './fingerprint.ts';
import { anyKey, type Group, type Instance, type StepGraph } from './graph.ts';
import { ingredients, type Judged, judge, type World } from './judge.ts';
import { Known } from './known.ts';
import { planHost } from './readings.ts';
import { chain, type Host, UnknownUntilRun } from './step.ts';

/**
 * - fresh: as it last was; restored: known from an earlier time; run: has to run;
 * - waits: runs unless what it needs turns out as before, or what only a run can tell does;
 * - later: one for each key of a family that is not known yet;
 * - wrong: cannot run as things are.
 */
export type State = 'fresh' | 'restored' | 'run' | 'waits' | 'later' | 'wrong';

export interface Planned {
  readonly instance: Instance;
  readonly id: InstanceId;
  readonly state: State;
  /** What changed, or what it waits for; empty where it is fresh. */
  readonly because: readonly string[];
  /** The key, where it is known. */
  readonly key?: string | undefined;
  /** What was read of it, where it is to run: that need not be read again. */
  readonly judged?: Judged | undefined;
  /** How long it took the last time in this scope. */
  readonly seconds?: number | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Every instance that is wanted or needed, each after those that it needs. */
export interface Plan {
  readonly graph: StepGraph;
  /** The results that are there already. */
  readonly known: Known;
  readonly instances: readonly Planned[];
  /** Everything that is wrong already now. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface PlanOptions {
  /** Names of steps that are to run whatever the cache has. */
  readonly force?: ReadonlySet<string> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Judges every instance by what the cache has. Runs nothing, fetches nothing, writes nothing. */
export async function plan(graph: StepGraph, world: World, options: PlanOptions = {}): Promise<Plan> {
  const planner = new Planner(graph, world, options);
  for (const target of graph.targets) {
    for (const instance of target.kind === 'instance' ? [target.instance] : planner.ofGroup(target.group))
      await planner.visit(instance);
  }
  const instances = [...planner.planned.values()];
  return { graph, instances, diagnostics: instances.flatMap((one) => one.diagnostics), known: planner.known };
}

class Planner {
  readonly planned = new Map<Instance, Planned>();
  readonly known: Known;
  readonly #world: World;
  readonly #options: PlanOptions;
  readonly #host: Host;

  constructor(graph: StepGraph, world: World, options: PlanOptions) {
    this.known = new Known(graph);
    this.#world = world;
    this.#options = options;
    this.#host = planHost(options.signal ?? new AbortController().signal, world.readings);
  }

  /** Plans an instance after all that it needs, without recursion: graphs are deeper than a stack. */
  async visit(wanted: Instance): Promise<void> {
    if (this.planned.has(wanted)) return;
    const stack = [{ instance: wanted, before: this.#before(wanted) }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { value: next, done } = top.before.next();
      if (!done) {
        if (!this.planned.has(next)) stack.push({ instance: next, before: this.#before(next) });
        continue;
      }
      stack.pop();
      if (!this.planned.has(top.instance)) this.planned.set(top.instance, await this.#assess(top.instance));
    }
  }

  *#before({ needs }: Instance): Generator<Instance, undefined> {
    for (const source of needs.values()) {
      if (source.kind === 'each') yield* this.ofGroup(source.group);
      else yield source.of;
    }
  }

  /** Who opens the group, and then, that one being planned, the group's own. */
  *ofGroup(group: Group): Generator<Instance, undefined> {
    yield group.opener.of;
    yield* this.known.members(group) ?? [group.template];
  }

  async #assess(instance: Instance): Promise<Planned> {
    const { id, step } = instance;
    const as = (state: State, because: readonly string[], rest: Partial<Planned> = {}): Planned => ({
      instance,
      id,
      state,
      because,
      diagnostics: [],
      ...rest,
      seconds: rest.seconds ?? (instance.template ? undefined : this.#world.store.records.readLast(id)?.seconds),
    });
    if (instance.template) return as('later', [`known after ${openedBy(instance)}`]);
    try {
      const needs = this.known.needHashes(instance);
      const forced = this.#options.force?.has(step.name) ?? false;
      if (!needs)
        return as(
          forced ? 'run' : 'waits',
          forced ? ['forced'] : [...this.#ownChanges(instance), ...this.#unknown(instance)],
        );
      const judged = await ingredients(instance, needs, this.#world, this.#host);
      if (judged instanceof UnknownUntilRun) return as(forced ? 'run' : 'waits', [judged.reason]);
      const verdict = judge(instance, judged, this.#world);
      if (forced) return as('run', ['forced'], { key: judged.key, judged });
      if (verdict.state === 'stale') return as('run', verdict.because, { key: judged.key, judged });
      this.known.results.set(instance, verdict.result);
      return as(verdict.state, [], { key: judged.key, seconds: verdict.result.record.seconds });
    } catch (error) {
      if (!(error instanceof FinnError)) throw error;
      return as('wrong', [error.diagnostics[0]?.message ?? ''], { diagnostics: error.diagnostics });
    }
  }

  /** What of its settings is other than the last time, whatever its inputs will be. */
  #ownChanges({ id, step, scope }: Instance): string[] {
    const last = this.#world.store.records.readLast(id)?.fingerprint.config;
    return last === undefined ? [] : configDifferences(last, step.config(scope.settings, scope) ?? null);
  }

  /** The inputs that are not known, by the steps that make them. */
  #unknown(instance: Instance): string[] {
    const steps = new Set<string>();
    for (const source of instance.needs.values()) {
      if (source.kind === 'each' && !this.known.members(source.group)) steps.add(source.group.step.name);
      else for (const of of this.known.waitsFor(source)) if (!this.known.results.has(of)) steps.add(of.step.name);
    }
    return [`after ${[...steps].join(', ')}`];
  }
}

const openedBy = ({ scope }: Instance): string =>
  chain(scope).find(({ name }) => name === anyKey)?.openedBy ?? 'the run';
