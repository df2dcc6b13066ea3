import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../../diagnostics/diagnostic.ts';
import { sha256 } from '../../util/hash.ts';
import type { Executed, ExecuteOptions, Executor } from '../executor.ts';
import type { Invocation, Tool } from '../invocation.ts';
import { lay, nativeVersion, runNative } from './native.ts';
import { type Job, WorkerFailure, WorkerPool } from './worker-pool.ts';

export interface LocalOptions {
  /** Paths of native programs by command, where they are not to be found on PATH. */
  readonly paths?: Readonly<Record<string, string>>;
}

/** Runs tools on this machine: WebAssembly and modules in worker threads, native programs as child processes. */
export class LocalExecutor implements Executor {
  readonly #paths: Readonly<Record<string, string>>;
  readonly #versions = new Map<string, Promise<string>>();
  readonly #pool = new WorkerPool();

  constructor({ paths = {} }: LocalOptions = {}) {
    this.#paths = paths;
  }

  version(tool: Tool): Promise<string> {
    const program = tool.program;
    const key =
      program.kind === 'native'
        ? `native ${program.command}`
        : program.kind === 'wasm'
          ? `wasm ${program.package}`
          : program.url.href;
    let version = this.#versions.get(key);
    if (!version) {
      version =
        program.kind === 'native'
          ? nativeVersion(tool.name, this.command(program.command), program)
          : program.kind === 'wasm'
            ? packageVersion(program.package)
            : readFile(fileURLToPath(program.url)).then(sha256);
      this.#versions.set(key, version);
    }
    return version;
  }

  async execute(invocation: Invocation, options: ExecuteOptions): Promise<Executed> {
    const version = this.version(invocation.tool);
    const lines: string[] = [];
    const onLine = (line: string): void => {
      lines.push(line);
      options.onLine(line);
    };
    await version;
    const start = performance.now();
    const { exit, outputs } = await this.#run(invocation, { ...options, onLine });
    const log = lines.map((line) => `${line}\n`).join('');
    return { exit, outputs, log, seconds: (performance.now() - start) / 1000 };
  }

  /** Ends the idle workers. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  async #run(invocation: Invocation, options: ExecuteOptions): Promise<Pick<Executed, 'exit' | 'outputs'>> {
    const program = invocation.tool.program;
    if (program.kind === 'native') {
      await lay(invocation.files, options.directory);
      return runNative(this.command(program.command), invocation, options);
    }
    const job: Job = {
      program: program.kind === 'module' ? { kind: 'module', url: program.url.href } : program,
      args: invocation.args,
      files: invocation.files,
      outputs: Object.values(invocation.outputs),
    };
    try {
      const done = await this.#pool.run(job, options.signal, options.onLine);
      const named = Object.entries(invocation.outputs).flatMap(([name, path]): [string, Uint8Array][] => {
        const content = done.outputs[path];
        return content ? [[name, content]] : [];
      });
      // The directory is what a person looks into after a failure; success needs none.
      if (done.exit !== 0 || named.length < job.outputs.length) await lay(invocation.files, options.directory);
      return { exit: done.exit, outputs: Object.fromEntries(named) };
    } catch (problem) {
      if (problem instanceof WorkerFailure && program.kind === 'wasm' && problem.code === 'ERR_MODULE_NOT_FOUND') {
        missingPackage(program.package);
      }
      throw problem;
    }
  }

  /** What is run for a native command: the configured path, or the name, which PATH finds. */
  command(command: string): string {
    return this.#paths[command] ?? command;
  }
}

async function packageVersion(name: string): Promise<string> {
  const require = createRequire(import.meta.url);
  let folder: string;
  try {
    folder = dirname(require.resolve(name));
  } catch {
    return missingPackage(name);
  }
  for (;;) {
    try {
      const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
      if (about['name'] === name && typeof about['version'] === 'string') return about['version'];
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== 'ENOENT') throw problem;
    }
    if (folder === dirname(folder)) return missingPackage(name);
    folder = dirname(folder);
  }
}

function missingPackage(name: string): never {
  fail('tool/missing', `the npm package ${name} is needed, but it is not installed`, {
    hint: `Run npm ci in finn's folder, or npm install ${name}.`,
  });
}
