import { parseDuration } from './duration.ts';
import type { ConfigFile, SlurmStep } from './types.gen.ts';

/** What sbatch is told of a job; what is absent is the cluster's own default. */
export interface JobSettings {
  readonly partition?: string;
  readonly account?: string;
  /** Seconds. */
  readonly time?: number;
  readonly memoryMb?: number;
  readonly cpus?: number;
  readonly licenses?: string;
  /** Further arguments of sbatch. */
  readonly options: readonly string[];
  /** Lines of shell in front of the tool. */
  readonly setup: readonly string[];
}

/** `slurm` of finn.config.yaml with its defaults. */
export interface SlurmSettings {
  /** Jobs in the queue at once. */
  readonly jobs: number;
  /** Seconds between two questions to the queue. */
  readonly poll: number;
  /** What holds for steps that `steps` does not name. */
  readonly common: JobSettings;
  /** By step; 'local' where its calls stay on this machine. */
  readonly steps: ReadonlyMap<string, JobSettings | 'local'>;
}

type Written = Omit<SlurmStep, 'local'>;

const jobOf = ({ partition, account, time, memory_mb, cpus, licenses, options, setup }: Written): JobSettings => ({
  ...(partition !== undefined && { partition }),
  ...(account !== undefined && { account }),
  ...(time !== undefined && { time: parseDuration(time) }),
  ...(memory_mb !== undefined && { memoryMb: memory_mb }),
  ...(cpus !== undefined && { cpus }),
  ...(licenses !== undefined && { licenses }),
  options: options ?? [],
  setup: setup ?? [],
});

/** How steps become Slurm jobs: what a step says replaces what is said for all, key by key. */
export function slurmSettings({
  steps = {},
  jobs,
  poll_s,
  ...common
}: NonNullable<ConfigFile['slurm']>): SlurmSettings {
  return {
    jobs: jobs ?? 64,
    poll: poll_s ?? 2,
    common: jobOf(common),
    steps: new Map(
      Object.entries(steps).map(([step, own]) => [step, own.local ? 'local' : jobOf({ ...common, ...own })]),
    ),
  };
}
