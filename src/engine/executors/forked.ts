import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a process of finn's own is told, and tells, is data that can be cloned. */
export interface ForkedOptions<Answer> {
  /** The module that runs in it and listens to its messages. */
  readonly module: URL;
  onAnswer(answer: Answer): void;
  /** It has ended: after `kill`, or by itself, which nothing but a defect or a lack of memory makes it do. */
  onEnd(): void;
}

/** A process of finn's own, kept warm for one order after the other. It is killed, and its tools with it, when this process ends. */
export class Forked<Order, Answer> {
  readonly #child: ChildProcess;
  readonly #onExit = (): void => void this.#child.kill('SIGKILL');
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;

  constructor({ module, onAnswer, onEnd }: ForkedOptions<Answer>) {
    // Nothing that it prints is meant for anybody who reads stdout.
    this.#child = fork(fileURLToPath(module), [], { serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] });
    this.#child.on('message', (answer) => onAnswer(answer as Answer));
    process.once('exit', this.#onExit);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        process.off('exit', this.#onExit);
        resolve();
        onEnd();
      };
      this.#child.once('exit', end);
      this.#child.once('error', () => {
        if (this.#child.pid === undefined) end();
      });
    });
  }

  send(order: Order): void {
    if (this.#child.connected) this.#child.send(order as object);
  }

  /** It hears of nothing more, and ends when it has done what is to be done then. */
  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
