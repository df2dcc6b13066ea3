import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { bug } from '../../diagnostics/diagnostic.ts';
import { contentHash } from '../../util/hash.ts';
import type { Stored } from '../content.ts';
import type { Invocation } from '../invocation.ts';
import { make } from '../make.ts';
import type { AnyStep, Context } from '../step.ts';
import { ValueCache } from '../values.ts';
import { alone, problemOf, type StepNews, type StepOrder, sent, thrown } from './step-messages.ts';

/** What a thread is started with: the module that it begins with, and what that makes the steps of. */
export interface ThreadData<D = unknown> {
  readonly module: string;
  readonly data: D;
}

/** In a thread of StepThreads: runs steps as it is told to, one after the other. `stepsOf` makes them of the thread's data. */
export function runSteps<D>(stepsOf: (data: D) => readonly AnyStep[]): void {
  const port = parentPort ?? bug('this is no thread');
  const { data } = workerData as ThreadData<D>;
  const work = new Work(port, () => stepsOf(data));
  port.on('message', (order: StepOrder) => work.take(order));
}

interface Waiting {
  resolve(outputs: Readonly<Record<string, Uint8Array>>): void;
  reject(cause: Error): void;
}

class Work {
  readonly #port: MessagePort;
  readonly #stepsOf: () => readonly AnyStep[];
  #steps: ReadonlyMap<string, AnyStep> | undefined;
  /** Contents of the step at work: what it was given, and what it made. */
  #given: ReadonlyMap<string, Uint8Array> = new Map();
  #made = new Map<string, Uint8Array>();
  readonly #values = new ValueCache({
    read: ([object]) => this.#given.get(object),
    write: (bytes) => this.#keep(bytes),
    writeLater: async (bytes) => this.#keep(bytes),
  });
  readonly #calls = new Map<number, Waiting>();
  #ids = 0;

  constructor(port: MessagePort, stepsOf: () => readonly AnyStep[]) {
    this.#port = port;
    this.#stepsOf = stepsOf;
  }

  #keep(bytes: Uint8Array): Stored {
    const object = contentHash(bytes);
    this.#made.set(object, bytes);
    return [object, bytes.length];
  }

  take(order: StepOrder): void {
    switch (order.type) {
      case 'make':
        void this.#make(order).then((news) => this.#tell(news));
        break;
      case 'called':
        this.#answered(order.id).resolve(order.outputs);
        break;
      case 'refused':
        this.#answered(order.id).reject(thrown(order.problem));
        break;
      case 'release':
        if (order.names) for (const name of order.names) this.#values.drop(name);
        else this.#values.clear();
        break;
    }
  }

  async #make({ step: name, inputs, objects, config, sources }: Extract<StepOrder, { type: 'make' }>) {
    this.#given = objects;
    this.#made = new Map();
    const context: Context<unknown> = {
      config,
      sources,
      // An interrupt ends the thread.
      signal: new AbortController().signal,
      call: (invocation) => this.#call(invocation) as never,
      note: (text) => this.#tell({ type: 'note', text }),
      report: (diagnostic) => this.#tell({ type: 'report', diagnostic }),
    };
    try {
      // Only now: what goes wrong in making the steps is told like all else.
      this.#steps ??= new Map(this.#stepsOf().map((step) => [step.name, step]));
      const step = this.#steps.get(name) ?? bug(`there is no step '${name}' in the thread`);
      const makes = await make(step, inputs, context, this.#values);
      return { type: 'made', makes, objects: [...this.#made.values()].map(alone) } satisfies StepNews;
    } catch (cause) {
      return { type: 'broken', problem: problemOf(cause) } satisfies StepNews;
    } finally {
      this.#given = new Map();
      this.#made = new Map();
    }
  }

  #call(invocation: Invocation): Promise<Readonly<Record<string, Uint8Array>>> {
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#tell({ type: 'call', id, invocation: sent(invocation) });
    });
  }

  #answered(id: number): Waiting {
    const waiting = this.#calls.get(id) ?? bug(`call ${id} was not made`);
    this.#calls.delete(id);
    return waiting;
  }

  #tell(news: StepNews): void {
    this.#port.postMessage(news);
  }
}
