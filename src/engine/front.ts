import type { Made } from './artifact.ts';
import type { Group, Instance } from './graph.ts';
import type { Known } from './known.ts';
import { Durations, longestWays } from './ranks.ts';

export type Status = 'pending' | 'running' | 'done' | 'failed' | 'skipped';

/**
 * The instances of a run and how far each is: who waits for whom, and who has all that it needs. Families that become
 * known add to them; until `discover` is called they are not seen, which `stale` says.
 */
export class Front {
  readonly #known: Known;
  /** Seconds that an instance took the last time, where that is known. */
  readonly #last: (instance: Instance) => number | undefined;
  readonly #status = new Map<Instance, Status>();
  readonly #ready = new Set<Instance>();
  /** How many of the inputs of an instance are not done. */
  readonly #lacking = new Map<Instance, number>();
  /** Who waits for an instance, once for each input. */
  #readers = new Map<Instance, Instance[]>();
  /** Seconds of the longest way from an instance to the end. */
  #ways = new Map<Instance, number>();
  readonly #durations = new Durations();
  #stale = true;

  constructor(known: Known, last: (instance: Instance) => number | undefined) {
    this.#known = known;
    this.#last = last;
  }

  /** Is there more than was seen, or is something to be done again? */
  get stale(): boolean {
    return this.#stale;
  }

  statusOf(instance: Instance): Status | undefined {
    return this.#status.get(instance);
  }

  /** All instances of this status, in the order in which they became known. */
  all(status: Status): Instance[] {
    return [...this.#status].flatMap(([instance, own]) => (own === status ? [instance] : []));
  }

  /** Takes an instance in: done, or to be done; `seconds` is how long it took the last time. */
  add(instance: Instance, status: 'pending' | 'done', seconds: number | undefined): void {
    this.#status.set(instance, status);
    if (seconds !== undefined) this.#durations.note(instance, seconds);
  }

  /** Finds all instances there are, those of families that became known among them; templates for what is not known. */
  discover(): ReadonlySet<Instance> {
    this.#stale = false;
    const closed = (group: Group): Instance[] => (this.#known.members(group) ? [] : [group.template]);
    const queue = this.#known.graph.targets.flatMap((target) =>
      target.kind === 'instance'
        ? [target.instance]
        : [...this.#known.waitsForGroup(target.group), ...closed(target.group)],
    );
    const seen = new Set<Instance>();
    this.#readers = new Map();
    for (let instance = queue.pop(); instance; instance = queue.pop()) {
      if (seen.has(instance)) continue;
      seen.add(instance);
      if (!instance.template && !this.#status.has(instance)) this.add(instance, 'pending', this.#last(instance));
      queue.push(...this.#link(instance));
      for (const source of instance.needs.values()) if (source.kind === 'each') queue.push(...closed(source.group));
    }
    this.#ways = longestWays(seen, this.#readers, (instance) =>
      this.#status.get(instance) === 'done' ? 0 : this.#durations.of(instance),
    );
    this.#ready.clear();
    for (const instance of this.all('pending')) if (this.#lacking.get(instance) === 0) this.#ready.add(instance);
    return seen;
  }

  /** Notes an instance as a reader of its inputs, and returns these. */
  #link(instance: Instance): Instance[] {
    const inputs = this.inputsOf(instance);
    if (instance.template) return inputs;
    let lacking = 0;
    for (const of of inputs) {
      const readers = this.#readers.get(of);
      if (readers) readers.push(instance);
      else this.#readers.set(of, [instance]);
      if (this.#status.get(of) !== 'done') lacking += 1;
    }
    this.#lacking.set(instance, lacking);
    return inputs;
  }

  inputsOf(instance: Instance): Instance[] {
    return [...instance.needs.values()].flatMap((source) => this.#known.waitsFor(source));
  }

  readersOf(instance: Instance): readonly Instance[] {
    return this.#readers.get(instance) ?? [];
  }

  /** Does somebody beside `but` who is still to run read what this instance makes? */
  isAwaited(instance: Instance, but: Instance): boolean {
    return this.readersOf(instance).some(
      (reader) => reader !== but && ['pending', 'running'].includes(this.#status.get(reader) ?? 'pending'),
    );
  }

  /** Seconds of the longest way from the start of an instance to the end of the build. */
  rank(instance: Instance): number {
    return this.#ways.get(instance) ?? 0;
  }

  /** What has all that it needs and was not taken yet, the longest way first. */
  takeReady(): Instance[] {
    const ready = [...this.#ready].sort((a, b) => this.rank(b) - this.rank(a) || a.index - b.index);
    this.#ready.clear();
    return ready;
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  set(instance: Instance, status: Exclude<Status, 'done'>): void {
    this.#status.set(instance, status);
  }

  /** An instance is judged again, with what is known then. */
  reopen(instance: Instance): void {
    this.#status.set(instance, 'pending');
    this.#stale = true;
  }

  /** An instance is done: its readers may have all they need by that. */
  finish(instance: Instance): void {
    const again = this.#status.get(instance) === 'done';
    this.#status.set(instance, 'done');
    if (again) return;
    const makes = Object.values(instance.step.makes as Record<string, Made>);
    if (makes.some(({ kind }) => kind === 'family')) this.#stale = true;
    for (const reader of this.readersOf(instance)) {
      const lacking = this.#lacking.get(reader)! - 1;
      this.#lacking.set(reader, lacking);
      if (lacking === 0 && this.#status.get(reader) === 'pending') this.#ready.add(reader);
    }
  }
}
