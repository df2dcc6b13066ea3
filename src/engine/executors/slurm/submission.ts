import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../../diagnostics/diagnostic.ts';
import { ownJobs, submit } from './commands.ts';
import type { JobFolder } from './folder.ts';

/** A job that is to be in the queue. */
export interface Wish {
  readonly folder: JobFolder;
  /** Name of the job, which has the call's key in it. */
  readonly name: string;
  /** What it is for, for messages. */
  readonly label: string;
  readonly script: string;
  /** What else sbatch is told. */
  readonly args: readonly string[];
  /** Could there be one already, because finn was killed before it noted it? */
  readonly begun: boolean;
  /** The job before it, which was lost. */
  readonly lost: number | undefined;
}

export interface SubmissionOptions {
  readonly signal: AbortSignal;
  /** Seconds before the controller is asked again where it does not answer. */
  readonly pause: number;
  /** Where there is something to tell. */
  note(text: string): void;
}

/** So often sbatch is asked before finn gives up. */
const attempts = 10;

/**
 * The id of a job for a wish: one that an earlier finn submitted and did not live to note, or a new one. Where sbatch does
 * not say for sure whether it has submitted, the queue is asked first, so that there is never a second. FinnError
 * 'tool/slurm-refused'. Once sbatch is asked its answer is waited for, whatever the signal says: the caller cancels.
 */
export async function obtainJob(wish: Wish, { signal, pause, note }: SubmissionOptions): Promise<number> {
  const { folder, name, label, script, args } = wish;
  let look = wish.begun;
  let why = '';
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1) {
      note(`slurm: no answer, it is asked again: ${why}`);
      await sleep(pause * 1000 * attempt, undefined, { signal }).catch(() => {});
    }
    signal.throwIfAborted();
    if (look) {
      const found = await present(wish);
      if (typeof found === 'string') {
        why = found;
        continue;
      }
      if (found !== undefined) return found;
    }
    signal.throwIfAborted();
    const answer = await submit(script, [
      '--no-requeue',
      `--job-name=${name}`,
      `--chdir=${folder.path}`,
      '--output=slurm/out-%j',
      '--open-mode=append',
      ...args,
    ]);
    if (answer.what === 'job') return answer.id;
    why = answer.why;
    if (answer.what === 'refused') {
      fail('tool/slurm-refused', `sbatch refused the job (${label}): ${why}`, {
        hint: '`slurm` of finn.config.yaml says what jobs ask for, and `slurm.jobs` how many there may be at once',
      });
    }
    look = true;
  }
  fail('tool/slurm-refused', `Slurm did not take the job (${label}), although it was asked ${attempts} times: ${why}`, {
    hint: 'is its controller running? `scontrol ping` tells',
  });
}

/** A job that is in the queue, or that has run, and that is later than the one that was lost; a text: nobody knows. */
async function present({ folder, name, lost }: Wish): Promise<number | undefined | string> {
  const run = folder.newestRun();
  if (run && run.id > (lost ?? 0)) return run.id;
  const queued = await ownJobs(name);
  if (typeof queued === 'string') return queued;
  return queued.find((job) => job.folder === folder.path && job.id !== lost)?.id;
}
