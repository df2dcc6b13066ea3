import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Build, Recipe } from '../config/model.ts';
import { loadProject, type Project } from '../config/project.ts';
import { loadRecipe } from '../config/recipe.ts';
import { type Diagnostic, error, FinnError, fail } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import type { Executor } from '../engine/executor.ts';
import { LocalExecutor } from '../engine/executors/local.ts';
import { SlurmExecutor } from '../engine/executors/slurm.ts';
import { httpRemote } from '../engine/remote/http.ts';
import type { Scope } from '../engine/step.ts';
import { openStore, type Store } from '../engine/store.ts';
import { loadPlugins, type Plugins } from '../plugins/load.ts';
import { untrusted } from '../steps/model.ts';
import { type BuildSettings, type NetworkSettings, scopesOf } from '../steps/settings.ts';
import { type Lock, lockPath, readLock } from './lock.ts';
import { stepThreads } from './step-threads.ts';
import { timeLimitsOf, unknownSteps } from './time-limits.ts';

/** What every command gets from the command line and the terminal. */
export interface Io {
  /** The words behind `finn` on the command line, if this process was started for these alone. */
  readonly words?: readonly string[] | undefined;
  out(line: string): void;
  err(line: string): void;
  /** Is stdout a terminal that may be drawn on? */
  readonly terminal: boolean;
  /** Are diagnostics coloured? The terminal decides, until a session has read what `display.color` of the config says. */
  color: boolean;
  readonly signal: AbortSignal;
}

/** A recipe opened for work: resolved, with its engine and scopes. */
export interface Session {
  readonly recipe: Recipe;
  readonly project: Project;
  readonly plugins: Plugins;
  readonly engine: Engine;
  readonly store: Store;
  readonly executor: Executor;
  /** That of this machine: the executor itself, or the one behind it. */
  readonly local: LocalExecutor;
  readonly builds: readonly Build[];
  readonly networkScopes: ReadonlyMap<string, Scope<NetworkSettings>>;
  readonly buildScopes: ReadonlyMap<string, Scope<BuildSettings>>;
  readonly lock: Lock | undefined;
  /** sha256 by URL, of what was fetched. */
  readonly fetched: Map<string, string>;
  render(diagnostic: Diagnostic): string;
}

export interface SessionOptions {
  /** Names of builds; all if empty. */
  readonly builds?: readonly string[] | undefined;
  readonly jobs?: number | undefined;
  readonly allowRun?: boolean | undefined;
  readonly locked?: boolean | undefined;
  /** On this machine and with its own cache only, whatever finn.config.yaml says of others. */
  readonly alone?: boolean | undefined;
  /** Something is going to be built: notes may be made in the cache. */
  readonly building?: boolean | undefined;
}

/** Reads a recipe and everything it names. Prints its warnings; throws FinnError with every error at once. */
export function openSession(path: string, options: SessionOptions, io: Io): Session {
  if (!existsSync(path)) fail('config/unreadable', `there is no recipe ${path}`, { hint: '`finn init` writes one' });
  const { project: found, diagnostics } = loadProject(path);
  const project = options.alone ? alone(found) : found;
  const plugins = pluginsOf(project, diagnostics, options.allowRun ?? false, io);
  const loaded = loadRecipe(path, plugins.layerSettings);
  if (project.display.color !== 'auto') io.color = project.display.color === 'always';
  const all = [...loaded.diagnostics, ...diagnostics];
  if (!loaded.recipe || all.some(({ severity }) => severity === 'error')) throw new FinnError(...all);
  const { recipe } = loaded;
  const show = (diagnostic: Diagnostic): string => render(diagnostic, { color: io.color, locate: recipe.locate });
  for (const diagnostic of all) io.err(show(diagnostic));
  const wrong = unknownSteps(
    project,
    recipe,
    plugins.steps.map(({ name }) => name),
  );
  if (wrong.length > 0) throw new FinnError(...wrong);
  const builds = select(recipe, options.builds ?? []);
  const lock = readLock(path);
  if (options.locked && !lock)
    fail('lock/missing', `--locked, but there is no ${relative('.', lockPath(path))}`, {
      hint: '`finn build` without --locked writes one',
    });
  const fetched = new Map<string, string>();
  const pins = new Map(Object.entries(lock?.sources ?? {}));
  const scopes = scopesOf(
    recipe,
    project,
    { mayRun: options.allowRun ?? false, mayNote: options.building ?? false, pins, fetched },
    builds,
  );
  const local = new LocalExecutor({ paths: Object.fromEntries(project.tools) });
  const executor = project.slurm ? new SlurmExecutor(project.slurm, local) : local;
  const store = openStore(project.cache.path, (object) =>
    io.err(show(error('cache/corrupt', `${object} was damaged`))),
  );
  const engine = createEngine({
    steps: plugins.steps,
    finn: plugins.finn,
    store,
    executor,
    remote:
      project.remote &&
      httpRemote({ ...project.remote, store, warn: (diagnostic) => io.err(show(diagnostic)), signal: io.signal }),
    aside: stepThreads(plugins),
    timeLimit: timeLimitsOf(project, recipe),
    place: resolve(path),
    limit: project.cache.bytes,
    jobs: options.jobs ?? project.jobs,
    memory: project.memoryMb,
  });
  return {
    recipe,
    project,
    plugins,
    engine,
    store,
    executor,
    local,
    builds,
    networkScopes: scopes.networks,
    buildScopes: scopes.builds,
    lock,
    fetched,
    render: show,
  };
}

/**
 * The project's plug-ins, named on stderr before they run. Where the config itself is wrong nothing of it is loaded: all that
 * is wrong with it is thrown.
 */
export function pluginsOf(
  project: Project,
  diagnostics: readonly Diagnostic[],
  mayRun: boolean,
  { err }: Pick<Io, 'err'>,
): Plugins {
  if (project.plugins.length > 0 && diagnostics.some(({ severity }) => severity === 'error'))
    throw new FinnError(...diagnostics);
  return loadPlugins(project, {
    mayRun,
    announce: (path, hash) => err(`plug-in ${path} (sha256 ${hash.slice(0, 12)})`),
  });
}

/** A project that shares nothing with other machines. */
function alone({ remote: _, slurm: __, ...project }: Project): Project {
  return project;
}

/** Refuses, before anything runs, to run programs of the recipe that nobody has said may run. FinnError 'trust/run'. */
export function refuseUntrusted({ networkScopes }: Session): void {
  const refused = [...networkScopes.values()].flatMap(({ settings }) => untrusted(settings) ?? []);
  if (refused.length > 0) throw new FinnError(...refused);
}

function select(recipe: Recipe, names: readonly string[]): Build[] {
  const unknown = names.filter((name) => !recipe.builds.has(name));
  if (unknown.length > 0)
    throw new FinnError(
      ...unknown.map((name) =>
        error('recipe/unknown-name', `${recipe.name} has no build '${name}'`, {
          hint: didYouMean(name, [...recipe.builds.keys()], 'builds'),
        }),
      ),
    );
  return names.length === 0 ? [...recipe.builds.values()] : names.map((name) => recipe.builds.get(name)!);
}
