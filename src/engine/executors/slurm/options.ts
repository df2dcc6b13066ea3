/** What sbatch is told of a step's jobs; what is absent is the cluster's own default. */
export interface JobOptions {
  readonly partition?: string;
  readonly account?: string;
  /** Seconds; Slurm counts in minutes, so it is rounded up. */
  readonly time?: number;
  readonly memoryMb?: number;
  readonly cpus?: number;
  readonly licenses?: string;
  /** Further arguments of sbatch, behind finn's own: of two that say the same, sbatch takes the later. */
  readonly options: readonly string[];
  /** Lines of shell in front of the tool: the cluster owner's own, never a recipe's. */
  readonly setup: readonly string[];
}

/** How steps become Slurm jobs. */
export interface SlurmOptions {
  /** Jobs of one step in the queue at once. */
  readonly jobs: number;
  /** Seconds between two questions to the queue. */
  readonly poll: number;
  /** What holds for heavy steps that `steps` does not name. */
  readonly common: JobOptions;
  /** By step, whole; 'local' where its calls stay on this machine. */
  readonly steps: ReadonlyMap<string, JobOptions | 'local'>;
}

/** The steps whose tools take minutes. */
const heavy: readonly string[] = ['synthesize', 'simulate', 'verify-shell', 'bitfile'];

/** What the jobs of a step ask for; undefined where its calls stay on this machine. */
export function jobOptions({ common, steps }: SlurmOptions, step: string): JobOptions | undefined {
  const own = steps.get(step) ?? (heavy.includes(step) ? common : 'local');
  return own === 'local' ? undefined : own;
}

/** Arguments of sbatch for these options. */
export const resources = ({ partition, account, time, memoryMb, cpus, licenses, options }: JobOptions): string[] => [
  ...(partition === undefined ? [] : [`--partition=${partition}`]),
  ...(account === undefined ? [] : [`--account=${account}`]),
  ...(time === undefined ? [] : [`--time=${Math.max(1, Math.ceil(time / 60))}`]),
  ...(memoryMb === undefined ? [] : [`--mem=${memoryMb}M`]),
  ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
  ...(licenses === undefined ? [] : [`--licenses=${licenses}`]),
  ...options,
];
