import { basename, join } from 'node:path';
import { type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import { hashJson, sha256 } from '../util/hash.ts';
import type { EngineEvent, InstanceId } from './events.ts';
import type { Executed, Executor } from './executor.ts';
import { failedLog, writeFailedCall } from './failed-call.ts';
import type { Invocation, Tool } from './invocation.ts';
import { logDiagnostics, tailOf } from './log.ts';
import { cannotWrite } from './objects.ts';
import type { CallMade, CallRecord } from './records.ts';
import type { Remote } from './remote.ts';
import type { Rooms } from './rooms.ts';
import { claimOf, type Store } from './store.ts';
import { storeAll } from './trees.ts';

/** An output of this name is the tool's log: stdout and stderr. */
export const wholeLog = '<log>';

/** What came of a call. */
export interface Called {
  readonly outputs: Readonly<Record<string, Uint8Array>>;
  /** What the tool warned of. */
  readonly diagnostics: readonly Diagnostic[];
  readonly made: CallMade;
}

export interface CallOptions {
  readonly id: InstanceId;
  readonly signal: AbortSignal;
  /** Run the tool whatever the cache has. */
  readonly force: boolean;
  /** Seconds that the tool may take; no limit if undefined. */
  readonly timeLimit?: number | undefined;
  /** For whom the call is made. */
  readonly owner?: string | undefined;
  emit(event: EngineEvent): void;
}

export interface InvokerOptions {
  readonly store: Store;
  readonly executor: Executor;
  readonly rooms: Rooms;
  readonly remote?: Remote | undefined;
}

/** The reason of an abort: the call took too long, or its log is too long. */
class Excess extends Error {
  readonly of: 'time' | 'log';
  constructor(of: 'time' | 'log') {
    super();
    this.of = of;
  }
}

/** Characters that a tool may write on stdout and stderr: more than any log holds that somebody reads. */
const longestLog = 100e6;

/** Runs tools, or restores what the same calls made before; equal calls at the same time run once. */
export class Invoker {
  readonly #store: Store;
  readonly #executor: Executor;
  readonly #rooms: Rooms;
  readonly #remote: Remote | undefined;
  readonly #running = new Map<string, Promise<unknown>>();
  /** Keys of calls that this invoker ran: forcing does not run them again. */
  readonly #ran = new Set<string>();

  constructor({ store, executor, rooms, remote }: InvokerOptions) {
    this.#store = store;
    this.#executor = executor;
    this.#rooms = rooms;
    this.#remote = remote;
  }

  /**
   * One call. FinnError 'tool/failed', 'tool/output' or 'tool/time-limit' (the call's folder is kept and named) and
   * whatever the executor says of a tool that is missing; the signal's reason when that aborts.
   */
  async call(invocation: Invocation, options: CallOptions): Promise<Called> {
    const version = await this.#executor.version(invocation.tool);
    const key = callKey(invocation, version);
    // Someone who runs the same call makes the record that is found below, or fails as this call would.
    while (this.#running.has(key)) await this.#running.get(key)?.catch(() => {});
    options.signal.throwIfAborted();
    const obtained = this.#obtain(key, invocation, version, options);
    this.#running.set(key, obtained);
    try {
      return await obtained;
    } finally {
      this.#running.delete(key);
    }
  }

  async #obtain(key: string, invocation: Invocation, version: string, options: CallOptions): Promise<Called> {
    const force = options.force && !this.#ran.has(key);
    const restored = force ? undefined : await this.#restored(key, invocation, version, options);
    if (restored) return restored;
    const { step } = options.id;
    const task = async (): Promise<Called> => {
      const release = await this.#store.claim(claimOf(key), options.signal);
      try {
        // Another process may have run it meanwhile.
        const found = force ? undefined : this.#restore(key, invocation, version);
        if (!found) return await this.#run(key, invocation, version, options, this.#rooms.isElsewhere(step));
        this.#say(invocation, options, 'restored', found.made.seconds);
        return found;
      } finally {
        release();
      }
    };
    return this.#rooms.run(step, invocation.cost, task, { signal: options.signal });
  }

  /** What the same call made before, here or where others share it. */
  async #restored(key: string, invocation: Invocation, version: string, options: CallOptions) {
    let restored = this.#restore(key, invocation, version);
    if (!restored && (await this.#remote?.pullCall(key))) restored = this.#restore(key, invocation, version);
    options.signal.throwIfAborted();
    if (restored) this.#say(invocation, options, 'restored', restored.made.seconds);
    return restored;
  }

  #restore(key: string, invocation: Invocation, version: string): Called | undefined {
    const record = this.#store.records.readCall(key);
    if (!record) return undefined;
    const log = this.#store.objects.read(record.log);
    const outputs: Record<string, Uint8Array> = {};
    for (const name of Object.keys(invocation.outputs)) {
      const stored = record.outputs[name];
      const bytes = stored && this.#store.objects.read(stored);
      if (!bytes) return undefined;
      outputs[name] = bytes;
    }
    if (!log) return undefined;
    const diagnostics = logDiagnostics(invocation.tool, new TextDecoder().decode(log), `${invocation.tool.name}.log`);
    return { outputs, diagnostics, made: madeOf(invocation, version, key, record.seconds) };
  }

  async #run(
    key: string,
    invocation: Invocation,
    version: string,
    options: CallOptions,
    far: boolean,
  ): Promise<Called> {
    const { tool } = invocation;
    this.#say(invocation, options, 'started');
    this.#store.records.removeCall(key);
    const directory = far ? this.#store.jobFolder(key) : this.#store.scratch();
    const lines: string[] = [];
    let done = false;
    const limit = far ? undefined : options.timeLimit;
    const { signal, stop, exceed } = limited(options.signal, limit);
    let written = 0;
    const started = performance.now();
    try {
      const executed = await this.#executor
        .execute(invocation, {
          directory,
          signal,
          timeLimit: far ? options.timeLimit : undefined,
          owner: options.owner,
          step: options.id.step,
          key,
          onLine: (text) => {
            written += text.length + 1;
            if (written > longestLog) return exceed();
            lines.push(`${text}\n`);
            options.emit({ type: 'line', id: options.id, tool: tool.name, text });
          },
          onNote: (text) => options.emit({ type: 'note', id: options.id, text }),
        })
        .finally(stop);
      signal.throwIfAborted();
      done = true;
      return await this.#finish(key, invocation, version, executed, directory, options);
    } catch (cause) {
      this.#say(invocation, options, 'failed');
      if (cause instanceof Excess) {
        const seconds = cause.of === 'time' ? limit! : (performance.now() - started) / 1000;
        const executed = { exit: null, excess: cause.of, outputs: {}, log: lines.join(''), seconds };
        throw this.#failure(key, invocation, version, executed, [], directory, options.id);
      }
      if (!done) this.#store.discard(directory);
      // The disk may be full before the tool has its files.
      throw isOfDisk(cause) ? cannotWrite(directory, cause) : cause;
    }
  }

  async #finish(
    key: string,
    invocation: Invocation,
    version: string,
    executed: Executed,
    directory: string,
    options: CallOptions,
  ): Promise<Called> {
    const outputs: Record<string, Uint8Array> = {};
    const missing: string[] = [];
    for (const [name, path] of Object.entries(invocation.outputs)) {
      const bytes = path === wholeLog ? Buffer.from(executed.log) : executed.outputs[name];
      if (bytes) outputs[name] = bytes;
      else missing.push(path);
    }
    if (executed.exit !== 0 || missing.length > 0) {
      const late = { ...executed, excess: 'time', seconds: options.timeLimit! } as const;
      throw this.#failure(
        key,
        invocation,
        version,
        executed.exit === null ? late : executed,
        missing,
        directory,
        options.id,
      );
    }
    const contents = [Buffer.from(executed.log), ...Object.values(outputs)];
    const [log, ...stored] = await storeAll(this.#store.objects, contents);
    const record: CallRecord = {
      tool: invocation.tool.name,
      version,
      args: invocation.args,
      outputs: Object.fromEntries(Object.keys(outputs).map((name, place) => [name, stored[place]!])),
      log: log!,
      seconds: executed.seconds,
    };
    this.#store.records.writeCall(key, record);
    this.#store.discard(directory);
    this.#store.drop(failedName(invocation.tool, key));
    this.#ran.add(key);
    this.#remote?.pushCall(key);
    this.#say(invocation, options, 'ran', executed.seconds);
    const diagnostics = logDiagnostics(invocation.tool, executed.log, `${invocation.tool.name}.log`);
    return { outputs, diagnostics, made: madeOf(invocation, version, key, executed.seconds) };
  }

  #failure(
    key: string,
    invocation: Invocation,
    version: string,
    /** `exit` is null where it was ended because it took too long or wrote too much. */
    executed: Executed & { readonly excess?: 'time' | 'log' },
    missing: readonly string[],
    directory: string,
    id: InstanceId,
  ): FinnError {
    const { tool, label } = invocation;
    const logName = failedLog(tool.name);
    let kept = directory;
    let keeping = '';
    try {
      writeFailedCall(directory, { id, invocation, version }, executed);
      kept = this.#store.keep(directory, failedName(tool, key));
      keeping = `its files and log are kept in ${basename(this.#store.folder)}/work/${basename(kept)}; \`finn bundle\` packs them`;
    } catch (cause) {
      // It may be the tool that has filled the disk: that is what has to be told.
      keeping = `its files and log could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#store.discard(directory);
    }
    const lines = logDiagnostics(tool, executed.log, join(kept, logName));
    const told = lines.some(({ severity }) => severity === 'error');
    const tail = told ? '' : tailOf(executed.log);
    const what =
      executed.excess === 'time'
        ? error('tool/time-limit', `${tool.name} was ended after ${executed.seconds} s, its limit (${label})${tail}`, {
            hint: `\`time_limits\` of the recipe or of finn.config.yaml says how long it may take; ${keeping}`,
          })
        : executed.excess === 'log'
          ? error(
              'tool/log-size',
              `${tool.name} was ended: it wrote more than ${longestLog / 1e6} MB (${label})${tail}`,
              {
                hint: `what a tool says is kept and read: have it say less, or write to a file; ${keeping}`,
              },
            )
          : executed.exit !== 0
            ? error('tool/failed', `${tool.name} ended with exit status ${executed.exit} (${label})${tail}`, {
                hint: keeping,
              })
            : error('tool/output', `${tool.name} ended well but left no ${missing.join(', ')} (${label})${tail}`, {
                hint: keeping,
              });
    return new FinnError(what, ...lines);
  }

  #say(
    { tool, label }: Invocation,
    { id, emit }: CallOptions,
    outcome: 'started' | 'ran' | 'restored' | 'failed',
    seconds?: number,
  ): void {
    emit({ type: 'call', id, tool: tool.name, label, outcome, ...(seconds === undefined ? {} : { seconds }) });
  }
}

