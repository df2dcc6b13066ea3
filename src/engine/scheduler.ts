import { type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import { canonicalJson } from '../util/hash.ts';
import { type Random, random } from '../util/random.ts';
import type { Display, EngineEvent, InstanceId } from './events.ts';
import { execute, type Workshop } from './execute.ts';
import type { Group, Instance } from './graph.ts';
import { ingredients, type Judged, judge } from './judge.ts';
import type { Known, Result } from './known.ts';
import type { Planned } from './plan.ts';
import { type Host, UnknownUntilRun } from './step.ts';
import { LostContent } from './values.ts';

export interface RunOptions {
  readonly display?: Display | undefined;
  /** Ends what runs; nothing new starts. */
  readonly signal?: AbortSignal | undefined;
  /** Names of steps that run, tools included, whatever the cache has. */
  readonly force?: readonly string[] | undefined;
  /** Names of artifacts that are asked for when the run is over: they stay in memory. */
  readonly keep?: readonly string[] | undefined;
  /** After a failure, go on with all that does not depend on it. Else nothing new starts. */
  readonly keepGoing?: boolean | undefined;
  /**
   * What failed, by key: what is in it is not tried again but fails with the same diagnostics, and what fails is put
   * into it. A build that is not given one remembers no failures.
   */
  readonly failures?: Map<string, readonly Diagnostic[]> | undefined;
  /** Seconds that one call of a tool may take in a step of this name; no limit if undefined. */
  readonly timeLimit?: ((step: string) => number | undefined) | undefined;
  /** Shuffles what is ready at the same time, to show that nothing depends on the order. */
  readonly seed?: number | undefined;
}

/** What became of one instance. */
export interface Outcome {
  readonly id: InstanceId;
  readonly instance: Instance;
  readonly how: 'ran' | 'fresh' | 'restored' | 'failed' | 'skipped';
  readonly because: string;
  /** Key and record where there is a result. */
  readonly result?: Result | undefined;
  /** Time of this run; 0 where it did not run. */
  readonly seconds: number;
  readonly diagnostics: readonly Diagnostic[];
}

type Status = 'pending' | 'running' | 'done' | 'failed' | 'skipped';

/** Starts instances as what they need gets done, and notes what became of them. */
export class Scheduler {
  readonly #known: Known;
  readonly #workshop: Workshop;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #emit: (event: EngineEvent) => void;
  readonly #force: ReadonlySet<string>;
  readonly #random: Random | undefined;
  readonly #status = new Map<Instance, Status>();
  readonly #outcomes = new Map<Instance, Outcome>();
  readonly #running = new Map<Instance, Promise<void>>();
  /** Keys being made now: an equal instance waits and takes the result. */
  readonly #making = new Map<string, Promise<unknown>>();
  /** Keys made in this run: forcing does not make them again. */
  readonly #made = new Set<string>();
  /** Wanted results whose files have been read and found whole. */
  readonly #whole = new Set<Result>();
  #failed = false;
  #announced = '';

  constructor(
    known: Known,
    workshop: Workshop,
    options: RunOptions,
    signal: AbortSignal,
    emit: (event: EngineEvent) => void,
  ) {
    this.#known = known;
    this.#workshop = workshop;
    this.#options = options;
    this.#signal = signal;
    this.#emit = emit;
    this.#force = new Set(options.force);
    this.#random = options.seed === undefined ? undefined : random(options.seed);
  }

  /** Takes over what the plan found done. */
  begin(planned: readonly Planned[]): void {
    for (const { instance, state } of planned) {
      if (instance.template) continue;
      const result = this.#known.results.get(instance);
      const done = result && (state === 'fresh' || state === 'restored');
      this.#status.set(instance, done ? 'done' : 'pending');
    }
    this.#discover();
    for (const { instance, state } of planned) {
      const result = this.#known.results.get(instance);
      if (result && (state === 'fresh' || state === 'restored')) this.#settle(instance, state, result, '', 0);
    }
  }

  async finish(): Promise<void> {
    for (;;) {
      this.#discover();
      const ready = this.#stopped() ? [] : this.#ready();
      for (const instance of ready.slice(0, Math.max(0, this.#workshop.jobs - this.#running.size))) {
        this.#start(instance);
      }
      if (this.#running.size > 0) await Promise.race(this.#running.values());
      else if (ready.length === 0 && (this.#stopped() || !this.#checkWanted())) break;
    }
    const because = this.#signal.aborted ? 'interrupted' : 'stopped after a failure';
    for (const [instance, status] of this.#status) if (status === 'pending') this.#skip(instance, because);
  }

  outcomes(): Outcome[] {
    return [...this.#outcomes.values()].sort((a, b) => a.instance.index - b.instance.index);
  }

  #stopped(): boolean {
    return this.#signal.aborted || (this.#failed && !this.#options.keepGoing);
  }

  /** Adds instances of families that are known by now. */
  #discover(): void {
    const closed = (group: Group): Instance[] => (this.#known.members(group) ? [] : [group.template]);
    const queue = this.#known.graph.targets.flatMap((target) =>
      target.kind === 'instance'
        ? [target.instance]
        : [...this.#known.waitsForGroup(target.group), ...closed(target.group)],
    );
    const seen = new Set<Instance>();
    for (let instance = queue.pop(); instance; instance = queue.pop()) {
      if (seen.has(instance)) continue;
      seen.add(instance);
      if (!instance.template && !this.#status.has(instance)) this.#status.set(instance, 'pending');
      for (const source of instance.needs.values()) {
        queue.push(...this.#known.waitsFor(source), ...(source.kind === 'each' ? closed(source.group) : []));
      }
    }
    this.#announce([...seen]);
    this.#cutOff();
  }

  /** Says what there is to do, when that has changed. */
  #announce(seen: readonly Instance[]): void {
    const steps = new Map<string, { step: string; instances: number; open: boolean }>();
    for (const { step, template } of [...seen].sort((a, b) => a.index - b.index)) {
      const row = steps.get(step.name) ?? { step: step.name, instances: 0, open: false };
      steps.set(step.name, { ...row, instances: row.instances + (template ? 0 : 1), open: row.open || template });
    }
    const rows = [...steps.values()];
    if (JSON.stringify(rows) === this.#announced) return;
    this.#announced = JSON.stringify(rows);
    const instances = rows.reduce((sum, row) => sum + row.instances, 0);
    const fresh = seen.filter((instance) => this.#status.get(instance) === 'done').length;
    this.#emit({ type: 'planned', instances, fresh, steps: rows });
  }

  /** Skips what a failure has cut off. */
  #cutOff(): void {
    for (let again = true; again; ) {
      again = false;
      for (const [instance, status] of this.#status) {
        if (status !== 'pending') continue;
        const broken = this.#inputs(instance).find((of) => ['failed', 'skipped'].includes(this.#status.get(of)!));
        if (!broken) continue;
        this.#skip(
          instance,
          `needs ${nameOf(broken)}, which ${this.#status.get(broken) === 'failed' ? 'failed' : 'did not run'}`,
        );
        again = true;
      }
    }
  }

  #inputs(instance: Instance): Instance[] {
    return [...instance.needs.values()].flatMap((source) => this.#known.waitsFor(source));
  }

  #ready(): Instance[] {
    const ready = [...this.#status]
      .filter(
        ([instance, status]) =>
          status === 'pending' && this.#inputs(instance).every((of) => this.#status.get(of) === 'done'),
      )
      .map(([instance]) => instance)
      .sort((a, b) => a.index - b.index);
    return this.#random ? this.#random.shuffle(ready) : ready;
  }

  #start(instance: Instance): void {
    this.#status.set(instance, 'running');
    const work = this.#process(instance)
      .catch((cause: unknown) => this.#fail(instance, cause))
      .finally(() => this.#running.delete(instance));
    this.#running.set(instance, work);
  }

  async #process(instance: Instance): Promise<void> {
    const needs = this.#known.needHashes(instance);
    if (!needs) {
      this.#status.set(instance, 'pending');
      return;
    }
    const host: Host = {
      mode: 'run',
      signal: this.#signal,
      note: (text) => this.#emit({ type: 'note', id: instance.id, text }),
    };
    const judged = await ingredients(instance, needs, this.#workshop, host);
    if (judged instanceof UnknownUntilRun) {
      throw new Error(`the sources of step '${instance.step.name}' are unknown in a run: ${judged.reason}`);
    }
    while (this.#making.has(judged.key)) await this.#making.get(judged.key)?.catch(() => {});
    const verdict = judge(instance, judged, this.#workshop);
    const forced = this.#force.has(instance.step.name) && !this.#made.has(judged.key);
    if (verdict.state !== 'stale' && !forced) {
      this.#settle(instance, verdict.state, verdict.result, '', 0);
      return;
    }
    const because = forced ? 'forced' : verdict.state === 'stale' ? inShort(verdict.because) : '';
    const making = this.#make(instance, judged, because, forced);
    this.#making.set(judged.key, making);
    try {
      await making;
    } finally {
      this.#making.delete(judged.key);
    }
  }

  async #make(instance: Instance, judged: Judged, because: string, forced: boolean): Promise<void> {
    const started = performance.now();
    this.#emit({ type: 'started', id: instance.id, because });
    const result = await execute(instance, judged, this.#known, this.#workshop, {
      forced,
      signal: this.#signal,
      emit: this.#emit,
    });
    this.#made.add(judged.key);
    this.#settle(instance, 'ran', result, because, (performance.now() - started) / 1000);
  }

  #settle(instance: Instance, how: 'ran' | 'fresh' | 'restored', result: Result, because: string, seconds: number) {
    const before = this.#known.results.get(instance);
    this.#known.results.set(instance, result);
    this.#status.set(instance, 'done');
    if (how !== 'fresh') {
      const { fingerprint, seconds: took } = result.record;
      this.#workshop.store.records.writeLast(instance.id, { fingerprint, seconds: took });
    }
    const { diagnostics } = result.record;
    this.#outcomes.set(instance, { id: instance.id, instance, how, because, result, seconds, diagnostics });
    for (const diagnostic of diagnostics) this.#emit({ type: 'diagnostic', id: instance.id, diagnostic });
    this.#emit({ type: 'finished', id: instance.id, how, seconds });
    // Only what is made a second time, because it was damaged, can have been used already.
    if (before && before !== result) this.#recheck();
    else if (how === 'ran' && this.#usedOthers(instance)) this.#status.set(instance, 'pending');
    if (this.#workshop.values.holds) this.#release(instance);
  }

  #usedOthers(instance: Instance): boolean {
    const now = this.#known.needHashes(instance);
    const used = this.#known.results.get(instance)?.record.fingerprint.needs;
    return now !== undefined && canonicalJson(now) !== canonicalJson(used);
  }

  /** A result was made anew after others had used it: whoever used other contents is judged again. */
  #recheck(): void {
    for (const [instance, status] of this.#status) {
      if (status === 'done' && this.#usedOthers(instance)) this.#status.set(instance, 'pending');
    }
  }

  /** Values that nobody who is still to run can want are forgotten. */
  #release(settled: Instance): void {
    for (const source of settled.needs.values()) {
      if (source.kind === 'each' || this.#options.keep?.includes(source.handle.name)) continue;
      const wanted = [...this.#status].some(
        ([other, status]) => (status === 'pending' || status === 'running') && this.#inputs(other).includes(source.of),
      );
      const content = this.#known.content(source.of, source.output);
      if (!wanted && content && source.kind === 'output') this.#workshop.values.release(source.handle, content);
    }
  }

  #fail(instance: Instance, cause: unknown): void {
    if (cause instanceof LostContent) {
      this.#remake(cause.hash, instance);
      return;
    }
    if (this.#signal.aborted) {
      this.#skip(instance, 'interrupted');
      return;
    }
    this.#failed = true;
    const diagnostics = diagnosticsOf(instance, cause);
    this.#status.set(instance, 'failed');
    const { id } = instance;
    this.#outcomes.set(instance, { id, instance, how: 'failed', because: '', seconds: 0, diagnostics });
    this.#emit({ type: 'failed', id, diagnostics });
  }

  /** Whoever made a content that is lost makes it again, before the instance that wanted it goes on. */
  #remake(hash: string, wanting: Instance): void {
    this.#status.set(wanting, 'pending');
    for (const of of this.#inputs(wanting)) {
      const result = this.#known.results.get(of);
      if (!result || this.#status.get(of) !== 'done') continue;
      if (!Object.values(result.record.makes).every((made) => this.#workshop.store.has(made))) {
        this.#warnOfLoss(of, hash);
        this.#status.set(of, 'pending');
      }
    }
  }

  #warnOfLoss(of: Instance, hash: string): void {
    const diagnostic: Diagnostic = {
      code: 'cache/corrupt',
      severity: 'warning',
      message: `what ${nameOf(of)} made is damaged in the cache (${hash.slice(0, 12)}); it is made again`,
    };
    this.#emit({ type: 'diagnostic', id: of.id, diagnostic });
  }

  /** Reads the results that are wanted; true if one is damaged and has to be made again. */
  #checkWanted(): boolean {
    let damaged = false;
    for (const target of this.#known.graph.targets) {
      const instances = target.kind === 'instance' ? [target.instance] : (this.#known.members(target.group) ?? []);
      for (const instance of instances) {
        const result = this.#known.results.get(instance);
        if (!result || this.#status.get(instance) !== 'done' || this.#whole.has(result)) continue;
        this.#whole.add(result);
        if (this.#outcomes.get(instance)?.how === 'ran' || this.#workshop.intact(result)) continue;
        this.#warnOfLoss(instance, result.key);
        this.#status.set(instance, 'pending');
        damaged = true;
      }
    }
    return damaged;
  }

  #skip(instance: Instance, because: string): void {
    this.#status.set(instance, 'skipped');
    const { id } = instance;
    this.#outcomes.set(instance, { id, instance, how: 'skipped', because, seconds: 0, diagnostics: [] });
    this.#emit({ type: 'skipped', id, because });
  }
}

const nameOf = ({ step, id }: Instance): string => `${step.name} (${id.scope.join('/')})`;

function diagnosticsOf(instance: Instance, cause: unknown): readonly Diagnostic[] {
  if (cause instanceof FinnError) return cause.diagnostics;
  const told = cause instanceof Error ? cause : new Error(String(cause));
  return [error('internal/bug', `${nameOf(instance)} broke: ${told.message}`, { hint: told.stack })];
}

/** The first three reasons, and how many more there are. */
function inShort(because: readonly string[]): string {
  const more = because.length - 3;
  return because.slice(0, 3).join('; ') + (more > 0 ? `; and ${more} more` : '');
}
