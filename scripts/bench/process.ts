import { spawnSync } from 'node:child_process';

/** What a whole process took: seconds on the clock, and seconds of CPU in it and in what it started. */
export interface Took {
  readonly wall: number;
  readonly cpu: number;
}

/** Runs a program to its end, by bash's `time`. Throws where it fails or takes longer than the limit (seconds). */
export function timed(
  command: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly limit?: number },
): Took {
  const script = 'TIMEFORMAT="took %R %U %S"; time "$@" > /dev/null';
  const { status, stderr, error } = spawnSync('bash', ['-c', script, 'bash', ...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, LC_ALL: 'C' },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: (options.limit ?? 600) * 1000,
  });
  const [, wall, user, system] = /took (\S+) (\S+) (\S+)\n?$/.exec(stderr) ?? [];
  if (error || status !== 0 || wall === undefined)
    throw new Error(`${command.join(' ')}: ${error?.message ?? `exit status ${status}`}\n${stderr.slice(-2000)}`);
  return { wall: Number(wall), cpu: Number(user) + Number(system) };
}

/** The least of several: what else the machine does only adds. */
export const least = (all: readonly Took[]): Took => ({
  wall: Math.min(...all.map(({ wall }) => wall)),
  cpu: Math.min(...all.map(({ cpu }) => cpu)),
});
