import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Executed, Executor } from '../../src/engine/executor.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import type { JobOptions, SlurmOptions } from '../../src/engine/executors/slurm/options.ts';
import { SlurmExecutor } from '../../src/engine/executors/slurm.ts';
import type { Invocation, Tool } from '../../src/engine/invocation.ts';
import { sha256 } from '../../src/util/hash.ts';

/** bash, which says its version. */
export const bash: Tool = {
  name: 'bash',
  program: {
    kind: 'native',
    command: 'bash',
    version: { args: ['--version'], pattern: /version (?<version>\d+(\.\d+)+)/ },
  },
  log: [],
};

export const nothing: JobOptions = { options: [], setup: [] };

/** An executor that asks often. */
export function slurm(
  common: Partial<JobOptions> = {},
  rest: Partial<SlurmOptions> = {},
  grace = 2,
  local = new LocalExecutor(),
): SlurmExecutor {
  return new SlurmExecutor(
    { jobs: 64, poll: 0.2, common: { ...nothing, ...common }, steps: new Map(), ...rest },
    local,
    grace,
  );
}

/** A call of bash with a script; what follows it are the script's arguments. */
export function script<O extends string>(
  text: string,
  {
    args = [],
    files = {},
    outputs = {} as Record<O, string>,
  }: { args?: string[]; files?: Invocation['files']; outputs?: Record<O, string> } = {},
): Invocation<O> {
  return { tool: bash, args: ['-c', text, 'bash', ...args], files, outputs, label: `script ${text.slice(0, 20)}` };
}

/** A script that runs until a file is there, and then leaves an output. */
export const held = (gate: string): string =>
  `echo begun; while [ ! -e "${gate}" ]; do sleep 0.05; done; echo free | tee out.txt`;

/** Text of bytes. */
export const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** A call under way. */
export interface Running {
  readonly lines: string[];
  readonly directory: string;
  readonly done: Promise<Executed>;
  /** Aborts with Error('enough'). */
  abort(): void;
  /** Settles when a line matches. */
  saw(pattern: RegExp): Promise<string>;
}

/** Calls of executors, in folders below one. */
export class Calls {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A new folder. */
  folder(): string {
    mkdirSync(this.#folder, { recursive: true });
    return mkdtempSync(join(this.#folder, 'call-'));
  }

  start(
    executor: Executor,
    invocation: Invocation,
    {
      directory = this.folder(),
      step = 'synthesize',
      timeLimit,
      owner,
    }: { directory?: string; step?: string; timeLimit?: number; owner?: string } = {},
  ): Running {
    const controller = new AbortController();
    const lines: string[] = [];
    const waiting: { readonly pattern: RegExp; found(line: string): void }[] = [];
    const onLine = (line: string): void => {
      lines.push(line);
      for (const one of waiting) if (one.pattern.test(line)) one.found(line);
    };
    const key = sha256(directory);
    const done = executor.execute(invocation, {
      signal: controller.signal,
      directory,
      onLine,
      onNote: onLine,
      timeLimit,
      owner,
      step,
      key,
    });
    done.catch(() => {});
    return {
      lines,
      directory,
      done,
      abort: () => controller.abort(new Error('enough')),
      saw: (pattern) =>
        new Promise((resolve, reject) => {
          const there = lines.find((line) => pattern.test(line));
          if (there !== undefined) resolve(there);
          waiting.push({ pattern, found: resolve });
          done.then(
            () => reject(new Error(`ended without ${pattern}:\n${lines.join('\n')}`)),
            (cause: unknown) => reject(new Error(`failed without ${pattern}: ${String(cause)}\n${lines.join('\n')}`)),
          );
        }),
    };
  }

  run(
    executor: Executor,
    invocation: Invocation,
    options: { directory?: string; step?: string; timeLimit?: number } = {},
  ): Promise<Executed> {
    return this.start(executor, invocation, options).done;
  }
}
