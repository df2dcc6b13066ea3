import { chmodSync, readdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fail } from '../../../diagnostics/diagnostic.ts';
import { readIfThere, removeTree, writeAtomically, writeTree } from '../../../util/files.ts';
import type { Invocation } from '../../invocation.ts';
import { executable } from '../native.ts';

/** What is known of a call's job, written when sbatch has told its id. */
export interface JobRecord {
  readonly id: number;
  /** How many jobs of this call were lost before it. */
  readonly lost: number;
}

/** How the tool of a run ended. */
export interface RunEnd {
  readonly exit: number;
  readonly seconds: number;
  /** The limit that it reached, in seconds; undefined where it ended by itself. */
  readonly limit: number | undefined;
}

/** One run of a job; a job that Slurm itself puts into the queue again has several. */
export interface Run {
  readonly id: number;
  /** '12-0': job and number of the run. */
  readonly name: string;
  /** undefined until its tool has ended. */
  readonly ended: RunEnd | undefined;
  /** Did somebody outside of it tell it to end? */
  readonly told: boolean;
}

/**
 * The folder of a call that is a job, on the file system that the nodes share. All of it is in `slurm/`: the call's files
 * (`inputs/`), the script, the record, and by run the working folder, the log, the version of the tool and the exit
 * status.
 */
export class JobFolder {
  readonly path: string;
  readonly #own: string;

  constructor(path: string) {
    this.path = path;
    this.#own = join(path, 'slurm');
  }

  /** Was a job about to be submitted? There may be one of which no record tells. */
  get begun(): boolean {
    return readIfThere(join(this.#own, 'job.sh')) !== undefined;
  }

  /**
   * Writes what the job needs; the path of its script. What is there already is what it should be: the folder's name has
   * the call's key.
   */
  prepare({ tool, args, files, outputs }: Invocation, script: string): string {
    const inputs = join(this.#own, 'inputs');
    writeTree(inputs, files);
    for (const [name, content] of Object.entries(files)) {
      if (executable(content)) chmodSync(join(inputs, name), 0o755);
    }
    const { program } = tool;
    if (program.kind !== 'native') {
      const call = {
        program: program.kind === 'module' ? { kind: 'module', url: program.url.href } : program,
        args,
        files: Object.keys(files),
        outputs: Object.values(outputs),
      };
      writeAtomically(join(this.#own, 'call.json'), JSON.stringify(call));
    }
    // Last, since it says that a job may have been submitted.
    const path = join(this.#own, 'job.sh');
    writeAtomically(path, script, 0o755);
    return path;
  }

  /** The job that was submitted last, if finn lived to note it. */
  record(): JobRecord | undefined {
    try {
      const { id, lost } = JSON.parse(this.#text('job.json')) as Partial<JobRecord>;
      return Number.isSafeInteger(id) && Number.isSafeInteger(lost) ? { id: id!, lost: lost! } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Notes a job. */
  note(record: JobRecord): void {
    writeAtomically(join(this.#own, 'job.json'), `${JSON.stringify(record)}\n`);
  }

  /** For whom the call is made. */
  get owner(): string | undefined {
    return this.#text('owner') || undefined;
  }

  /** Notes for whom the call is made. */
  noteOwner(owner: string): void {
    if (this.owner !== owner) writeAtomically(join(this.#own, 'owner'), owner);
  }

  /** The newest run of a job, or of any job if none is named. FinnError 'cache/lost' where the folder is gone. */
  newestRun(id?: number): Run | undefined {
    let names: string[];
    try {
      // Listed, not asked for by name: a client of NFS believes for a while that a name it asked for is not there.
      names = readdirSync(this.#own);
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== 'ENOENT') throw problem;
      fail('cache/lost', `the folder of a job was removed while the job ran: work/${basename(this.path)} of the cache`);
    }
    const runs = names.flatMap((name) => {
      const [, run, job, count] = /^run-((\d+)-(\d+))$/.exec(name) ?? [];
      if (run === undefined || (id !== undefined && Number(job) !== id)) return [];
      return [{ name: run, id: Number(job), count: Number(count) }];
    });
    const newest = runs.sort((a, b) => b.id - a.id || b.count - a.count)[0];
    if (!newest) return undefined;
    const { name } = newest;
    const [exit, microseconds, limit] = names.includes(`exit-${name}`)
      ? this.#text(`exit-${name}`).split(' ').map(Number)
      : [];
    const ended = Number.isInteger(exit) ? { exit: exit!, seconds: (microseconds ?? 0) / 1e6, limit } : undefined;
    return { id: newest.id, name, ended, told: names.includes(`told-${name}`) };
  }

  /** Path of a run's log. */
  logOf(run: Run): string {
    return join(this.#own, `log-${run.name}`);
  }

  /** What the tool said of its version in a run; '' if it was not asked. */
  versionIn(run: Run): string {
    return this.#text(`version-${run.name}`);
  }

  /** What Slurm, and the lines of `setup`, wrote about a job. */
  said(id: number): string {
    return this.#text(`out-${id}`);
  }

  /** Contents of the files of a run that are there, by output name. */
  outputs(run: Run, outputs: Invocation['outputs']): Record<string, Uint8Array> {
    const found: Record<string, Uint8Array> = {};
    for (const [name, path] of Object.entries(outputs)) {
      const bytes = readIfThere(join(this.#own, `run-${run.name}`, path));
      if (bytes) found[name] = new Uint8Array(bytes);
    }
    return found;
  }

  /** After a failure: moves what the tool left to where a person looks for it. */
  layOpen(run: Run): void {
    const from = join(this.#own, `run-${run.name}`);
    const taken = new Set(readdirSync(this.path));
    for (const name of readdirSync(from)) if (!taken.has(name)) renameSync(join(from, name), join(this.path, name));
    removeTree(from);
    removeTree(join(this.#own, 'inputs'));
  }

  #text(name: string): string {
    return new TextDecoder().decode(readIfThere(join(this.#own, name)) ?? new Uint8Array());
  }
}
