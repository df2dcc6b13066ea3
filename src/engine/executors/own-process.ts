import { constants } from 'node:os';

export interface OwnProcessOptions {
  /** Folder that it runs in. */
  readonly cwd: string;
  /** What of the environment is other than here. */
  readonly env: Readonly<Record<string, string>>;
  /** Permissions that files are made without. */
  readonly umask: number;
  readonly signal: AbortSignal;
  /** Every line on stdout and stderr, as it comes, without its end. */
  onLine(line: string): void;
}

/**
 * Runs this very program again, with other arguments, in a process of its own. Exit status, 128 + number where a signal
 * ended it; 130 when `signal` aborts, and then it has been asked to end and has ended.
 */
export async function runOwnProcess(args: readonly string[], options: OwnProcessOptions): Promise<number> {
  const { cwd, env, umask, signal, onLine } = options;
  const { execa } = await import('execa');
  const program = process.argv[1]!;
  const child = withUmask(umask, () =>
    execa(process.execPath, [...process.execArgv, program, ...args], {
      cwd,
      env,
      reject: false,
      buffer: false,
      all: true,
      stdin: 'ignore',
    }),
  );
  const end = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', end);
  try {
    for await (const line of child.iterable({ from: 'all' })) onLine(String(line));
    const { exitCode, signal: killed } = await child;
    if (signal.aborted) return 130;
    return exitCode ?? 128 + (killed ? constants.signals[killed] : 0);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** A child has the umask of the process that starts it, at the moment that it does. */
function withUmask<T>(umask: number, start: () => T): T {
  const before = process.umask(umask);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}
