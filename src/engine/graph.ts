import { bug, type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import type { Artifact, Family, Handle, Made } from './artifact.ts';
import type { InstanceId } from './events.ts';
import type { AnyStep, Scope } from './step.ts';

/** A step in a scope. */
export interface Instance {
  readonly step: AnyStep;
  readonly scope: Scope;
  readonly id: InstanceId;
  /** Distinct for distinct instances. */
  readonly path: string;
  /** Place in the order in which instances became known: what displays and schedulers go by. */
  readonly index: number;
  readonly needs: ReadonlyMap<string, Source>;
  /** Stands for one instance for each key of a family, in a scope called '*'. */
  readonly template: boolean;
}

/** Where an input comes from. */
export type Source =
  | { readonly kind: 'output'; readonly of: Instance; readonly output: string; readonly handle: Made }
  | {
      readonly kind: 'item';
      readonly of: Instance;
      readonly output: string;
      readonly handle: Artifact<unknown>;
      readonly key: string;
    }
  | { readonly kind: 'each'; readonly group: Group; readonly output: string; readonly handle: Artifact<unknown> };

export type EachSource = Extract<Source, { kind: 'each' }>;

/** The instances of one step in all scopes that a family opens. */
export interface Group {
  readonly step: AnyStep;
  /** The scope that the opened scopes lie in. */
  readonly scope: Scope;
  /** Who makes the family that opens them. */
  readonly opener: { readonly of: Instance; readonly output: string; readonly family: Family<unknown> };
  readonly template: Instance;
}

/** A step that opens scopes by making a family. */
interface Opener {
  readonly step: AnyStep;
  readonly output: string;
  readonly family: Family<unknown>;
}

/** What is asked for: all that a step makes, or an artifact, as seen from a scope. */
export type Wanted =
  | { readonly scope: Scope; readonly step: string }
  | { readonly scope: Scope; readonly artifact: Made };

export type Target =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'group'; readonly group: Group };

/** Who makes what for whom. Instances of scopes that a family opens are added as its keys become known. */
export interface StepGraph {
  readonly targets: readonly Target[];
  /** The group's instances for these keys, in their order. */
  expand(group: Group, keys: readonly string[]): readonly Instance[];
  /** The source of an artifact as a step of that scope would see it; undefined if nothing makes it. */
  find(scope: Scope, artifact: Made): Source | undefined;
  /** The source of all artifacts that the scopes below make; undefined if nothing makes them. */
  findEach(scope: Scope, artifact: Artifact<unknown>): EachSource | undefined;
}

/** The placeholder name of scopes whose names are not known. */
export const anyKey = '*';

/**
 * Resolves what is wanted into instances. Runs nothing. Throws FinnError with every ambiguity ('plan/ambiguous'),
 * missing maker ('plan/no-maker'), circle ('plan/cycle') and unknown step ('plan/step') on the way.
 */
export function stepGraph(steps: readonly AnyStep[], wanted: readonly Wanted[]): StepGraph {
  return new Resolver(steps).resolve(wanted);
}

class Resolver implements StepGraph {
  targets: Target[] = [];
  readonly #steps: readonly AnyStep[];
  readonly #instances = new Map<string, Instance>();
  readonly #groups = new Map<string, Group>();
  /** Instances whose needs are being resolved, outermost first. */
  readonly #open: { readonly path: string; readonly step: AnyStep }[] = [];
  #problems: Diagnostic[] = [];
  /** Instances that cannot be, each with one reason: it is noted again for everyone who needs them. */
  readonly #broken = new Map<string, Diagnostic>();

  constructor(steps: readonly AnyStep[]) {
    this.#steps = steps;
    checkNames(steps);
  }

