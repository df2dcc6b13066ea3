import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { cancel, isTransient, states } from './commands.ts';
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

/** Between two questions to squeue at the shortest, folders are looked at this many times: that costs the controller nothing. */
const looks = 4;
/** In ms: how long a controller that does not answer is asked again, how long finn waits for jobs to be gone, and between two looks. */
const farewell = { asking: 60_000, waiting: 5000, pause: 250 };

/** While nothing changes each pause is longer than the one before it: up to so many times the first, and so many seconds. */
const slower = { by: 1.5, most: 15, longest: 30 };

/** Asks squeue for all jobs at once, only while someone waits, and seldom while nothing happens. */
export class Queue {
  readonly #poll: number;
  readonly #jobs = new Set<number>();
  /** How many pauses of the shortest length the next one has. */
  #pause = 1;
  #answer: Answer = { round: 0, asked: new Set(), jobs: new Map() };
  #look: Promise<Answer> | undefined;
  #left = 0;
  #rest = new AbortController();
  #cancelling: { readonly ids: Set<number>; readonly done: Promise<string> } | undefined;

  /** `poll`: seconds between two questions, while something happens. */
  constructor(poll: number) {
    this.#poll = poll;
  }

  /** From now on squeue is asked for this job too. */
  enter(id: number): void {
    this.#jobs.add(id);
    this.hurry();
  }

  /** Someone has to know soon: a tool has failed, for one. */
  hurry(): void {
    this.#pause = 1;
    this.#left = Math.min(this.#left, looks - 1);
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
    const asked = new Set(this.#jobs);
    const jobs = asked.size === 0 ? new Map<number, QueuedJob>() : await states([...asked]);
    const round = this.#answer.round + 1;
    const { problem, jobs: before } = this.#answer;
    const same = typeof jobs === 'string' ? problem !== undefined : isDeepStrictEqual(jobs, before);
    const most = Math.max(1, Math.min(slower.most, slower.longest / this.#poll));
    this.#pause = same ? Math.min(this.#pause * slower.by, most) : 1;
    this.#left = Math.round(looks * this.#pause) - 1;
    this.#answer =
      typeof jobs === 'string' ? { round, asked: new Set(), jobs: new Map(), problem: jobs } : { round, asked, jobs };
    return this.#answer;
  }

  async #end(jobs: Set<number>): Promise<string> {
    await sleep(10);
    this.#cancelling = undefined;
    const ids = [...jobs];
    const asking = performance.now() + farewell.asking;
    let problem = await cancel(ids);
    for (let pause = farewell.pause; isTransient(problem) && performance.now() < asking; pause *= slower.by) {
      await sleep(pause);
      problem = await cancel(ids);
    }
    if (problem !== '') return problem;
    const until = performance.now() + farewell.waiting;
    // Their folders are removed next: nobody should write there any more.
    for (;;) {
      const seen = await states(ids);
      if (typeof seen === 'string' || [...seen.values()].every((job) => fateOf(job) !== 'live')) return '';
      if (performance.now() > until) return '';
      await sleep(farewell.pause);
    }
  }
}
