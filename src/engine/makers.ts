import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import type { Artifact, Family, Made } from './artifact.ts';
import { type AnyStep, chain, type Scope } from './step.ts';

/** A step that opens scopes by making a family. */
export interface Opener {
  readonly step: AnyStep;
  readonly output: string;
  readonly family: Family<unknown>;
}

/** A step that makes an artifact or a family, and what it calls that output. */
export interface Maker {
  readonly step: AnyStep;
  readonly output: string;
}

/** Which steps make what, and in which scopes; `onAmbiguous` hears of every place where two of them would. */
export class Makers {
  readonly #makers = new Map<Made, Maker[]>();
  /** By the kind of scope that they run in. */
  readonly #openers = new Map<string, Opener[]>();
  readonly #onAmbiguous: (diagnostic: Diagnostic) => void;

  constructor(steps: readonly AnyStep[], onAmbiguous: (diagnostic: Diagnostic) => void) {
    this.#onAmbiguous = onAmbiguous;
    for (const step of steps) {
      for (const [output, made] of Object.entries(step.makes as Record<string, Made>)) {
        if (made.kind === 'family') listed(this.#openers, step.per).push({ step, output, family: made });
        const makers = listed(this.#makers, made);
        if (makers.at(-1)?.step !== step) makers.push({ step, output });
      }
    }
  }

  /** The steps that make it in some scope. */
  all(made: Made): AnyStep[] {
    return (this.#makers.get(made) ?? []).map(({ step }) => step);
  }

  /** Who makes the artifact for a scope, and in which scope above or the same. */
  of(scope: Scope, handle: Made): (Maker & { readonly at: Scope }) | undefined {
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      const maker = this.#maker(at.kind, at, handle);
      if (maker) return { ...maker, at };
    }
    return undefined;
  }

  /** Who makes the artifact in all scopes that are opened in a scope above or the same. */
  group(scope: Scope, artifact: Artifact<unknown>): (Maker & { readonly at: Scope; readonly by: Opener }) | undefined {
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      for (const by of this.openers(at)) {
        const maker = this.#maker(by.family.scope, at, artifact);
        if (maker) return { ...maker, at, by };
      }
    }
    return undefined;
  }

  /** The families made in a scope, at most one for each kind of scope below. */
  openers(scope: Scope): Opener[] {
    const found = new Map<string, Opener>();
    for (const opener of this.#openers.get(scope.kind) ?? []) {
      if (!applies(opener.step, scope)) continue;
      const { scope: below } = opener.family;
      const other = found.get(below);
      if (other) this.#ambiguous(`the ${below} scopes of ${describe(scope)} are opened`, other.step, opener.step);
      else found.set(below, opener);
    }
    return [...found.values()];
  }

  /** The one step that makes the artifact in scopes of a kind with the settings of `scope`. */
  #maker(kind: string, scope: Scope, handle: Made): Maker | undefined {
    let found: Maker | undefined;
    for (const maker of this.#makers.get(handle) ?? []) {
      if (maker.step.per !== kind || !applies(maker.step, scope)) continue;
      if (found) this.#ambiguous(`'${handle.name}' of ${describe(scope)} is made`, found.step, maker.step);
      found ??= maker;
    }
    return found;
  }

  #ambiguous(what: string, a: AnyStep, b: AnyStep): void {
    const hint = 'at most one of them may apply';
    this.#onAmbiguous(error('plan/ambiguous', `${what} by two steps, '${a.name}' and '${b.name}'`, { hint }));
  }
}

/** Does the step run in a scope with these settings? */
export const applies = (step: AnyStep, scope: Scope): boolean => step.applies?.(scope.settings) ?? true;

/** A scope as messages name it: 'build digits/icebreaker'. */
export const describe = (scope: Scope): string =>
  `${scope.kind} ${chain(scope)
    .map(({ name }) => name)
    .join('/')}`;

/** The list of a key, which is made where there is none. */
function listed<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
