import { Worker } from 'node:worker_threads';
import type { Artifact, Made } from '../artifact.ts';
import type { Aside } from '../aside.ts';
import type { Content, TreeContent } from '../content.ts';
import { type StoredInputs, storedArtifacts } from '../make.ts';
import type { Objects } from '../objects.ts';
import type { AnyStep, Context } from '../step.ts';
import { storeAll } from '../trees.ts';
import { LostContent, valueName, valueNames } from '../values.ts';
import { alone, problemOf, received, type StepNews, type StepOrder, thrown } from './step-messages.ts';
import type { ThreadData } from './step-thread.ts';
import { talk } from './talk.ts';

export interface StepThreadsOptions {
  /** The module that threads begin with: it calls `runSteps`. */
  readonly module: URL;
  /** What that makes the steps of: data that can be cloned. */
  readonly data: unknown;
  /** Whatever they read: nobody knows how long they take. */
  readonly always?: boolean;
}

/** A thread takes some 0.2 s of processor time to load finn: what took less, or where nothing is known reads less, is done sooner here. */
const worthwhile = { seconds: 1, bytes: 8e6 };

/** How long an idle thread is kept: a warm one saves loading finn, and reading again what it has read or made. */
const idleMilliseconds = 20_000;

/**
 * Steps in threads of their own, one step in a thread at a time. Threads have no part in the store: they are sent the contents
 * of files, and send those of what they made. Idle ones do not hold the process.
 */
export class StepThreads implements Aside {
  readonly #options: StepThreadsOptions;
  readonly #threads = new Set<Thread>();
  /** Of those the ones that run nothing, the last used one last. */
  readonly #idle: Thread[] = [];

  constructor(options: StepThreadsOptions) {
    this.#options = options;
  }