/** A signal that aborts as the given one does, or after so many seconds, or at `exceed`; `stop` ends the wait. */
function limited(
  signal: AbortSignal,
  seconds: number | undefined,
): { signal: AbortSignal; stop: () => void; exceed: () => void } {
  const controller = new AbortController();
  let left = (seconds ?? 0) * 1000;
  let timer: NodeJS.Timeout | undefined;
  // While finn is stopped by Ctrl-Z its tools may be, too: that time does not count.
  const wait = (): void => {
    const asked = Math.min(left, 1000);
    const since = performance.now();
    timer = setTimeout(() => {
      left -= Math.min(performance.now() - since, asked + 10_000);
      if (left > 0) wait();
      else controller.abort(new Excess('time'));
    }, asked);
  };
  if (seconds !== undefined) wait();
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    stop: () => clearTimeout(timer),
    exceed: () => controller.abort(new Excess('log')),
  };
}

/** Is it the system that says so: no room, or no leave to write? */
const isOfDisk = (cause: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EFBIG'].includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '');

/** The key of a call: tool and kind of program, version, arguments, contents of files, names of outputs, and nothing of finn. */
export const callKey = ({ tool, args, files, outputs }: Invocation, version: string): string =>
  hashJson({
    format: 1,
    tool: tool.name,
    program: tool.program.kind,
    version,
    args,
    files: Object.fromEntries(Object.entries(files).map(([name, contents]) => [name, sha256(contents)])),
    outputs,
  });

/** The name under which the folder of a failed call is kept. */
const failedName = (tool: Tool, key: string): string => `failed-${tool.name}-${key.slice(0, 12)}`;

const madeOf = ({ tool, label }: Invocation, version: string, key: string, seconds: number): CallMade => ({
  tool: tool.name,
  version,
  key,
  label,
  seconds,
});