  resolve(wanted: readonly Wanted[]): StepGraph {
    this.targets = wanted.flatMap((one) => ('step' in one ? this.#step(one.scope, one.step) : this.#artifact(one)));
    this.#report();
    return this;
  }

  expand(group: Group, keys: readonly string[]): readonly Instance[] {
    const made = keys.flatMap((name) => this.#instance(group.step, opened(openerOf(group), group.scope, name)) ?? []);
    this.#report();
    return made;
  }

  find(scope: Scope, artifact: Made): Source | undefined {
    const source = this.#source(scope, artifact);
    this.#problems = [];
    return source;
  }

  findEach(scope: Scope, artifact: Artifact<unknown>): EachSource | undefined {
    const source = this.#each(scope, artifact);
    this.#problems = [];
    return source;
  }

  #report(): void {
    const problems = this.#problems;
    this.#problems = [];
    const distinct = new Map(problems.map((problem) => [problem.message, problem]));
    if (distinct.size > 0) throw new FinnError(...distinct.values());
  }

  #step(scope: Scope, name: string): Target[] {
    const step = this.#steps.find((one) => one.name === name);
    if (!step) {
      const hint = `steps are ${this.#steps.map((one) => one.name).join(', ')}`;
      this.#problems.push(error('plan/step', `there is no step '${name}'`, { hint }));
      return [];
    }
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      if (at.kind === step.per && applies(step, at)) return targetOf(this.#instance(step, at));
      for (const opener of this.#openers(at)) {
        if (opener.family.scope !== step.per || !applies(step, at)) continue;
        const group = this.#group(step, at, opener);
        return group ? [{ kind: 'group', group }] : [];
      }
    }
    this.#problems.push(error('plan/step', `step '${name}' does not apply to ${describe(scope)}`));
    return [];
  }

  #artifact({ scope, artifact }: Extract<Wanted, { artifact: Made }>): Target[] {
    const noted = this.#problems.length;
    const source = this.#source(scope, artifact) ?? this.#each(scope, artifact as Artifact<unknown>);
    if (!source) {
      if (this.#problems.length === noted) this.#noMaker(describe(scope), artifact, scope);
      return [];
    }
    return source.kind === 'each' ? [{ kind: 'group', group: source.group }] : targetOf(source.of);
  }

  /** The instance, made on the first request; undefined if something is wrong with it, which is noted. */
  #instance(step: AnyStep, scope: Scope): Instance | undefined {
    const names = chain(scope);
    const path = JSON.stringify([step.name, ...names.map(({ kind, name }) => [kind, name])]);
    const known = this.#instances.get(path);
    if (known) return known;
    const broken = this.#broken.get(path);
    if (broken) {
      this.#problems.push(broken);
      return undefined;
    }
    const from = this.#open.findIndex((one) => one.path === path);
    if (from >= 0) {
      const circle = [...this.#open.slice(from).map((one) => one.step.name), step.name].join(' → ');
      this.#problems.push(error('plan/cycle', `steps need each other in a circle: ${circle}`));
      return undefined;
    }
    this.#open.push({ path, step });
    const before = this.#problems.length;
    const needs = new Map<string, Source>();
    for (const [name, handle] of Object.entries(step.needs as Record<string, Handle>)) {
      const noted = this.#problems.length;
      const source = this.#need(scope, handle);
      if (source) needs.set(name, source);
      else if (this.#problems.length === noted)
        this.#noMaker(`step '${step.name}' (${describe(scope)})`, handle, scope);
    }
    this.#open.pop();
    if (this.#problems.length > before) {
      this.#broken.set(path, this.#problems[before]!);
      return undefined;
    }
    const instance: Instance = {
      step,
      scope,
      path,
      needs,
      id: { step: step.name, scope: names.map(({ name }) => name) },
      index: this.#instances.size,
      template: names.some(({ name }) => name === anyKey),
    };
    this.#instances.set(path, instance);
    return instance;
  }

  #need(scope: Scope, handle: Handle): Source | undefined {
    switch (handle.kind) {
      case 'each':
        return this.#each(scope, handle.artifact);
      case 'item': {
        const own = [...chain(scope)].reverse().find(({ kind }) => kind === handle.family.scope);
        const source = own?.parent && this.#source(own.parent, handle.family);
        if (!own || source?.kind !== 'output') return undefined;
        return { kind: 'item', of: source.of, output: source.output, handle: handle.family.item, key: own.name };
      }
      default:
        return this.#source(scope, handle);
    }
  }

  #source(scope: Scope, handle: Made): Source | undefined {
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      const step = this.#maker(at.kind, at, handle);
      if (!step) continue;
      const of = this.#instance(step, at);
      return of && { kind: 'output', of, output: outputOf(step, handle)!, handle };
    }
    return undefined;
  }

  #each(scope: Scope, artifact: Artifact<unknown>): EachSource | undefined {
    for (let at: Scope | undefined = scope; at; at = at.parent) {
      for (const opener of this.#openers(at)) {
        const step = this.#maker(opener.family.scope, at, artifact);
        if (!step) continue;
        const group = this.#group(step, at, opener);
        return group && { kind: 'each', group, output: outputOf(step, artifact)!, handle: artifact };
      }
    }
    return undefined;
  }

  #group(step: AnyStep, scope: Scope, by: Opener): Group | undefined {
    const template = this.#instance(step, opened(by, scope, anyKey));
    const of = this.#instance(by.step, scope);
    if (!template || !of) return undefined;
    const known = this.#groups.get(template.path);
    if (known) return known;
    const group: Group = { step, scope, template, opener: { of, output: by.output, family: by.family } };
    this.#groups.set(template.path, group);
    return group;
  }

  /** The families made in a scope, at most one for each kind of scope below. */
  #openers(scope: Scope): Opener[] {
    const found = new Map<string, Opener>();
    for (const step of this.#steps) {
      if (step.per !== scope.kind || !applies(step, scope)) continue;
      for (const [output, family] of Object.entries(step.makes as Record<string, Made>)) {
        if (family.kind !== 'family') continue;
        const other = found.get(family.scope);
        if (other) {
          this.#ambiguous(`the ${family.scope} scopes of ${describe(scope)} are opened`, other.step, step);
        } else found.set(family.scope, { step, output, family });
      }
    }
    return [...found.values()];
  }

  /** The one step that makes the artifact in scopes of a kind with the settings of `scope`. */
  #maker(kind: string, scope: Scope, handle: Made): AnyStep | undefined {
    const makers = this.#steps.filter(
      (step) => step.per === kind && outputOf(step, handle) !== undefined && applies(step, scope),
    );
    if (makers.length > 1) this.#ambiguous(`'${handle.name}' of ${describe(scope)} is made`, makers[0]!, makers[1]!);
    return makers[0];
  }

  #ambiguous(what: string, a: AnyStep, b: AnyStep): void {
    const hint = 'at most one of them may apply';
    this.#problems.push(error('plan/ambiguous', `${what} by two steps, '${a.name}' and '${b.name}'`, { hint }));
  }

  #noMaker(who: string, handle: Handle, scope: Scope): void {
    const made = handle.kind === 'each' ? handle.artifact : handle.kind === 'item' ? handle.family : handle;
    const others = this.#steps.filter((step) => outputOf(step, made) !== undefined).map(({ name }) => `'${name}'`);
    const hint =
      others.length === 0
        ? 'no step at all makes it'
        : `it is made by ${others.join(', ')}, which ${others.length === 1 ? 'does' : 'do'} not apply to ${describe(scope)}`;
    this.#problems.push(error('plan/no-maker', `nothing makes '${made.name}', which ${who} needs`, { hint }));
  }
}

