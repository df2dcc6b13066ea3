import { fail } from '../../../diagnostics/diagnostic.ts';
import type { Invocation } from '../../invocation.ts';
import { tailOf } from '../../log.ts';
import type { JobOptions } from './options.ts';
import type { End } from './watch.ts';

/** Of which call the failures are told. */
export interface Subject {
  readonly invocation: Invocation;
  readonly step: string;
  readonly job: JobOptions;
  /** What Slurm and the lines of `setup` wrote. */
  readonly said: string;
}

/** A FinnError for a job that has no result: ended by Slurm or somebody, or lost too often. */
export function noResult(id: number, end: Exclude<End, { what: 'done' }>, subject: Subject): never {
  const { invocation, step, job, said } = subject;
  const { label, tool } = invocation;
  const what = `job ${id} (${label})`;
  const tail = tailOf(`${end.lines.map((line) => `${line}\n`).join('')}${said}`);
  const keyOf = (key: string): string => `slurm.steps.${step}.${key}`;
  switch (end.what) {
    case 'time':
      return fail('tool/slurm-time', `${what} was ended after ${limit(job.time)}${tail}`, {
        hint: `give ${tool.name} more time: \`${keyOf('time')}\` or \`slurm.time\` of finn.config.yaml`,
      });
    case 'memory':
      return fail('tool/slurm-memory', `${what} needed more than ${memory(job.memoryMb)}${tail}`, {
        hint: `give ${tool.name} more memory: \`${keyOf('memory_mb')}\` or \`slurm.memory_mb\` of finn.config.yaml`,
      });
    case 'cancelled':
      return fail('tool/slurm-cancelled', `${what} was cancelled, and not by finn${tail}`, {
        hint: 'the next build submits it again',
      });
    case 'silent':
      return fail(
        'tool/slurm-status',
        `${what} is ${end.job.state} (${end.job.reason}), but left no exit status${tail}`,
        {
          hint: 'the cache, finn and Node have to lie on a file system that the nodes share, under the same paths',
        },
      );
    case 'lost':
      return fail('tool/slurm-lost', `${what} was lost for the fourth time, the last time as ${end.job.state}${tail}`, {
        hint: `\`${keyOf('options')}\` of finn.config.yaml may exclude a node, or take a partition that is not preempted`,
      });
  }
}

const limit = (seconds: number | undefined): string =>
  seconds === undefined ? 'the time that its partition allows' : `${Math.ceil(seconds / 60)} min, its limit`;
const memory = (mb: number | undefined): string => (mb === undefined ? 'the memory that it gets' : `${mb} MB`);
