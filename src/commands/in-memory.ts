import type { Recipe } from '../config/model.ts';
import type { Project } from '../config/project.ts';
import { bug, type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import { createEngine } from '../engine/engine.ts';
import { LocalExecutor } from '../engine/executors/local.ts';
import { planHost } from '../engine/readings.ts';
import { type Context, type Host, type Scope, type Sources, UnknownUntilRun } from '../engine/step.ts';
import { openStore } from '../engine/store.ts';
import { ValueCache } from '../engine/values.ts';
import type { Graph } from '../ir/graph.ts';
import type { Plugins } from '../plugins/load.ts';
import { type ModelFiles, model as modelArtifact, modelFromSources } from '../steps/artifacts.ts';
import { fold } from '../steps/fold.ts';
import { importNetwork } from '../steps/import.ts';
import { lower } from '../steps/lower.ts';
import { fetchModel, runModel } from '../steps/model.ts';
import type { BuildSettings, NetworkSettings } from '../steps/settings.ts';
import { streamline } from '../steps/streamline.ts';

/** What import to fold make of a recipe, by name of network or build; what could not be made is absent. */
export interface InMemory {
  readonly networks: ReadonlyMap<string, Graph>;
  readonly layers: ReadonlyMap<string, Graph>;
  readonly dataflows: ReadonlyMap<string, Graph>;
  /** Networks whose model is not at hand, with the reason. */
  readonly unknown: ReadonlyMap<string, string>;
  /** Everything that is wrong. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface InMemoryOptions {
  readonly recipe: Recipe;
  readonly project: Project;
  readonly plugins?: Plugins;
  readonly networks: ReadonlyMap<string, Scope<NetworkSettings>>;
  readonly builds: ReadonlyMap<string, Scope<BuildSettings>>;
  readonly signal: AbortSignal;
}

/**
 * Takes every network whose model is at hand through import to fold in memory. Fetches nothing, executes nothing, writes
 * nothing; the comparisons with the recipe's vectors, which take time, are left to the build. Does not throw for
 * what a user did wrong.
 */
export async function compileInMemory(options: InMemoryOptions): Promise<InMemory> {
  const networks = new Map<string, Graph>();
  const layers = new Map<string, Graph>();
  const dataflows = new Map<string, Graph>();
  const unknown = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const host = planHost(options.signal);
  const context = <C>(config: C, sources: Sources): Context<C> => ({
    config,
    sources,
    signal: options.signal,
    call: () => bug('import to fold call no tools'),
    note: () => {},
    report: (diagnostic) => void diagnostics.push(diagnostic),
  });
  /** Keeps what a user did wrong; anything else goes on up. */
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      const told = options.plugins ? options.plugins.blame(cause) : cause;
      if (!(told instanceof FinnError)) throw told;
      diagnostics.push(...told.diagnostics);
    }
  };

  for (const [name, scope] of options.networks)
    await attempt(async () => {
      const { settings } = scope;
      const model = await modelOf(scope, options, host);
      if (model instanceof UnknownUntilRun) return void unknown.set(name, model.reason);
      const sources = known(await importNetwork.sources?.(settings, host));
      const imported = await importNetwork.run(
        { model },
        context({ ...importNetwork.config(settings, scope), verify: false }, sources),
      );
      networks.set(name, imported.network);
      const { integerNetwork } = await streamline.run(imported, context({ verify: false }, {}));
      const lowered = await lower.run(
        { integerNetwork, vectors: imported.vectors },
        context({ ...lower.config(settings, scope), verify: false }, {}),
      );
      layers.set(name, lowered.layers);
    });
  for (const [name, scope] of options.builds)
    await attempt(async () => {
      const { settings } = scope;
      const graph = layers.get(settings.network.name);
      if (!graph) return;
      const sources = known(await fold.sources?.(settings, host));
      const { dataflow } = await fold.run({ layers: graph }, context(fold.config(settings, scope), sources));
      dataflows.set(name, dataflow);
    });
  // What is wrong with a folding is wrong in every build that uses it.
  const distinct = new Map(diagnostics.map((diagnostic) => [JSON.stringify(diagnostic), diagnostic]));
  return { networks, layers, dataflows, unknown, diagnostics: [...distinct.values()] };
}

const known = (sources: Sources | UnknownUntilRun | undefined): Sources =>
  sources instanceof UnknownUntilRun ? bug('a file is known at once') : (sources ?? {});

/** The model where it is at hand: a file, a mirror, an earlier download, or the result of an earlier run. */
async function modelOf(
  scope: Scope<NetworkSettings>,
  { project, plugins }: InMemoryOptions,
  host: Host,
): Promise<ModelFiles | UnknownUntilRun> {
  const { network } = scope.settings;
  if (network.model.kind !== 'run') {
    const sources = (await fetchModel.sources?.(scope.settings, host)) ?? {};
    return sources instanceof UnknownUntilRun ? sources : modelFromSources(sources);
  }
  const store = openStore(project.cache.path);
  const engine = createEngine({
    steps: [runModel],
    finn: plugins?.finn,
    store,
    executor: new LocalExecutor(),
    jobs: 1,
    memory: 1,
  });
  const { known: found, instances } = await engine.plan(engine.graph([{ scope, step: runModel.name }]));
  const [planned] = instances;
  const content = planned && found.content(planned.instance, 'model');
  if (!content) return new UnknownUntilRun(`the model is made by \`${network.model.command.join(' ')}\``);
  return new ValueCache(store.objects).get(modelArtifact, content) as ModelFiles;
}
