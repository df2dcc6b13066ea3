import { shown } from './commands.ts';
import type { JobFolder, Run, RunEnd } from './folder.ts';
import type { Queue } from './queue.ts';
import { fateOf, mayNeverStart, type QueuedJob, stateLine } from './states.ts';
import { Tail } from './tail.ts';

/** How a job ended. `lines` is its tool's log so far. */
export type End = { readonly lines: readonly string[]; readonly nodes: string } & (
  | ({ readonly what: 'done'; readonly run: Run } & RunEnd)
  | { readonly what: 'lost' | 'time' | 'memory' | 'cancelled' | 'silent'; readonly job: QueuedJob }
);

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly queue: Queue;
  /** Seconds that a file may need to be seen here, and Slurm to agree that a job has ended. */
  readonly grace: number;
  /** The log's lines, as they come. */
  onLine(line: string): void;
  /** What there is to tell of the job. */
  note(text: string): void;
}

/**
 * Waits for a job to end. An exit status of 0 is believed at once, and a tool that reached its limit. With another, Slurm is heard first: a tool that was
 * killed with its job, or whose child was, may have lived long enough to leave one. FinnError 'cache/lost' where its folder is
 * removed; the signal's reason when that aborts (the job goes on).
 */
export async function watch(id: number, folder: JobFolder, options: WatchOptions): Promise<End> {
  const { signal, queue, grace, onLine, note } = options;
  const aborted = abortion(signal);
  const follower = new Follower(folder, onLine);
  let round = -1;
  let said = '';
  let outage = false;
  let nodes = '';
  /** When something was first seen that should be over soon. */
  let since: number | undefined;
  const patient = (): boolean => {
    since ??= performance.now();
    return performance.now() - since < grace * 1000;
  };
  const done = (run: Run, ended: RunEnd): End => {
    follower.look(run);
    follower.end();
    return { what: 'done', run, ...ended, lines: follower.lines, nodes };
  };
  queue.enter(id);
  try {
    for (;;) {
      const run = folder.newestRun(id);
      follower.look(run);
      if (run?.ended && isSure(run.ended)) return done(run, run.ended);
      // Slurm has to say why, or to agree.
      if (run?.ended || since !== undefined) queue.hurry();
      const answer = await Promise.race([queue.next(), aborted.promise]);
      signal.throwIfAborted();
      if (answer.round === round) continue;
      round = answer.round;
      if (answer.problem !== undefined) {
        if (!outage) note(`slurm: squeue does not answer, it is asked again: ${answer.problem}`);
        outage = true;
        if (run?.ended && !patient()) return done(run, run.ended);
        continue;
      }
      if (outage) note('slurm: squeue answers again');
      outage = false;
      if (!answer.asked.has(id)) continue;
      const job = answer.jobs.get(id) ?? (await shown(id)) ?? { id, state: 'FORGOTTEN', nodes: '', reason: '' };
      nodes = job.nodes === '' ? nodes : job.nodes;
      const line = stateLine(job);
      if (line !== said) note(line);
      if (line !== said && mayNeverStart(job)) note(`slurm: ${job.reason} may keep job ${id} waiting for ever`);
      said = line;
      // The run may have ended since it was looked at.
      const last = folder.newestRun(id);
      if (last?.ended && isSure(last.ended)) continue;
      const fate = fateOf(job);
      if (job.state === 'FORGOTTEN') {
        if (last?.ended) return done(last, last.ended);
        if (!patient()) return { what: 'lost', job, lines: follower.lines, nodes };
      } else if (fate === 'live') {
        if (!last?.ended) since = undefined;
        else if (!patient()) return done(last, last.ended);
      } else if (fate === 'ended') {
        if (last?.ended) return done(last, last.ended);
        // Slurm refuses to start a job anew within the second in which it was ended, and calls that a failure of its script.
        const what = last?.told ? 'lost' : 'silent';
        if (!patient()) return { what, job, lines: follower.lines, nodes };
      } else {
        follower.end();
        return { what: fate, job, lines: follower.lines, nodes };
      }
    }
  } finally {
    queue.leave(id);
    aborted.stop();
  }
}

/** Whoever else ended it would have left another status. */
const isSure = ({ exit, limit }: RunEnd): boolean => exit === 0 || limit !== undefined;

/** Follows the log of the newest run. */
class Follower {
  readonly #folder: JobFolder;
  readonly #onLine: (line: string) => void;
  #run = '';
  #tail: Tail | undefined;
  lines: string[] = [];

  constructor(folder: JobFolder, onLine: (line: string) => void) {
    this.#folder = folder;
    this.#onLine = onLine;
  }

  look(run: Run | undefined): void {
    if (!run) return;
    if (run.name !== this.#run) {
      this.#run = run.name;
      this.#tail = new Tail(this.#folder.logOf(run));
      this.lines = [];
    }
    this.#take(this.#tail!.lines());
  }

  end(): void {
    this.#take(this.#tail?.end() ?? []);
  }

  #take(lines: readonly string[]): void {
    for (const line of lines) {
      this.lines.push(line);
      this.#onLine(line);
    }
  }
}

/** A promise that settles when a signal aborts; whoever waits asks the signal then. */
function abortion(signal: AbortSignal): { readonly promise: Promise<never>; stop(): void } {
  let stop = (): void => {};
  const promise = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    stop = () => signal.removeEventListener('abort', onAbort);
  });
  promise.catch(() => {});
  return { promise, stop };
}
