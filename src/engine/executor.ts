import type { Invocation, Tool } from './invocation.ts';

/** What came of one call that was executed. A tool that could not be started at all is a FinnError instead. */
export interface Executed {
  /** Exit status; 128 + number where a signal ended it, null where it was ended because it reached its `timeLimit`. */
  readonly exit: number | null;
  /** Contents by output name; an output that the tool did not leave behind is absent. */
  readonly outputs: Readonly<Record<string, Uint8Array>>;
  /** All that the tool wrote on stdout and stderr, in order. */
  readonly log: string;
  /** Wall-clock time. */
  readonly seconds: number;
}

export interface ExecuteOptions {
  /** When it aborts, the tool and its children are ended and `execute` rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Every line of the log, as it comes, without its end. */
  onLine(line: string): void;
  /** What is to be told of the call that its tool does not say: where it waits, and why it runs again. */
  onNote?(text: string): void;
  /**
   * An existing directory that is this call's alone: the executor puts exactly the invocation's files there and
   * runs the tool in it (a tool that needs no directory writes its files there only when it fails). The engine removes
   * it after success and keeps it after a failure. It is empty, but for a call that runs elsewhere: there it may hold
   * what an earlier finn, which was killed, had begun.
   */
  readonly directory: string;
  /**
   * Seconds that the tool may take, where it runs elsewhere: only there is known when it begins. On this machine the signal
   * aborts.
   */
  readonly timeLimit?: number | undefined;
  /** For whom the call is made, of all who share the cache: what is left of it when they have all they want is forsaken. */
  readonly owner?: string | undefined;
  /** Name of the step that calls. */
  readonly step: string;
  /** The call's key: equal calls have equal keys. */
  readonly key: string;
}

/** What runs tools. The engine decides whether and when; nothing here looks into a cache. */
export interface Executor {
  /**
   * The version that goes into keys, found once a process: for `module` tools the hash of the module's file. Throws
   * FinnError 'tool/missing' or 'tool/version' where the tool is not there or is too old.
   */
  version(tool: Tool): Promise<string>;
  execute(invocation: Invocation, options: ExecuteOptions): Promise<Executed>;
  /** How many calls of a step may run elsewhere at once; undefined where this machine runs them. */
  elsewhere?(step: string): number | undefined;
  /** The owner that was named last for a call that runs elsewhere, by its directory; undefined if none was. */
  ownerIn?(directory: string): string | undefined;
  /**
   * Ends what was begun elsewhere in these directories of `execute` and was left running: how many, and why they are not
   * ended, '' if they are.
   */
  endIn?(directories: readonly string[]): Promise<{ readonly ended: number; readonly problem: string }>;
  /** Ends what is kept ready between calls. */
  close(): Promise<void>;
}
