import type { Build, Network, Recipe } from '../config/model.ts';
import type { Project } from '../config/project.ts';
import type { Scope } from '../engine/step.ts';

/** What steps of a network see: the whole recipe, of which `config` picks what counts. */
export interface NetworkSettings {
  readonly recipe: Recipe;
  readonly project: Project;
  readonly network: Network;
  /** `run` sources may execute. */
  readonly mayRun: boolean;
  /** What is found out about mirrors may be noted in the cache: not so in a plan, which leaves nothing behind. */
  readonly mayNote?: boolean | undefined;
  /** sha256 of sources that finn.lock pins, by URL or command. */
  readonly pins: ReadonlyMap<string, string>;
  /** Filled in as things are fetched: sha256 by URL, for the lock. */
  readonly fetched: Map<string, string>;
}

export interface BuildSettings extends NetworkSettings {
  readonly build: Build;
}

/** The scopes of a recipe: a network above each of its builds. Layers come below builds when they are known. */
export function scopesOf(
  recipe: Recipe,
  project: Project,
  options: Pick<NetworkSettings, 'mayRun' | 'mayNote' | 'pins' | 'fetched'>,
  builds: readonly Build[] = [...recipe.builds.values()],
): { networks: ReadonlyMap<string, Scope<NetworkSettings>>; builds: ReadonlyMap<string, Scope<BuildSettings>> } {
  const networks = new Map<string, Scope<NetworkSettings>>();
  const scopes = new Map<string, Scope<BuildSettings>>();
  for (const build of builds) {
    const { network } = build;
    const settings = { recipe, project, network, ...options };
    const parent = networks.get(network.name) ?? { kind: 'network', name: network.name, settings };
    networks.set(network.name, parent);
    scopes.set(build.name, { kind: 'build', name: build.name, parent, settings: { ...settings, build } });
  }
  return { networks, builds: scopes };
}
