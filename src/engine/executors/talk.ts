import type { Worker } from 'node:worker_threads';

/**
 * Sends a thread a message, and hears it until it has answered: `hear` is given every message, and returns the answer or throws what stands for one;
 * undefined is none yet. Rejects with what the thread broke by, where it ends without an answer, and with the signal's
 * reason when that aborts. The thread itself is left as it is.
 */
export async function talk<Message, Answer>(
  worker: Worker,
  message: unknown,
  signal: AbortSignal,
  hear: (message: Message) => Answer | undefined,
): Promise<Answer> {
  let stop = (): void => {};
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const onMessage = (heard: Message): void => {
        try {
          const answer = hear(heard);
          if (answer !== undefined) resolve(answer);
        } catch (cause) {
          reject(cause);
        }
      };
      const onExit = (code: number): void => reject(new Error(`the thread ended with ${code}`));
      const onAbort = (): void => reject(signal.reason);
      worker.on('message', onMessage);
      worker.on('error', reject);
      worker.on('exit', onExit);
      signal.addEventListener('abort', onAbort);
      stop = () => {
        worker.off('message', onMessage);
        worker.off('error', reject);
        worker.off('exit', onExit);
        signal.removeEventListener('abort', onAbort);
      };
      worker.postMessage(message);
    });
  } finally {
    stop();
  }
}
