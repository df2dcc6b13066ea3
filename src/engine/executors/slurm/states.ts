/** A job as Slurm tells of it. */
export interface QueuedJob {
  readonly id: number;
  /** 'RUNNING', 'NODE_FAIL', …: Slurm's words. */
  readonly state: string;
  readonly nodes: string;
  /** Why it waits, or why it ended; 'None' if there is nothing to say. */
  readonly reason: string;
}

/**
 * What a state means to the one who waits:
 * - live: it waits or runs, or Slurm itself puts it into the queue again;
 * - ended: its script ran to its end, so there is an exit status, unless it was told to end;
 * - lost: through no fault of its own, so it is submitted again;
 * - time, memory, cancelled: it was ended, and would be again.
 */
export type Fate = 'live' | 'ended' | 'lost' | 'time' | 'memory' | 'cancelled';

const fates: Readonly<Record<string, Fate>> = {
  COMPLETED: 'ended',
  FAILED: 'ended',
  NODE_FAIL: 'lost',
  PREEMPTED: 'lost',
  BOOT_FAIL: 'lost',
  LAUNCH_FAILED: 'lost',
  REVOKED: 'lost',
  TIMEOUT: 'time',
  DEADLINE: 'time',
  OUT_OF_MEMORY: 'memory',
  CANCELLED: 'cancelled',
};

/** The fate of a job. States that are not known, such as those of later Slurms, are taken for live. */
export function fateOf({ state, reason }: QueuedJob): Fate {
  // What could not be started on its node has no exit status of its own.
  if (state === 'FAILED' && /^(JobLaunchFailure|NodeDown|BootFail)/i.test(reason)) return 'lost';
  return fates[state] ?? 'live';
}

/** Reasons for waiting that time alone may never remove. */
const stuck =
  /^\(?(PartitionTimeLimit|PartitionNodeLimit|PartitionDown|PartitionInactive|ReqNodeNotAvail|BadConstraints|InvalidAccount|InvalidQOS|AccountNotAllowed|QOSNotAllowed|MaxMemPerLimit|JobHeld|DependencyNeverSatisfied|Assoc(Grp|Max)|QOS(Grp|Max|Min)|launch failed|.*\bheld\b)/i;

/** Does the job wait for something that may never come, such as more time than its partition grants? */
export const mayNeverStart = ({ state, reason }: QueuedJob): boolean => state === 'PENDING' && stuck.test(reason);

/** A state as a line of the log. */
export function stateLine(job: QueuedJob): string {
  const where = job.nodes === '' ? '' : ` on ${job.nodes}`;
  const why = job.reason === '' || job.reason === 'None' || job.state === 'RUNNING' ? '' : ` (${job.reason})`;
  return `slurm: job ${job.id} ${job.state}${where}${why}`;
}
