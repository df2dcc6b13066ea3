import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { Forked } from '../engine/executors/forked.ts';
import type { BuildOptions } from './build.ts';
import type { Answer, Failure, Order } from './watch-builder.ts';

/** What a build came to. */
export interface Ended {
  readonly ok: boolean;
  /** As of `finn build`. */
  readonly status: number;
  readonly seconds: number;
  /** What was wrong before anything ran. */
  readonly refused: readonly Diagnostic[];
}

/** What a build prints. */
export type Hear = (stream: 'out' | 'err', line: string) => void;

/** Milliseconds in which a build has to end its tools and say so; then its process is killed, and they with it. */
const GRACE = 1000;

/**
 * Builds in a process of its own, so that what computes for seconds without pause neither holds up whoever watches nor
 * can refuse to be ended. The process stays warm from one build to the next; one that is killed leaves nothing that a
 * later build would mind.
 */
export class Builds {
  #process: Forked<Order, Answer> | undefined;
  #failures: readonly Failure[] = [];
  #building = false;
  #answer: (answer: Answer) => void = () => {};

  /** Does it build nothing? */
  get idle(): boolean {
    return !this.#building;
  }

  /** Starts the process, for the first build to find it warm. */
  warm(): void {
    this.#start();
  }

  /** Builds as `finn build` would. Resolves when all that the build has started has ended. */
  async build(recipe: string, options: BuildOptions, color: boolean, signal: AbortSignal, hear: Hear): Promise<Ended> {
    const started = performance.now();
    this.#building = true;
    const forked = this.#process ?? this.#start();
    let grace: NodeJS.Timeout | undefined;
    const stop = (): void => {
      forked.send({ type: 'stop' });
      grace = setTimeout(() => forked.kill(), GRACE);
    };
    const answered = new Promise<Extract<Answer, { type: 'ended' }>>((resolve) => {
      this.#answer = (answer) => (answer.type === 'ended' ? resolve(answer) : hear(answer.type, answer.line));
    });
    forked.send({ type: 'build', recipe, options, color, failures: this.#failures });
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const ended = await Promise.race([answered, forked.ended]);
    this.#building = false;
    clearTimeout(grace);
    signal.removeEventListener('abort', stop);
    this.#answer = () => {};
    const seconds = (performance.now() - started) / 1000;
    if (!ended) {
      const lost = error('internal/bug', 'the process that builds ended without a word', {
        hint: 'is the machine out of memory? a change, or a save, tries again',
      });
      return { ok: false, status: 1, seconds, refused: signal.aborted ? [] : [lost] };
    }
    this.#failures = ended.failures;
    const defect = ended.defect === undefined ? [] : [error('internal/bug', 'the build broke', { hint: ended.defect })];
    return { ok: ended.status === 0, status: ended.status, seconds, refused: [...ended.refused, ...defect] };
  }

  /** Ends the process. No build may be running. */
  async close(): Promise<void> {
    const forked = this.#process;
    this.#process = undefined;
    if (!forked) return;
    forked.end();
    const grace = setTimeout(() => forked.kill(), GRACE);
    await forked.ended;
    clearTimeout(grace);
  }

  #start(): Forked<Order, Answer> {
    const forked: Forked<Order, Answer> = new Forked({
      module: new URL(`./watch-builder${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
      onAnswer: (answer) => this.#answer(answer),
      onEnd: () => {
        if (this.#process === forked) this.#process = undefined;
      },
    });
    this.#process = forked;
    return forked;
  }
}
