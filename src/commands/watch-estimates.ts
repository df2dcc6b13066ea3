import { FinnError } from '../diagnostics/diagnostic.ts';
import type { Files } from '../engine/artifact.ts';
import { type Host, type Scope, UnknownUntilRun } from '../engine/step.ts';
import { LostContent, ValueCache } from '../engine/values.ts';
import type { Graph } from '../ir/graph.ts';
import { layers } from '../steps/artifacts.ts';
import { fold, quickEstimate } from '../steps/fold.ts';
import type { BuildSettings, NetworkSettings } from '../steps/settings.ts';
import type { Session } from './session.ts';

/** Estimates of builds within milliseconds, from layers of networks that are kept in memory once they have been made. */
export class Estimates {
  /** By the hash of all that they are made from. */
  #layers = new Map<string, Graph>();

  /**
   * The estimate reports without FIFOs, by build; those of networks whose layers are not in the cache are left out. FinnError with
   * everything that folding refuses.
   */
  async all(session: Session, networks: ReadonlyMap<string, string>, host: Host): Promise<Map<string, Files>> {
    const known = this.#layers;
    this.#layers = new Map();
    for (const [name, scope] of session.networkScopes) {
      const hash = networks.get(name)!;
      const graph = known.get(hash) ?? (await layersOf(session, scope));
      if (graph) this.#layers.set(hash, graph);
    }
    const estimates = new Map<string, Files>();
    const errors: FinnError[] = [];
    for (const [name, { settings }] of session.buildScopes) {
      const graph = this.#layers.get(networks.get(settings.network.name)!);
      try {
        const estimate = graph && (await estimateOf(graph, settings, host));
        if (estimate) estimates.set(name, estimate);
      } catch (cause) {
        const blamed = session.plugins.blame(cause);
        if (!(blamed instanceof FinnError)) throw blamed;
        errors.push(blamed);
      }
    }
    // What is wrong with a folding is wrong in every build that uses it.
    const distinct = new Map(errors.flatMap(({ diagnostics }) => diagnostics.map((one) => [JSON.stringify(one), one])));
    if (distinct.size > 0) throw new FinnError(...distinct.values());
    return estimates;
  }
}

async function estimateOf(graph: Graph, settings: BuildSettings, host: Host): Promise<Files | undefined> {
  const sources = (await fold.sources?.(settings, host)) ?? {};
  if (sources instanceof UnknownUntilRun) return undefined;
  return quickEstimate(graph, fold.config(settings, { kind: 'build', name: settings.build.name }), sources);
}

/** The layers of a network, if they have been made and nothing of them has changed since. */
async function layersOf({ engine, store }: Session, scope: Scope<NetworkSettings>): Promise<Graph | undefined> {
  const graph = engine.graph([{ scope, artifact: layers }]);
  const source = graph.find(scope, layers);
  if (source?.kind !== 'output') return undefined;
  const { known } = await engine.plan(graph);
  const content = known.content(source.of, source.output);
  try {
    return content && (new ValueCache(store.objects).get(layers, content) as Graph);
  } catch (cause) {
    if (cause instanceof LostContent) return undefined;
    throw cause;
  }
}