  isWorth(bytes: number, seconds: number | undefined): boolean {
    // One that is there need not be loaded.
    if (this.#options.always || this.#idle.length > 0) return true;
    return seconds === undefined ? bytes >= worthwhile.bytes : seconds >= worthwhile.seconds;
  }

  get holds(): boolean {
    return this.#threads.size > 0;
  }

  async make(
    step: AnyStep,
    inputs: StoredInputs,
    context: Context<unknown>,
    objects: Objects,
  ): Promise<Record<string, Content>> {
    context.signal.throwIfAborted();
    const needs = storedArtifacts(step, inputs);
    const thread = this.#take(needs);
    const news = await this.#exchange(thread, step, inputs, needs, context, objects);
    for (const [artifact, tree] of needs) thread.holds.add(valueName(artifact, tree));
    for (const [name, handle] of Object.entries(step.makes as Record<string, Made>))
      for (const value of valueNames(handle, news.makes[name]!)) thread.holds.add(value);
    this.#idle.push(thread);
    thread.rest(() => this.#end(thread));
    await storeAll(objects, news.objects);
    return { ...news.makes };
  }

  release(handle: Made, content: Content): void {
    const names = valueNames(handle, content);
    for (const thread of this.#threads) thread.release(names.filter((name) => thread.holds.has(name)));
  }

  clear(): void {
    for (const thread of this.#idle) thread.release(undefined);
  }

  /** Ends the idle threads. */
  async close(): Promise<void> {
    await Promise.all([...this.#idle].map((thread) => this.#end(thread)));
  }

  async #exchange(
    thread: Thread,
    step: AnyStep,
    inputs: StoredInputs,
    needs: Needs,
    context: Context<unknown>,
    objects: Objects,
  ): Promise<MadeNews> {
    try {
      return await exchange(thread, step, inputs, contentsFor(thread, needs, objects), context);
    } catch (cause) {
      // What it holds is not known, and something of the step may still be at work in it.
      await this.#end(thread);
      throw cause;
    }
  }

  /** The idle thread that holds most of what is needed, or a new one. */
  #take(needs: Needs): Thread {
    const heldBy = ({ holds }: Thread): number =>
      needs.reduce((sum, [artifact, tree]) => sum + (holds.has(valueName(artifact, tree)) ? 1 : 0), 0);
    let best: Thread | undefined;
    for (const idle of this.#idle) if (!best || heldBy(idle) >= heldBy(best)) best = idle;
    if (best) {
      this.#idle.splice(this.#idle.indexOf(best), 1);
      best.begin();
      return best;
    }
    const thread = new Thread(this.#options);
    this.#threads.add(thread);
    return thread;
  }

  async #end(thread: Thread): Promise<void> {
    this.#threads.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) this.#idle.splice(at, 1);
    await thread.end();
  }
}

/** All that a step reads. */
type Needs = readonly (readonly [Artifact<unknown>, TreeContent])[];
type MadeNews = Extract<StepNews, { type: 'made' }>;

/** A thread, and what it has in memory. */
class Thread {
  readonly worker: Worker;
  /** Names of values. */
  readonly holds = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ module, data }: StepThreadsOptions) {
    const workerData: ThreadData = { module: module.href, data };
    // Node's options of this process (loaders of tests, inspectors) are not for the thread: it sees to itself.
    this.worker = new Worker(new URL('./thread.js', import.meta.url), { execArgv: [], workerData });
    // Who runs a step in it hears of it; without a listener it would end the process.
    this.worker.on('error', () => {});
  }

  send(order: StepOrder): void {
    this.worker.postMessage(order);
  }

  /** Forgets these values; all if it is not said which. */
  release(names: readonly string[] | undefined): void {
    if (names === undefined ? this.holds.size === 0 : names.length === 0) return;
    if (names === undefined) this.holds.clear();
    else for (const name of names) this.holds.delete(name);
    this.send({ type: 'release', names });
  }

  begin(): void {
    clearTimeout(this.#timer);
    this.worker.ref();
  }

  /** It has nothing to do; calls back where that stays so. */
  rest(onIdle: () => void): void {
    this.worker.unref();
    this.#timer = setTimeout(onIdle, idleMilliseconds);
    this.#timer.unref();
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.worker.terminate();
  }
}

/** The contents of what a thread lacks, by hash. Throws LostContent. */
function contentsFor({ holds }: Thread, needs: Needs, objects: Objects): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (const [artifact, tree] of needs) {
    if (holds.has(valueName(artifact, tree))) continue;
    for (const stored of Object.values(tree.files)) {
      const bytes = objects.read(stored);
      if (!bytes) throw new LostContent(tree.hash);
      contents.set(stored[0], alone(bytes));
    }
  }
  return contents;
}

/** Runs one step in the thread. When the signal aborts the thread is ended, and so are the calls that it made. */
async function exchange(
  thread: Thread,
  step: AnyStep,
  inputs: StoredInputs,
  objects: ReadonlyMap<string, Uint8Array>,
  context: Context<unknown>,
): Promise<MadeNews> {
  const { config, sources, signal } = context;
  const calls = new Set<Promise<void>>();
  let over = false;
  const call = async ({ id, invocation }: Extract<StepNews, { type: 'call' }>): Promise<void> => {
    try {
      const outputs = await context.call(received(invocation));
      if (!over) thread.send({ type: 'called', id, outputs });
    } catch (cause) {
      if (!over) thread.send({ type: 'refused', id, problem: problemOf(cause) });
    }
  };
  const hear = (news: StepNews): MadeNews | undefined => {
    switch (news.type) {
      case 'note':
        context.note(news.text);
        return undefined;
      case 'report':
        context.report(news.diagnostic);
        return undefined;
      case 'call': {
        const running = call(news).finally(() => calls.delete(running));
        calls.add(running);
        return undefined;
      }
      case 'made':
        return news;
      case 'broken':
        throw thrown(news.problem);
    }
  };
  const order: StepOrder = { type: 'make', step: step.name, inputs, objects, config, sources };
  try {
    return await talk(thread.worker, order, signal, hear);
  } catch (cause) {
    over = true;
    if (signal.aborted) await Promise.all([thread.end(), ...calls]);
    throw cause;
  } finally {
    over = true;
  }
}
