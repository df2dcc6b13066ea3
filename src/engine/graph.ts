import { bug, type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import type { Artifact, Family, Handle, Made } from './artifact.ts';
import type { InstanceId } from './events.ts';
import { applies, describe, Makers, type Opener } from './makers.ts';
import { type AnyStep, chain, type Scope } from './step.ts';

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

/** Where an instance is or will be. */
interface Place {
  readonly step: AnyStep;
  readonly scope: Scope;
  readonly path: string;
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
  readonly #makers: Makers;
  readonly #instances = new Map<string, Instance>();
  readonly #groups = new Map<string, Group>();
  /** Instances whose needs are being resolved, outermost first. */
  readonly #open = new Map<string, AnyStep>();
  #problems: Diagnostic[] = [];
  /** Instances that cannot be, each with one reason: it is noted again for everyone who needs them. */
  readonly #broken = new Map<string, Diagnostic>();

  constructor(steps: readonly AnyStep[]) {
    this.#steps = steps;
    checkNames(steps);
    this.#makers = new Makers(steps, (ambiguous) => this.#problems.push(ambiguous));
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
      for (const opener of this.#makers.openers(at)) {
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
    const path = pathOf(step, scope);
    const known = this.#instances.get(path);
    if (known) return known;
    const broken = this.#broken.get(path);
    if (broken) {
      this.#problems.push(broken);
      return undefined;
    }
    if (this.#open.has(path)) {
      const names = [...this.#open].map(([open, { name }]) => [open, name] as const);
      const circle = names.slice(names.findIndex(([open]) => open === path)).map(([, name]) => name);
      const text = [...circle, step.name].join(' → ');
      this.#problems.push(error('plan/cycle', `steps need each other in a circle: ${text}`));
      return undefined;
    }
    this.#makeWithNeeds({ step, scope, path });
    return this.#instances.get(path);
  }

  /** Makes an instance after all that it needs, without recursion: graphs are deeper than a stack. */
  #makeWithNeeds(place: Place): void {
    const visit = (one: Place) => ({ ...one, before: this.#placesBefore(one)[Symbol.iterator]() });
    const stack = [visit(place)];
    this.#open.set(place.path, place.step);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { value: next, done } = top.before.next();
      if (done) {
        this.#make(top);
        this.#open.delete(top.path);
        stack.pop();
      } else if (!this.#instances.has(next.path) && !this.#broken.has(next.path) && !this.#open.has(next.path)) {
        this.#open.set(next.path, next.step);
        stack.push(visit(next));
      }
    }
  }

  /** Makes one instance, all that it needs being made, broken, or open in a circle. */
  #make({ step, scope, path }: Place): void {
    const before = this.#problems.length;
    const needs = new Map<string, Source>();
    for (const [name, handle] of Object.entries(step.needs as Record<string, Handle>)) {
      const noted = this.#problems.length;
      const source = this.#need(scope, handle);
      if (source) needs.set(name, source);
      else if (this.#problems.length === noted)
        this.#noMaker(`step '${step.name}' (${describe(scope)})`, handle, scope);
    }
    if (this.#problems.length > before) {
      this.#broken.set(path, this.#problems[before]!);
      return;
    }
    const { names } = placeIn(scope);
    this.#instances.set(path, {
      step,
      scope,
      path,
      needs,
      id: { step: step.name, scope: names },
      index: this.#instances.size,
      template: names.includes(anyKey),
    });
  }

  /** Where the instances are that this one needs. */
  #placesBefore({ step, scope }: Place): Place[] {
    return Object.values(step.needs as Record<string, Handle>).flatMap((handle): Place[] => {
      if (handle.kind === 'each') {
        const found = this.#makers.group(scope, handle.artifact);
        if (!found) return [];
        return [placeOf(found.step, opened(found.by, found.at, anyKey)), placeOf(found.by.step, found.at)];
      }
      const from = handle.kind === 'item' ? ownScope(scope, handle.family)?.parent : scope;
      const found = from && this.#makers.of(from, handle.kind === 'item' ? handle.family : handle);
      return found ? [placeOf(found.step, found.at)] : [];
    });
  }

  #need(scope: Scope, handle: Handle): Source | undefined {
    switch (handle.kind) {
      case 'each':
        return this.#each(scope, handle.artifact);
      case 'item': {
        const own = ownScope(scope, handle.family);
        const source = own?.parent && this.#source(own.parent, handle.family);
        if (!own || source?.kind !== 'output') return undefined;
        return { kind: 'item', of: source.of, output: source.output, handle: handle.family.item, key: own.name };
      }
      default:
        return this.#source(scope, handle);
    }
  }

  #source(scope: Scope, handle: Made): Source | undefined {
    const found = this.#makers.of(scope, handle);
    const of = found && this.#instance(found.step, found.at);
    return of && { kind: 'output', of, output: found.output, handle };
  }

  #each(scope: Scope, artifact: Artifact<unknown>): EachSource | undefined {
    const found = this.#makers.group(scope, artifact);
    const group = found && this.#group(found.step, found.at, found.by);
    return group && { kind: 'each', group, output: found.output, handle: artifact };
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

  #noMaker(who: string, handle: Handle, scope: Scope): void {
    const made = handle.kind === 'each' ? handle.artifact : handle.kind === 'item' ? handle.family : handle;
    const others = this.#makers.all(made).map(({ name }) => `'${name}'`);
    const hint =
      others.length === 0
        ? 'no step at all makes it'
        : `it is made by ${others.join(', ')}, which ${others.length === 1 ? 'does' : 'do'} not apply to ${describe(scope)}`;
    this.#problems.push(error('plan/no-maker', `nothing makes '${made.name}', which ${who} needs`, { hint }));
  }
}

const opened = ({ step, family }: Opener, parent: Scope, name: string): Scope => ({
  kind: family.scope,
  name,
  parent,
  settings: parent.settings,
  openedBy: step.name,
});
const openerOf = ({ opener: { of, output, family } }: Group): Opener => ({ step: of.step, output, family });
const targetOf = (instance: Instance | undefined): Target[] => (instance ? [{ kind: 'instance', instance }] : []);

const pathOf = (step: AnyStep, scope: Scope): string => `[${JSON.stringify(step.name)}${placeIn(scope).path}]`;

/** Kind and name of each scope from the root to this one as a text, and the names; found once for each. */
function placeIn(scope: Scope): { readonly path: string; readonly names: readonly string[] } {
  const known = places.get(scope);
  if (known) return known;
  const scopes = chain(scope);
  const place = {
    path: scopes.map(({ kind, name }) => `,${JSON.stringify([kind, name])}`).join(''),
    names: scopes.map(({ name }) => name),
  };
  places.set(scope, place);
  return place;
}
const places = new WeakMap<Scope, { readonly path: string; readonly names: readonly string[] }>();

const placeOf = (step: AnyStep, scope: Scope): Place => ({ step, scope, path: pathOf(step, scope) });

/** The scope among this one and those above that the family opened. */
const ownScope = (scope: Scope, family: Family<unknown>): Scope | undefined =>
  chain(scope).findLast(({ kind }) => kind === family.scope);

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
