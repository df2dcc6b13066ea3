import { fail } from '../../../diagnostics/diagnostic.ts';
import { environment } from '../tool-environment.ts';
import type { QueuedJob } from './states.ts';

/** What a command of Slurm answered. */
interface Answer {
  readonly ok: boolean;
  readonly out: string;
  /** What it said on stderr, in one line. */
  readonly problem: string;
}

/** The environment of tools, which sbatch hands on to the job; nothing of a job that finn itself may be, no filters of squeue. */
const surroundings = {
  ...environment,
  SLURM_RESTART_COUNT: undefined,
  SQUEUE_ACCOUNT: undefined,
  SQUEUE_LICENSES: undefined,
  SQUEUE_NAMES: undefined,
  SQUEUE_PARTITION: undefined,
  SQUEUE_QOS: undefined,
  SQUEUE_USERS: undefined,
};

/** A command that says nothing for so long is given up, and asked again later. */
const patience = 120_000;

const separator = '|';
const format = `--format=${['%A', '%T', '%N', '%r'].join(separator)}`;

async function ask(command: string, args: readonly string[]): Promise<Answer> {
  const { execa } = await import('execa');
  const ended = await execa(command, [...args], {
    env: surroundings,
    // In a group of its own: Ctrl-C must not end sbatch between the controller's yes and the id.
    detached: true,
    cleanup: false,
    reject: false,
    stdin: 'ignore',
    timeout: patience,
  });
  if (ended.code === 'ENOENT') {
    fail(
      'tool/missing',
      `there is no program '${command}' on this machine, but finn.config.yaml says 'executor: slurm'`,
      {
        hint: 'run finn where jobs are submitted, or say `executor: local`',
      },
    );
  }
  const problem = ended.stderr.trim().replace(/\s*\n\s*/g, '; ') || (ended.failed ? (ended.shortMessage ?? '') : '');
  return { ok: ended.exitCode === 0, out: ended.stdout, problem };
}

/** A command could not reach the controller, or not surely: a job may be in the queue or not. */
export const isTransient = (problem: string): boolean => transient.test(problem);

const transient =
  /unable to contact|timed out|connection refused|connection reset|temporarily|not responding|zero bytes|communication|socket|in standby/i;

/** What came of asking for a submission. */
export type Submitted =
  | { readonly what: 'job'; readonly id: number }
  | { readonly what: 'unsure' | 'refused'; readonly why: string };

/** Submits a script. FinnError 'tool/missing' where there is no sbatch. */
export async function submit(script: string, args: readonly string[]): Promise<Submitted> {
  const { ok, out, problem } = await ask('sbatch', ['--parsable', ...args, script]);
  // '12', or '12;cluster'; plug-ins of a site may say something in front.
  const id = /^(\d+)(;|$)/m.exec(out)?.[1];
  if (ok && id !== undefined) return { what: 'job', id: Number(id) };
  return { what: ok || problem === '' || isTransient(problem) ? 'unsure' : 'refused', why: problem || out.trim() };
}

/** The states of these jobs, whatever they are; those that Slurm has forgotten are left out. A text is why it did not say. */
export async function states(ids: readonly number[]): Promise<ReadonlyMap<number, QueuedJob> | string> {
  // Of several jobs, and without a user, the controller would send all that the cluster has.
  const which = ['--me', `--jobs=${ids.join(',')}`];
  const { ok, out, problem } = await ask('squeue', ['--noheader', '--states=all', ...which, format]);
  // That is how it speaks of a single job that it has forgotten.
  if (!ok) return /invalid job id/i.test(problem) ? new Map() : problem;
  return new Map(
    out.split('\n').flatMap((line): [number, QueuedJob][] => {
      const [id = '', state = '', nodes = '', ...reason] = line.trim().split(separator);
      if (!/^\d+$/.test(id)) return [];
      return [[Number(id), { id: Number(id), state, nodes, reason: reason.join(separator) }]];
    }),
  );
}

/** A job of this user that waits or runs. */
export interface OwnJob {
  readonly id: number;
  /** Its working folder, as it was submitted. */
  readonly folder: string;
}

/** This user's jobs which wait or run, of a name if one is given; the newest first. A text is why it did not say. */
export async function ownJobs(name?: string): Promise<readonly OwnJob[] | string> {
  const { ok, out, problem } = await ask('squeue', [
    '--noheader',
    '--me',
    ...(name === undefined ? [] : [`--name=${name}`]),
    `--format=${['%A', '%T', '%Z'].join(separator)}`,
  ]);
  if (!ok) return problem;
  return out
    .split('\n')
    .map((line) => line.split(separator))
    .filter(([id = '', state]) => /^\d+$/.test(id) && state !== 'COMPLETING')
    .map(([id, , ...path]) => ({ id: Number(id), folder: path.join(separator) }))
    .sort((a, b) => b.id - a.id);
}

/** What scontrol knows of a job that squeue does not show; undefined if nothing. */
export async function shown(id: number): Promise<QueuedJob | undefined> {
  const { ok, out } = await ask('scontrol', ['--oneliner', 'show', 'job', String(id)]);
  const field = (name: string): string => new RegExp(`(?:^|\\s)${name}=(\\S*)`).exec(out)?.[1] ?? '';
  const state = field('JobState');
  if (!ok || state === '') return undefined;
  return { id, state, nodes: field('NodeList').replace('(null)', ''), reason: field('Reason') };
}

/** Ends jobs. The text is what scancel complained of, '' if of nothing. */
export async function cancel(ids: readonly number[]): Promise<string> {
  const { ok, problem } = await ask('scancel', ids.map(String));
  return ok || /invalid job id|already completed/i.test(problem) ? '' : problem;
}
