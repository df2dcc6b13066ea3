import { Worker } from 'node:worker_threads';
import { talk } from './talk.ts';

/** What a worker is asked to do: a call of an entry point of an npm package, or of a file of ours. */
export interface Job {
  readonly program:
    | { readonly kind: 'wasm'; readonly package: string; readonly run: string }
    | { readonly kind: 'module'; readonly url: string };
  readonly args: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Names of the files to send back. */
  readonly outputs: readonly string[];
}

/** What came of it; `outputs` by file name, absent where there is no such file. */
export interface JobResult {
  readonly exit: number;
  readonly outputs: Readonly<Record<string, Uint8Array>>;
}

/** The job could not be run at all: `code` is Node's, such as ERR_MODULE_NOT_FOUND. */
export class WorkerFailure extends Error {
  readonly code: string | undefined;
  constructor(text: string, code: string | undefined) {
    super(text);
    this.name = 'WorkerFailure';
    this.code = code;
  }
}

type Message =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'broken'; readonly code?: string; readonly text: string }
  | ({ readonly type: 'done' } & JobResult);

interface Idle {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
}

/** Idle workers kept for each package, and how long: a warm one saves loading up to 60 MB of WebAssembly. */
const keep = 2;
const idleMilliseconds = 20_000;

/** Worker threads by package, kept warm between jobs. Idle ones do not hold the process. */
export class WorkerPool {
  readonly #idle = new Map<string, Idle[]>();

  /** Runs one job. Rejects with the signal's reason when it aborts, with WorkerFailure when the job cannot run. */
  async run(job: Job, signal: AbortSignal, onLine: (line: string) => void): Promise<JobResult> {
    signal.throwIfAborted();
    const key = job.program.kind === 'wasm' ? job.program.package : job.program.url;
    const worker = this.#take(key);
    try {
      const result = await exchange(worker, job, signal, onLine);
      this.#give(key, worker);
      return result;
    } catch (problem) {
      await worker.terminate();
      throw problem;
    }
  }

  /** Ends all idle workers. */
  async close(): Promise<void> {
    const idle = [...this.#idle.values()].flat();
    this.#idle.clear();
    await Promise.all(
      idle.map(({ worker, timer }) => {
        clearTimeout(timer);
        return worker.terminate();
      }),
    );
  }

  #take(key: string): Worker {
    const idle = this.#idle.get(key)?.pop();
    if (idle) {
      clearTimeout(idle.timer);
      idle.worker.ref();
      return idle.worker;
    }
    // Node's options of this process (loaders of tests, inspectors) are not for the worker: it is plain JavaScript.
    return new Worker(new URL('./worker.js', import.meta.url), { execArgv: [] });
  }

  #give(key: string, worker: Worker): void {
    const list = this.#idle.get(key) ?? [];
    this.#idle.set(key, list);
    if (list.length >= keep) {
      void worker.terminate();
      return;
    }
    worker.unref();
    const timer = setTimeout(() => {
      const at = list.findIndex((idle) => idle.worker === worker);
      if (at >= 0) list.splice(at, 1);
      void worker.terminate();
    }, idleMilliseconds);
    timer.unref();
    list.push({ worker, timer });
  }
}

async function exchange(
  worker: Worker,
  job: Job,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<JobResult> {
  try {
    return await talk(worker, job, signal, (message: Message) => {
      if (message.type === 'broken') throw new WorkerFailure(message.text, message.code);
      if (message.type === 'done') return { exit: message.exit, outputs: message.outputs };
      onLine(message.text);
      return undefined;
    });
  } catch (cause) {
    if (cause instanceof WorkerFailure || signal.aborted) throw cause;
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new WorkerFailure(message, code);
  }
}
