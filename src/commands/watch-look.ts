import { type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import type { Files } from '../engine/artifact.ts';
import type { Instance, StepGraph } from '../engine/graph.ts';
import { planHost, Readings } from '../engine/readings.ts';
import { type Host, UnknownUntilRun } from '../engine/step.ts';
import type { Looked } from '../engine/watch.ts';
import { contentHash, sha256 } from '../util/hash.ts';
import { namedPaths } from './named-paths.ts';
import { type Io, openSession, refuseUntrusted, type Session } from './session.ts';
import { wantedOf } from './wanted.ts';
import { Estimates } from './watch-estimates.ts';

export interface LookOptions {
  readonly build?: readonly string[] | undefined;
  readonly until?: string | undefined;
  readonly jobs?: number | undefined;
  readonly allowRun?: boolean | undefined;
}

/** What is to be built, and what is known of it before it is. */
export interface Wish {
  readonly session: Session;
  /** Hash of all that a network's layers are made from, by network. */
  readonly networks: ReadonlyMap<string, string>;
  /** Estimates without FIFOs by build, where the layers of its network are known. */
  readonly estimates: ReadonlyMap<string, Files>;
}

/** What a recipe and everything that it names come to at one time. */
export interface Sight extends Looked<Wish> {
  /** Warnings, as text. */
  readonly warnings: readonly string[];
  /** All that is wrong; empty if there is something to build. */
  readonly wrong: readonly Diagnostic[];
  render(diagnostic: Diagnostic): string;
  /** Where pointers into the recipe stand, if that much is known. */
  readonly locate?: Session['recipe']['locate'] | undefined;
}

/** Looks at a recipe again and again; what takes long is kept from one time to the next. */
export class Lookout {
  readonly estimates = new Estimates();
  readonly #recipe: string;
  readonly #options: LookOptions;
  readonly #io: Io;
  /** Of a wrong recipe less is known: what the last right one named is watched on. */
  #paths: readonly string[] = [];
  #last: Sight | undefined;

  constructor(recipe: string, options: LookOptions, io: Io) {
    this.#recipe = recipe;
    this.#options = options;
    this.#io = io;
  }

  /** Reads everything anew. Does not throw for what a user did wrong. */
  async look(signal: AbortSignal): Promise<Sight> {
    const warnings: string[] = [];
    const hear: Io = { ...this.#io, out: () => {}, err: (line) => void warnings.push(line) };
    let session: Session | undefined;
    const readings = new Readings();
    try {
      session = openSession(this.#recipe, { ...this.#options, builds: this.#options.build }, hear);
      this.#io.color = hear.color;
      refuseUntrusted(session);
      const host = planHost(signal, readings);
      const { identity, networks } = await identify(session, wantedOf(session, this.#options.until), host);
      this.#paths = [...new Set([...namedPaths(this.#recipe, session), ...readings.paths])];
      // Nothing but what was saved decides over what is estimated.
      const known = this.#last?.identity === identity ? this.#last.wanted?.estimates : undefined;
      const estimates = known ?? (await this.estimates.all(session, networks, host));
      const wanted = { session, networks, estimates };
      this.#last = {
        identity,
        paths: this.#paths,
        wanted,
        warnings,
        wrong: [],
        render: session.render,
        locate: session.recipe.locate,
      };
    } catch (cause) {
      if (!(cause instanceof FinnError)) throw cause;
      const wrong = cause.diagnostics;
      const show = session?.render ?? ((one: Diagnostic): string => render(one, { color: hear.color }));
      const identity = sha256(['wrong', ...wrong.map(show)].join('\n'));
      const paths = [...new Set([...namedPaths(this.#recipe, session), ...readings.paths, ...this.#paths])];
      this.#last = { identity, paths, warnings, wrong, render: show, locate: session?.recipe.locate };
    }
    return this.#last;
  }
}

/**
 * A hash of everything that what is wanted is made from: it does not hang on what of it is there already, so that it stays
 * the same while it is being built. FinnError with all that is wrong with it.
 */
async function identify(
  session: Session,
  wanted: Parameters<Session['engine']['graph']>[0],
  host: Host,
): Promise<{ identity: string; networks: Map<string, string> }> {
  const graph = session.engine.graph(wanted);
  const wrong: Diagnostic[] = [];
  const parts = new Map<Instance, string>();
  for (const instance of instancesOf(graph)) {
    try {
      parts.set(instance, await ingredientsOf(instance, host));
    } catch (cause) {
      if (!(cause instanceof FinnError)) throw cause;
      wrong.push(...cause.diagnostics);
    }
  }
  if (wrong.length > 0) throw new FinnError(...new Map(wrong.map((one) => [JSON.stringify(one), one])).values());
  const { recipe, builds, project, plugins } = session;
  const about = {
    recipe: recipe.name,
    tools: recipe.tools,
    plugins: plugins.finn,
    project,
    builds: builds.map(({ name, outputs, expect, target: { board } }) => ({
      name,
      outputs,
      expect: expect.map(({ at: _, ...gate }) => gate),
      board: [board.text, board.pins?.text],
    })),
  };
  const networks = new Map<string, string>();
  for (const { name } of session.networkScopes.values()) {
    const own = [...parts].filter(([{ scope, step }]) => scope.name === name && step.per === 'network');
    networks.set(name, hashOf([own.map(([, text]) => text).sort(), plugins.finn]));
  }
  return { identity: hashOf([about, [...parts.values()].sort()]), networks };
}

/** All that an instance's key is made of, but for what others make. */
async function ingredientsOf({ id, step, scope }: Instance, host: Host): Promise<string> {
  const sources = (await step.sources?.(scope.settings, host)) ?? {};
  return hashOf({
    id,
    config: step.config(scope.settings, scope),
    sources:
      sources instanceof UnknownUntilRun
        ? sources.reason
        : Object.entries(sources).map(([name, bytes]) => [name, contentHash(bytes as Uint8Array)]),
  });
}

/** Everything that is wanted and needed, as far as it is known before anything is built. */
function instancesOf({ targets }: StepGraph): Set<Instance> {
  const open = targets.flatMap((target) =>
    target.kind === 'instance' ? [target.instance] : [target.group.template, target.group.opener.of],
  );
  const seen = new Set<Instance>();
  for (let instance = open.pop(); instance; instance = open.pop()) {
    if (seen.has(instance)) continue;
    seen.add(instance);
    for (const source of instance.needs.values())
      open.push(...(source.kind === 'each' ? [source.group.template, source.group.opener.of] : [source.of]));
  }
  return seen;
}

/** JSON with maps as lists and big integers as text; only ever compared with itself. */
const hashOf = (value: unknown): string =>
  sha256(
    JSON.stringify(value, (_, inner: unknown) =>
      inner instanceof Map
        ? [...inner]
        : inner instanceof Set
          ? [...inner]
          : typeof inner === 'bigint'
            ? `${inner}`
            : inner,
    ),
  );
