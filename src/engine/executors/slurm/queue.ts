import { setTimeout as sleep } from 'node:timers/promises';
import { cancel, states } from './commands.ts';
import { fateOf, type QueuedJob } from './states.ts';

/** What squeue said last. */
export interface Answer {
  /** Counts the questions: the same number means that nobody asked since. */
  readonly round: number;
  /** The jobs that were asked for. */
  readonly asked: ReadonlySet<number>;
  readonly jobs: ReadonlyMap<number, QueuedJob>;
  /** Why squeue did not answer, if it did not. */
  readonly problem?: string;
}

/** Between two questions to squeue, folders are looked at this many times: that costs the controller nothing. */
const looks = 4;
/** How long finn waits for jobs that it cancelled to be gone, and between two looks, in ms. */
const farewell = { longest: 5000, pause: 250 };

/** Asks squeue for all jobs at once, and only while someone waits. */
export class Queue {
  readonly #poll: number;
  readonly #jobs = new Set<number>();
  #answer: Answer = { round: 0, asked: new Set(), jobs: new Map() };
  #look: Promise<Answer> | undefined;
  #left = 0;
  #rest = new AbortController();
  #cancelling: { readonly ids: Set<number>; readonly done: Promise<string> } | undefined;

  /** `poll`: seconds between two questions. */
  constructor(poll: number) {
    this.#poll = poll;
  }

  /** From now on squeue is asked for this job too. */
  enter(id: number): void {
    this.#jobs.add(id);
  }

  leave(id: number): void {
    this.#jobs.delete(id);
    // Nobody waits any more: a timer would only hold the process.
    if (this.#jobs.size === 0) this.#rest.abort();
  }

  /** The next time to look at folders, and what squeue said last. */
  next(): Promise<Answer> {
    this.#look ??= this.#wait().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  /** Ends a job, and waits a little for it to be gone. The text is what scancel complained of, '' if of nothing. */
  cancel(id: number): Promise<string> {
    // Ctrl-C ends many at the same time: one scancel for all.
    if (!this.#cancelling) {
      const ids = new Set<number>();
      this.#cancelling = { ids, done: this.#end(ids) };
    }
    this.#cancelling.ids.add(id);
    return this.#cancelling.done;
  }

  async #wait(): Promise<Answer> {
    this.#rest = new AbortController();
    await sleep((this.#poll * 1000) / looks, undefined, { signal: this.#rest.signal }).catch(() => {});
    if (this.#left > 0) {
      this.#left -= 1;
      return this.#answer;
    }
    this.#left = looks - 1;
    const asked = new Set(this.#jobs);
    const jobs = asked.size === 0 ? new Map<number, QueuedJob>() : await states([...asked]);
    const round = this.#answer.round + 1;
    this.#answer =
      typeof jobs === 'string' ? { round, asked: new Set(), jobs: new Map(), problem: jobs } : { round, asked, jobs };
    return this.#answer;
  }

  async #end(jobs: Set<number>): Promise<string> {
    await sleep(10);
    this.#cancelling = undefined;
    const ids = [...jobs];
    const until = performance.now() + farewell.longest;
    let problem = await cancel(ids);
    while (problem !== '' && performance.now() < until) {
      await sleep(farewell.pause);
      problem = await cancel(ids);
    }
    if (problem !== '') return problem;
    // Their folders are removed next: nobody should write there any more.
    for (;;) {
      const seen = await states(ids);
      if (typeof seen === 'string' || [...seen.values()].every((job) => fateOf(job) !== 'live')) return '';
      if (performance.now() > until) return '';
      await sleep(farewell.pause);
    }
  }
}
