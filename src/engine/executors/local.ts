import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../../diagnostics/diagnostic.ts';
import { sha256 } from '../../util/hash.ts';
import type { Executed, ExecuteOptions, Executor } from '../executor.ts';
import type { Invocation, Tool } from '../invocation.ts';
import type { Grounds } from './grounds.ts';
import { lay, type NativeProgram, nativeVersion, runNative } from './native.ts';
import { type Job, WorkerFailure, WorkerPool } from './worker-pool.ts';

export interface LocalOptions {
  /** Paths of native programs by command, where they are not to be found on PATH. */
  readonly paths?: Readonly<Record<string, string>>;
}

/** Runs tools on this machine: WebAssembly and modules in worker threads, native programs as child processes. */
export class LocalExecutor implements Executor {
  readonly #paths: Readonly<Record<string, string>>;
  readonly #versions = new Map<string, Promise<Found>>();
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
    let found = this.#versions.get(key);
    if (!found) {
      found =
        program.kind === 'native'
          ? this.#nativeVersion(tool.name, program)
          : program.kind === 'wasm'
            ? packageVersion(program.package)
            : moduleVersion(fileURLToPath(program.url));
      this.#versions.set(key, found);
    }
    return found.then(({ version }) => version);
  }

  /** What every version that was asked for rests on; undefined for one of which that cannot be said. */
  grounds(): Promise<readonly (Grounds | undefined)[]> {
    return Promise.all(
      [...this.#versions.values()].map((found) =>
        found.then(
          ({ grounds }) => grounds,
          () => undefined,
        ),
      ),
    );
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

  async #nativeVersion(name: string, program: NativeProgram): Promise<Found> {
    const command = this.command(program.command);
    const version = await nativeVersion(name, command, program);
    const { args, pattern } = program.version;
    // Where nobody is asked it is the content of whatever PATH leads to that counts.
    if (args.length === 0) return { version, grounds: undefined };
    return {
      version,
      grounds: { kind: 'said', command, args, pattern: pattern.source, flags: pattern.flags, version },
    };
  }

  /** What is run for a native command: the configured path, or the name, which PATH finds. */
  command(command: string): string {
    return this.#paths[command] ?? command;
  }
}

/** A version, and what it rests on. */
interface Found {
  readonly version: string;
  readonly grounds: Grounds | undefined;
}

async function moduleVersion(path: string): Promise<Found> {
  return { version: sha256(await readFile(path)), grounds: { kind: 'file', path } };
}

async function packageVersion(name: string): Promise<Found> {
  const require = createRequire(import.meta.url);
  let folder: string;
  try {
    folder = dirname(require.resolve(name));
  } catch {
    return missingPackage(name);
  }
  for (;;) {
    const path = join(folder, 'package.json');
    try {
      const about = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      if (about['name'] === name && typeof about['version'] === 'string')
        return { version: about['version'], grounds: { kind: 'file', path } };
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
