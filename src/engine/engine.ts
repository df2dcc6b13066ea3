import { error, FinnError } from '../diagnostics/diagnostic.ts';
import { hashJson } from '../util/hash.ts';
import type { Artifact, Files, Made, ValueOf } from './artifact.ts';
import type { Aside } from './aside.ts';
import { type Content, isFamily, type Stored } from './content.ts';
import type { Display } from './events.ts';
import { type Workshop, wholeIn } from './execute.ts';
import type { Executor } from './executor.ts';
import { endForsaken, finishedOwners } from './forsaken.ts';
import type { Evicted } from './gc.ts';
import { type StepGraph, stepGraph, type Target, type Wanted } from './graph.ts';
import { Invoker } from './invoke.ts';
import { LastBuild } from './last-build.ts';
import { hashOwnCode } from './own-code.ts';
import { type Plan, type PlanOptions, plan } from './plan.ts';
import { Readings } from './readings.ts';
import type { Remote } from './remote.ts';
import { Rooms } from './rooms.ts';
import { run } from './run.ts';
import type { Outcome, RunOptions } from './scheduler.ts';
import type { AnyStep, Scope } from './step.ts';
import type { Store, Used } from './store.ts';
import { LostContent, ValueCache } from './values.ts';

export interface EngineOptions {
  readonly steps: readonly AnyStep[];
  readonly store: Store;
  readonly executor: Executor;
  /** A cache that others share. */
  readonly remote?: Remote | undefined;
  /** Where steps run that say `aside`; in this thread if not given. */
  readonly aside?: Aside | undefined;
  /** Threads that steps and tools may use together. */
  readonly jobs: number;
  /** MB that tools may use together. */
  readonly memory: number;
  /** Seconds that one call of a tool may take in a step of this name; no limit if undefined. */
  timeLimit?(step: string): number | undefined;
  /** Tells the builds of this engine from others that use the same store: the path of their recipe. */
  readonly place?: string | undefined;
  /** Bytes that the store may have; what was used longest ago goes when it has more. */
  readonly limit?: number | undefined;
  /** Hash of finn's own code; found if not given. */
  readonly finn?: string | undefined;
}

/** An artifact as it was made. */
export interface MadeValue<T> {
  readonly value: T;
  readonly hash: string;
}

/** What a run left behind. Artifacts are looked for as a step of that scope would. */
export interface Built {
  readonly ok: boolean;
  readonly interrupted: boolean;
  readonly outcomes: readonly Outcome[];
  /** Which files were read for it. */
  readonly readings: Readings;
  /** The file in the store whose time says when it was last asked for. */
  readonly root: string;
  /** An artifact or a family; undefined if it was not made. FinnError 'cache/lost'. */
  value<H extends Made>(scope: Scope, handle: H): MadeValue<ValueOf<H>> | undefined;
  /** Files of an artifact as they lie in the store; undefined if it was not made. FinnError 'cache/lost'. */
  files(scope: Scope, artifact: Artifact<unknown>): Files | undefined;
  /** The same by path, not read; undefined if it was not made. */
  stored(scope: Scope, artifact: Artifact<unknown>): Readonly<Record<string, Stored>> | undefined;
  /** Hash of an artifact or a family; undefined if it was not made. */
  hash(scope: Scope, artifact: Made): string | undefined;
  /** What the steps of all scopes below made, by key, as far as they did. FinnError 'cache/lost'. */
  each<T>(scope: Scope, artifact: Artifact<T>): ReadonlyMap<string, MadeValue<T>>;
}

export interface Engine {
  /** Who makes what, for what is wanted. FinnError with all that is wrong. */
  graph(wanted: readonly Wanted[]): StepGraph;
  plan(graph: StepGraph, options?: PlanOptions): Promise<Plan>;
  run(graph: StepGraph, options?: RunOptions): Promise<Built>;
}

