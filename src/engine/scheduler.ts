import { type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import { canonicalJson } from '../util/hash.ts';
import { type Random, random } from '../util/random.ts';
import type { Display, EngineEvent, InstanceId } from './events.ts';
import { execute, type Workshop } from './execute.ts';
import { Front } from './front.ts';
import type { Instance } from './graph.ts';
import { ingredients, type Judged, judge } from './judge.ts';
import type { Known, Result } from './known.ts';
import type { Planned } from './plan.ts';
import { Rooms } from './rooms.ts';
import { type Host, UnknownUntilRun } from './step.ts';
import { LostContent } from './values.ts';

export interface RunOptions {
  readonly display?: Display | undefined;
  /** Ends what runs; nothing new starts. */
  readonly signal?: AbortSignal | undefined;
  /** Names of steps that run, tools included, whatever the cache has. */
  readonly force?: readonly string[] | undefined;
  /** After a failure, go on with all that does not depend on it. Else nothing new starts. */
  readonly keepGoing?: boolean | undefined;
  /**
   * What failed, by key: what is in it is not tried again but fails with the same diagnostics, and what fails is put
   * into it. A build that is not given one remembers no failures.
   */
  readonly failures?: Map<string, readonly Diagnostic[]> | undefined;
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

/**
 * Starts instances as what they need gets done, and notes what became of them. An instance is judged as soon as it is
 * ready; what has to run then waits for its turn.
 */
export class Scheduler {
  readonly #known: Known;
  readonly #workshop: Workshop;
  readonly #options: RunOptions;
  readonly #signal: AbortSignal;
  readonly #emit: (event: EngineEvent) => void;
  readonly #force: ReadonlySet<string>;
  readonly #random: Random | undefined;
  readonly #front: Front;
  readonly #outcomes = new Map<Instance, Outcome>();
  /** Instances that are judged or run. */
  #busy = 0;
  #wake = (): void => {};
  readonly #rooms: Rooms;
  /** Keys being made now: an equal instance waits and takes the result. */
  readonly #making = new Map<string, Promise<unknown>>();
  /** Keys made in this run: forcing does not make them again. */
  readonly #made = new Set<string>();
  /** What the plan has read already, until it is needed. */
  readonly #judged = new Map<Instance, Judged>();
  /** Keys of what was judged and not done yet. */
  readonly #keys = new Map<Instance, string>();
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
    this.#front = new Front(known, ({ id }) => workshop.store.records.readLast(id)?.seconds);
    this.#workshop = workshop;
    this.#options = options;
    this.#signal = signal;
    this.#emit = emit;
    this.#force = new Set(options.force);
    this.#random = options.seed === undefined ? undefined : random(options.seed);
    this.#rooms = new Rooms(workshop.executor, { threads: workshop.jobs, memory: workshop.memory });
  }

  /** Takes over what the plan found done. */
  begin(planned: readonly Planned[]): void {
    for (const { instance, state, seconds, judged } of planned) {
      if (instance.template) continue;
      if (judged) this.#judged.set(instance, judged);
      const result = this.#known.results.get(instance);
      const done = result && (state === 'fresh' || state === 'restored');
      this.#front.add(instance, done ? 'done' : 'pending', seconds);
    }
    this.#discover();
    for (const { instance, state } of planned) {
      const result = this.#known.results.get(instance);
      if (result && (state === 'fresh' || state === 'restored')) this.#settle(instance, state, result, '', 0);
    }
  }

  async finish(): Promise<void> {
    const close = (): void => this.#close();
    this.#signal.addEventListener('abort', close);
    if (this.#signal.aborted) this.#close();
    for (;;) {
      if (this.#front.stale) this.#discover();
      if (!this.#stopped()) for (const instance of this.#takeReady()) this.#start(instance);
      if (this.#busy > 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (this.#stopped() || (!this.#front.stale && !this.#front.hasReady && !this.#checkWanted())) break;
    }
    this.#signal.removeEventListener('abort', close);
    const because = this.#signal.aborted ? 'interrupted' : 'stopped after a failure';
    for (const instance of this.#front.all('pending')) this.#skip(instance, because);
  }

  outcomes(): Outcome[] {
    return [...this.#outcomes.values()].sort((a, b) => a.instance.index - b.instance.index);
  }

  #stopped(): boolean {
    return this.#signal.aborted || (this.#failed && !this.#options.keepGoing);
  }

  /** Nothing new begins. */
  #close(): void {
    this.#rooms.close('stopped');
  }

  #discover(): void {
    this.#announce([...this.#front.discover()]);
    for (const instance of [...this.#front.all('failed'), ...this.#front.all('skipped')]) this.#cutOff(instance);
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
    const fresh = seen.filter((instance) => this.#front.statusOf(instance) === 'done').length;
    this.#emit({ type: 'planned', instances, fresh, steps: rows });
  }

  /** Skips what waits, however far behind, for an instance that failed or was skipped. */
  #cutOff(broken: Instance): void {
    const open = [broken];
    for (let of = open.pop(); of; of = open.pop()) {
      const why = this.#front.statusOf(of) === 'failed' ? 'failed' : 'did not run';
      for (const reader of this.#front.readersOf(of)) {
        if (this.#front.statusOf(reader) !== 'pending') continue;
        this.#skip(reader, `needs ${nameOf(of)}, which ${why}`);
        open.push(reader);
      }
    }
  }

  #takeReady(): Instance[] {
    const ready = this.#front.takeReady();
    return this.#random ? this.#random.shuffle(ready) : ready;
  }

  #start(instance: Instance): void {
    this.#front.set(instance, 'running');
    this.#busy += 1;
    void this.#process(instance)
      .catch((cause: unknown) => this.#fail(instance, cause))
      .finally(() => {
        this.#busy -= 1;
        this.#wake();
      });
  }

  async #process(instance: Instance): Promise<void> {
    const needs = this.#known.needHashes(instance);
    if (!needs) {
      this.#front.reopen(instance);
      return;
    }
    const { step } = instance;
    const { remote } = this.#workshop;
    const host: Host = {
      mode: 'run',
      signal: this.#signal,
      note: (text) => this.#emit({ type: 'note', id: instance.id, text }),
      read: (path) => this.#workshop.readings.read(path),
    };
    const judged = this.#judged.get(instance) ?? (await ingredients(instance, needs, this.#workshop, host));
    this.#judged.delete(instance);
    if (judged instanceof UnknownUntilRun) {
      throw new Error(`the sources of step '${step.name}' are unknown in a run: ${judged.reason}`);
    }
    const { key } = judged;
    this.#keys.set(instance, key);
    while (this.#making.has(key)) await this.#making.get(key)?.catch(() => {});
    const forced = this.#force.has(step.name) && !this.#made.has(key);
    const making = (async (): Promise<void> => {
      let verdict = judge(instance, judged, this.#workshop);
      if (verdict.state === 'stale' && !forced && remote && (await remote.pullStep(step.name, key)))
        verdict = judge(instance, judged, this.#workshop);
      if (verdict.state !== 'stale' && !forced) {
        this.#settle(instance, verdict.state, verdict.result, '', 0);
        return;
      }
      const because = forced ? 'forced' : verdict.state === 'stale' ? inShort(verdict.because) : '';
      const before = this.#options.failures?.get(key);
      if (before) throw new FinnError(...before);
      const rank = this.#random ? this.#random.float() : this.#front.rank(instance);
      const began = await this.#turn(instance, rank, () => this.#make(instance, judged, because, forced));
      if (!began) this.#front.set(instance, 'pending');
    })();
    this.#making.set(key, making);
    try {
      await making;
    } finally {
      this.#making.delete(key);
    }
  }

  /** Runs the task when its turn has come; false where it does not come any more. */
  async #turn({ step, scope }: Instance, rank: number, task: () => Promise<void>): Promise<boolean> {
    let began = false;
    const begin = (): Promise<void> => {
      began = true;
      return task();
    };
    try {
      await this.#rooms.run(step.name, step.cost?.(scope.settings), begin, { rank });
    } catch (cause) {
      if (began) throw cause;
    }
    return began;
  }

  async #make(instance: Instance, judged: Judged, because: string, forced: boolean): Promise<void> {
    const started = performance.now();
    this.#emit({ type: 'started', id: instance.id, because });
    const result = await execute(instance, judged, this.#known, this.#workshop, {
      forced,
      signal: this.#signal,
      timeLimit: this.#workshop.timeLimit?.(instance.step.name),
      emit: this.#emit,
    });
    this.#made.add(judged.key);
    this.#options.failures?.delete(judged.key);
    this.#workshop.remote?.pushStep(instance.step.name, judged.key);
    this.#settle(instance, 'ran', result, because, (performance.now() - started) / 1000);
  }

  #settle(instance: Instance, how: 'ran' | 'fresh' | 'restored', result: Result, because: string, seconds: number) {
    const before = this.#known.results.get(instance);
    this.#known.results.set(instance, result);
    this.#front.finish(instance);
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
    else if (how === 'ran' && this.#usedOthers(instance)) this.#front.reopen(instance);
    if (this.#workshop.values.holds || this.#workshop.aside?.holds) this.#release(instance);
  }

  #usedOthers(instance: Instance): boolean {
    const now = this.#known.needHashes(instance);
    const used = this.#known.results.get(instance)?.record.fingerprint.needs;
    return now !== undefined && canonicalJson(now) !== canonicalJson(used);
  }

  /** A result was made anew after others had used it: whoever used other contents is judged again. */
  #recheck(): void {
    for (const instance of this.#front.all('done')) if (this.#usedOthers(instance)) this.#front.reopen(instance);
  }

  /** Values that nobody who is still to run can want are forgotten. */
  #release(settled: Instance): void {
    for (const source of settled.needs.values()) {
      if (source.kind === 'each') continue;
      const wanted = this.#front.isAwaited(source.of, settled);
      const content = this.#known.content(source.of, source.output);
      if (wanted || !content || source.kind !== 'output') continue;
      this.#workshop.values.release(source.handle, content);
      this.#workshop.aside?.release(source.handle, content);
    }
  }

  #fail(instance: Instance, cause: unknown): void {
    if (cause instanceof LostContent) {
      this.#remake(cause.hash, instance);
      return;
    }
    if (this.#signal.aborted) {
      this.#skip(instance, 'interrupted');
      this.#cutOff(instance);
      return;
    }
    this.#failed = true;
    const diagnostics = diagnosticsOf(instance, cause);
    const key = this.#keys.get(instance);
    if (key !== undefined) this.#options.failures?.set(key, diagnostics);
    this.#front.set(instance, 'failed');
    const { id } = instance;
    this.#outcomes.set(instance, { id, instance, how: 'failed', because: '', seconds: 0, diagnostics });
    this.#emit({ type: 'failed', id, diagnostics });
    this.#cutOff(instance);
    if (this.#stopped()) this.#close();
  }

  /** Whoever made a content that is lost makes it again, before the instance that wanted it goes on. */
  #remake(hash: string, wanting: Instance): void {
    this.#front.reopen(wanting);
    for (const of of this.#front.inputsOf(wanting)) {
      const result = this.#known.results.get(of);
      if (!result || this.#front.statusOf(of) !== 'done') continue;
      if (!Object.values(result.record.makes).every((made) => this.#workshop.store.has(made))) {
        this.#warnOfLoss(of, hash);
        this.#front.reopen(of);
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
        if (!result || this.#front.statusOf(instance) !== 'done' || this.#whole.has(result)) continue;
        this.#whole.add(result);
        if (this.#outcomes.get(instance)?.how === 'ran' || this.#workshop.intact(result)) continue;
        this.#warnOfLoss(instance, result.key);
        this.#front.reopen(instance);
        damaged = true;
      }
    }
    return damaged;
  }

  #skip(instance: Instance, because: string): void {
    this.#front.set(instance, 'skipped');
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
