import { resolve } from 'node:path';
import { fail } from '../../diagnostics/diagnostic.ts';
import type { Executed, ExecuteOptions, Executor } from '../executor.ts';
import type { Invocation, Tool } from '../invocation.ts';
import { wholeLog } from '../invoke.ts';
import type { LocalExecutor } from './local.ts';
import { saidVersion } from './native.ts';
import { ownJobs } from './slurm/commands.ts';
import { noResult } from './slurm/failures.ts';
import { JobFolder, type JobRecord } from './slurm/folder.ts';
import { type JobOptions, jobOptions, resources, type SlurmOptions } from './slurm/options.ts';
import { Queue } from './slurm/queue.ts';
import { jobScript } from './slurm/script.ts';
import { obtainJob } from './slurm/submission.ts';
import { taskOf } from './slurm/task.ts';
import { type End, watch } from './slurm/watch.ts';

/** A call is submitted so often again because its job was lost: nodes fail, and others are preempted. */
const retries = 3;
/** Seconds that files may take to be seen on this machine, and Slurm to tell of a job that has ended. */
const usualGrace = 30;

/**
 * Runs the calls of heavy steps as Slurm jobs, and all others on this machine. The folder of a call, which has to be on a
 * file system that the nodes share, tells the next finn of its job.
 */
export class SlurmExecutor implements Executor {
  readonly #options: SlurmOptions;
  readonly #local: LocalExecutor;
  readonly #queue: Queue;
  readonly #grace: number;
  /** One sbatch at a time: a hundred at once are what controllers complain of. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SlurmOptions, local: LocalExecutor, grace: number = usualGrace) {
    this.#options = options;
    this.#local = local;
    this.#queue = new Queue(options.poll);
    this.#grace = grace;
  }

  /** As on this machine: jobs say whether it is the same on their nodes. */
  version(tool: Tool): Promise<string> {
    return this.#local.version(tool);
  }

  elsewhere(step: string): number | undefined {
    return jobOptions(this.#options, step) && this.#options.jobs;
  }

  /**
   * One call. Beside what the executor of this machine throws: FinnError 'tool/slurm-…' where there is no result, and
   * 'tool/missing' where there is no Slurm. When the signal aborts, the job is cancelled.
   */
  execute(invocation: Invocation, options: ExecuteOptions): Promise<Executed> {
    const job = jobOptions(this.#options, options.step);
    return job ? this.#far(invocation, job, options) : this.#local.execute(invocation, options);
  }

  ownerIn(directory: string): string | undefined {
    return new JobFolder(directory).owner;
  }

  async endIn(directories: readonly string[]): Promise<{ readonly ended: number; readonly problem: string }> {
    const folders = new Set(directories.map((directory) => resolve(directory)));
    const jobs = await ownJobs();
    if (typeof jobs === 'string') return { ended: 0, problem: jobs };
    const ids = jobs.flatMap(({ id, folder }) => (folders.has(folder) ? [id] : []));
    const problems = await Promise.all(ids.map((id) => this.#queue.cancel(id)));
    return { ended: ids.length, problem: problems[0] ?? '' };
  }

  close(): Promise<void> {
    return this.#local.close();
  }

  async #far(invocation: Invocation, job: JobOptions, options: ExecuteOptions): Promise<Executed> {
    const { signal, step } = options;
    const note = noting(options);
    const version = await this.version(invocation.tool);
    const folder = new JobFolder(resolve(options.directory));
    if (options.owner !== undefined) folder.noteOwner(options.owner);
    let record = folder.record();
    let inherited = record !== undefined;
    if (record) note(`slurm: job ${record.id} was submitted before`);
    let lost: JobRecord | undefined;
    for (;;) {
      record ??= await this.#submit(invocation, job, folder, lost, options);
      const end = await this.#wait(record.id, folder, options);
      if (end.what === 'done') {
        // The finn that asked for it may have granted it less.
        const more = end.limit !== undefined && end.limit < (options.timeLimit ?? Number.POSITIVE_INFINITY);
        if (!more) return this.#executed(invocation, version, folder, end);
        note(`slurm: job ${record.id} is submitted again: it was ended after ${end.limit} s`);
      } else {
        const again = end.what === 'lost' ? record.lost < retries : inherited;
        if (!again) noResult(record.id, end, { invocation, step, job, said: folder.said(record.id) });
        note(`slurm: job ${record.id} is submitted again: ${end.job.state}`);
      }
      lost = record;
      // A job that an earlier finn asked for may have had too little of what this one asks more of.
      inherited = false;
      record = undefined;
      signal.throwIfAborted();
    }
  }

  async #submit(
    invocation: Invocation,
    job: JobOptions,
    folder: JobFolder,
    lost: JobRecord | undefined,
    options: ExecuteOptions,
  ): Promise<JobRecord> {
    const { step, key, signal } = options;
    const note = noting(options);
    const turn = this.#turn.then(async () => {
      signal.throwIfAborted();
      const begun = folder.begun;
      const script = folder.prepare(
        invocation,
        jobScript(taskOf(invocation, folder.path, job.setup, this.#local, options.timeLimit)),
      );
      const cpus = job.cpus ?? invocation.cost?.threads ?? 1;
      const wish = {
        folder,
        name: `finn-${step}-${key.slice(0, 16)}`,
        label: invocation.label,
        script,
        args: resources({ ...job, cpus }),
        begun,
        lost: lost?.id,
      };
      const id = await obtainJob(wish, { signal, pause: this.#options.poll, note });
      const record = { id, lost: lost ? lost.lost + 1 : 0 };
      folder.note(record);
      return record;
    });
    this.#turn = turn.catch(() => {});
    const record = await turn;
    note(`slurm: job ${record.id} submitted`);
    return record;
  }

  async #wait(id: number, folder: JobFolder, options: ExecuteOptions): Promise<End> {
    const { signal, onLine } = options;
    const note = noting(options);
    try {
      return await watch(id, folder, { signal, onLine, note, queue: this.#queue, grace: this.#grace });
    } catch (cause) {
      if (!signal.aborted) throw cause;
      const problem = await this.#queue.cancel(id);
      note(problem === '' ? `slurm: job ${id} cancelled` : `slurm: job ${id} could not be cancelled: ${problem}`);
      throw cause;
    }
  }

  #executed(
    { tool, outputs: wanted }: Invocation,
    version: string,
    folder: JobFolder,
    { run, exit, limit, seconds, lines, nodes }: Extract<End, { what: 'done' }>,
  ): Executed {
    if (tool.program.kind === 'native') {
      const there = saidVersion(tool.program, folder.versionIn(run));
      if (there === undefined ? exit === 0 : there !== version) {
        fail(
          'tool/slurm-version',
          `${tool.name} is ${there ?? 'of no known version'} on ${nodes || 'a node'}, but ${version} on this machine`,
          {
            hint: 'lines of `slurm.setup` in finn.config.yaml, such as `module load`, choose versions on nodes; here the shell does that finn is started from',
          },
        );
      }
    }
    const outputs = folder.outputs(run, wanted);
    const missing = Object.entries(wanted).some(([name, path]) => path !== wholeLog && !outputs[name]);
    if (exit !== 0 || missing) folder.layOpen(run);
    return {
      exit: limit === undefined ? exit : null,
      outputs,
      log: lines.map((line) => `${line}\n`).join(''),
      seconds,
    };
  }
}

/** Tells of a job, where somebody listens. */
const noting =
  ({ onNote }: ExecuteOptions) =>
  (text: string): void =>
    onNote?.(text);