/** Scopes from the root to this one. */
export function chain(scope: Scope): Scope[] {
  const scopes: Scope[] = [];
  for (let at: Scope | undefined = scope; at; at = at.parent) scopes.unshift(at);
  return scopes;
}

const opened = ({ step, family }: Opener, parent: Scope, name: string): Scope => ({
  kind: family.scope,
  name,
  parent,
  settings: parent.settings,
  openedBy: step.name,
});
const applies = (step: AnyStep, scope: Scope): boolean => step.applies?.(scope.settings) ?? true;
const describe = (scope: Scope): string =>
  `${scope.kind} ${chain(scope)
    .map(({ name }) => name)
    .join('/')}`;
const openerOf = ({ opener: { of, output, family } }: Group): Opener => ({ step: of.step, output, family });
const targetOf = (instance: Instance | undefined): Target[] => (instance ? [{ kind: 'instance', instance }] : []);
const outputOf = (step: AnyStep, handle: Made): string | undefined =>
  Object.entries(step.makes as Record<string, Made>).find(([, made]) => made === handle)?.[0];

/** Names stand in keys and file names: each must mean one step, one artifact. */
function checkNames(steps: readonly AnyStep[]): void {
  const stepNames = new Set<string>();
  const artifacts = new Map<string, Made>();
  for (const step of steps) {
    if (stepNames.has(step.name)) bug(`two steps are called '${step.name}'`);
    stepNames.add(step.name);
    for (const made of Object.values(step.makes as Record<string, Made>)) {
      for (const handle of made.kind === 'family' ? [made, made.item as Made] : [made]) {
        if ((artifacts.get(handle.name) ?? handle) !== handle) bug(`two artifacts are called '${handle.name}'`);
        artifacts.set(handle.name, handle);
      }
    }
  }
}
