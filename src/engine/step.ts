import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Handles, Makes, Values } from './artifact.ts';
import type { Invocation, Tool } from './invocation.ts';

/**
 * Where a step's instance lives: a network, a build of it, a layer of that. Scopes form a tree; an instance sees the
 * artifacts of its own scope and of those above.
 */
export interface Scope<S = unknown> {
  readonly kind: string;
  readonly name: string;
  readonly parent?: Scope | undefined;
  /** What `config` of a step in this scope sees. */
  readonly settings: S;
  /** The step that made the family whose key `name` is. */
  readonly openedBy?: string;
}

/** Scopes from the root to this one. */
export function chain(scope: Scope): Scope[] {
  const scopes: Scope[] = [];
  for (let at: Scope | undefined = scope; at; at = at.parent) scopes.unshift(at);
  return scopes;
}

/** What of the machine a step's `sources` may use. */
export interface Host {
  /** In 'plan' nothing may be fetched or executed: what only that could tell is answered by `unknownUntilRun`. */
  readonly mode: 'plan' | 'run';
  readonly signal: AbortSignal;
  note(text: string): void;
  /**
   * Contents of a file. What is read here `finn watch` watches, and a build that has nothing to do need not read again. Rejects
   * with the system's error, or one with code 'EFBIG' where it has more than 2 GB.
   */
  read(path: string): Promise<Uint8Array>;
}

/** Contents from outside, by name. */
export type Sources = Readonly<Record<string, Uint8Array>>;

/** The answer of `sources` in a plan when only a run can tell. */
export class UnknownUntilRun {
  /** In a few words: 'the model is fetched from https://…'. */
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}
export const unknownUntilRun = (reason: string): UnknownUntilRun => new UnknownUntilRun(reason);

/** All that `run` sees beside its inputs. There is nothing of the scope in it: what the key lacks, `run` cannot know. */
export interface Context<C> {
  readonly config: C;
  /** What `sources` read. */
  readonly sources: Sources;
  readonly signal: AbortSignal;
  /** Runs a tool, or restores what the same call made before. Output names give contents. */
  call<O extends string>(invocation: Invocation<O>): Promise<Readonly<Record<O, Uint8Array>>>;
  /** One line for the display. */
  note(text: string): void;
  /** A warning or note for the user. Kept with the result, and shown again when that comes from the cache. */
  report(diagnostic: Diagnostic): void;
}

/** A typed function between artifacts. */
export interface Step<N extends Handles = Handles, M extends Makes = Makes, C = unknown, S = unknown> {
  readonly name: string;
  readonly doc: string;
  /** The kind of scope it runs once for. */
  readonly per: string;
  readonly needs: N;
  readonly makes: M;
  /**
   * The only part of the settings that `run` sees, hence the only part in its key: plain JSON.
   * In a scope that a family opened, `settings` are those of the scope above, and `scope` has the key: a step whose
   * result has a name in it puts `scope.name` here.
   */
  config(settings: S, scope: { readonly kind: string; readonly name: string }): C;
  /** Two steps may make the same artifact if in every scope at most one applies. */
  applies?(settings: S): boolean;
  /**
   * Contents from outside (a model file, a folding file), by name: read when the instance is about to be judged, hashed
   * into the key, and handed to `run` as `context.sources`. They are read with `host.read`. Throws FinnError where one is not
   * there or is not wanted.
   */
  sources?(settings: S, host: Host): Promise<Sources | UnknownUntilRun>;
  /** The tools that `run` may call, and no others: their versions are in the key, so no result outlives its tool. */
  tools?(settings: S): readonly Tool[];
  /**
   * What it takes at most while it runs, calls included: threads and MB; one thread and 200 MB if not said. Not in the
   * key. A call may say less or more by itself.
   */
  cost?(settings: S): { readonly threads: number; readonly memory: number };
  /**
   * `run` computes for longer than a moment by itself: where a build does this it is run in a thread of its own, so that neither
   * displays nor interrupts nor other steps wait for it. Nothing else changes: it sees what is said here and nothing of its module's
   * state that others set.
   */
  readonly aside?: boolean;
  run(inputs: Values<N>, context: Context<C>): Promise<Values<M>>;
}

// biome-ignore lint/suspicious/noExplicitAny: steps of every type meet in one list
export type AnyStep = Step<any, any, any, any>;
export const step = <N extends Handles, M extends Makes, C, S>(definition: Step<N, M, C, S>): Step<N, M, C, S> =>
  definition;