/** A build engine over a list of steps and a store. */
export function createEngine(options: EngineOptions): Engine {
  const { steps, store, executor, jobs } = options;
  const values = new ValueCache(store.objects);
  const workshop: Omit<Workshop, 'readings'> = {
    store,
    executor,
    jobs,
    memory: options.memory,
    remote: options.remote,
    aside: options.aside,
    place: options.place ?? '',
    timeLimit: (step) => options.timeLimit?.(step),
    values,
    finn: options.finn ?? hashOwnCode(),
    invoker: new Invoker({
      store,
      executor,
      rooms: new Rooms(executor, { threads: jobs, memory: options.memory }),
      remote: options.remote,
    }),
    intact: ({ record }) => wholeIn(values, Object.values(record.makes)),
  };
  const knowing = (): Workshop => ({
    ...workshop,
    lastBuild: new LastBuild(store, workshop.place),
    readings: new Readings(),
  });
  return {
    graph: (wanted) => stepGraph(steps, wanted),
    plan: (graph, planOptions) => plan(graph, knowing(), planOptions),
    async run(graph, runOptions) {
      const name = hashJson([options.place, graph.targets.map(pathOf)]);
      store.begin(name);
      const world = knowing();
      const { ok, interrupted, outcomes, known } = await run(graph, world, runOptions);
      options.aside?.clear();
      if (!interrupted) {
        const finished = finishedOwners(workshop.place, outcomes);
        const diagnostic = await endForsaken(store, executor, (owner) => owner !== undefined && finished.has(owner));
        if (diagnostic) runOptions?.display?.({ type: 'diagnostic', diagnostic });
      }
      const root = store.used(name, usedBy(outcomes));
      if (options.limit !== undefined) sayEvicted(store.evict(options.limit), runOptions?.display);
      const contentOf = (scope: Scope, artifact: Made): Content | undefined => {
        const source = graph.find(scope, artifact);
        return source?.kind === 'output' ? known.content(source.of, source.output) : undefined;
      };
      const read = <H extends Made>(handle: H, content: Content): MadeValue<ValueOf<H>> =>
        orLost(() => ({ value: values.get(handle, content) as ValueOf<H>, hash: content.hash }));
      return {
        ok,
        interrupted,
        outcomes,
        readings: world.readings,
        root,
        value(scope, handle) {
          const content = contentOf(scope, handle);
          return content && read(handle, content);
        },
        files(scope, artifact) {
          const content = contentOf(scope, artifact);
          return content && !isFamily(content) ? orLost(() => values.files(content)) : undefined;
        },
        stored(scope, artifact) {
          const content = contentOf(scope, artifact);
          return content && !isFamily(content) ? content.files : undefined;
        },
        hash: (scope, artifact) => contentOf(scope, artifact)?.hash,
        each<T>(scope: Scope, artifact: Artifact<T>) {
          const found = graph.findEach(scope, artifact);
          const list = new Map<string, MadeValue<T>>();
          for (const member of (found && known.members(found.group)) ?? []) {
            const content = known.content(member, found!.output);
            if (content) list.set(member.scope.name, read(artifact, content));
          }
          return list;
        },
      };
    },
  };
}

const pathOf = (target: Target): string =>
  target.kind === 'instance' ? target.instance.path : target.group.template.path;

/** Keys of all results of a run, and of the calls that they took. */
function usedBy(outcomes: readonly Outcome[]): Used {
  const found = outcomes.flatMap(({ id, result }) => (result ? [{ step: id.step, result }] : []));
  return {
    steps: found.map(({ step, result }) => [step, result.key]),
    calls: found.flatMap(({ result }) => result.record.calls.map(({ key }) => key)),
  };
}

function sayEvicted(evicted: Evicted | undefined, display: Display | undefined): void {
  if (!evicted || evicted.after >= evicted.before) return;
  const [before, after] = [evicted.before, evicted.after].map((bytes) => `${(bytes / 1e9).toFixed(2)} GB`);
  display?.({
    type: 'diagnostic',
    diagnostic: {
      code: 'cache/evicted',
      severity: 'note',
      message: `the cache had ${before}, more than its limit; what was used longest ago is gone, ${after} are left`,
    },
  });
}

function orLost<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LostContent)) throw cause;
    throw new FinnError(error('cache/lost', cause.message, { hint: 'build again' }));
  }
}
