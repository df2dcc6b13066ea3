import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readIfThere } from '../../../util/files.ts';
import { jobScript, quote } from './script.ts';

const odd = [
  '',
  'a b',
  "it's",
  '$HOME `date` $(date) $x',
  '"quoted" \\ back\\',
  'line\nline\r\n\ttab',
  '-n',
  '!history',
  '*',
  '~',
  'ü — 漢字 😀',
  "$'\\x41'",
  '\u0007\u007f',
  '#SBATCH --partition=other\n#SBATCH --uid=0',
];

/** The words that bash makes of quoted ones. */
const words = (texts: readonly string[]): string[] => {
  const script = `printf '%s\\0' ${texts.map(quote).join(' ')}`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
};

it('words of bash stand for exactly their text', () => {
  expect(words(odd)).toEqual(odd);
  expect(quote('--top=x/y.v')).toBe('--top=x/y.v');
  expect(() => quote('\0')).toThrow('NUL');
});

it('whatever the text', () => {
  const character = fc.oneof(
    fc.constantFrom(...'\'"\\$`!*?[]{}()<>|&;#~ \n\r\t=%'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((c) => c !== '\0'),
  );
  const texts = fc.array(fc.string({ unit: character }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(texts, (list) => {
      expect(words(list)).toEqual(list);
    }),
    { numRuns: 50 },
  );
});

it('a script ends its tool at the limit, with all that it started, and says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'finn-limit-'));
  try {
    mkdirSync(join(folder, 'slurm/inputs'), { recursive: true });
    const begin = (id: number, tool: string, limit: number): string => {
      const path = join(folder, 'job.sh');
      const task = { directory: folder, command: ['bash', '-c', tool], files: true, version: undefined };
      writeFileSync(path, jobScript({ ...task, environment: {}, setup: [], limit }));
      const { status } = spawnSync('bash', [path], {
        env: { ...process.env, SLURM_JOB_ID: String(id), late: ' 7' },
        stdio: 'ignore',
      });
      return `${status}: ${readFileSync(join(folder, `slurm/exit-${id}-0`), 'utf8').replace(/ \d+/, '')}`;
    };
    // One that dies with its group, and two that do not: in another group, and in another session.
    const stubborn =
      'trap "" TERM; (exec sleep 1234) & set -m; sleep 1234 & setsid sleep 1234 & jobs -p >others; while :; do wait; done';
    let others: string[] = [];
    // On a machine that is slow it may be ended before it has begun.
    for (let limit = 0.5; others.length < 3; limit *= 2) {
      expect(begin(limit * 2, stubborn, limit)).toBe(`137: 137 ${limit}\n`);
      others = (readIfThere(join(folder, `slurm/run-${limit * 2}-0/others`))?.toString() ?? '')
        .split('\n')
        .slice(0, -1);
    }
    // Who is killed is not gone at once.
    while (!others.every((pid) => isGone(Number(pid)))) await new Promise((resolve) => setTimeout(resolve, 10));
    // One of the same number, in another folder, as of another cluster.
    const other = spawn('sleep', ['1234'], { env: { ...process.env, FINN_RUN: '3000-0' }, stdio: 'ignore' });
    expect(begin(3000, 'sleep 1234', 0.3)).toBe('137: 137 0.3\n');
    expect([other.exitCode, other.signalCode, isGone(other.pid!)]).toEqual([null, null, false]);
    other.kill();
    expect(begin(3001, 'exit 5', 200)).toBe('5: 5\n');
    // It ended well, but something of it was killed before.
    expect(begin(3002, 'sleep 1234; exit 0', 0.5)).toMatch(/^(0: 0|137: 137) 0\.5\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Has a process ended? Its parent need not have asked. */
function isGone(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

it('a script runs its command with these arguments in an odd folder, and never twice in the same', () => {
  const folder = mkdtempSync(join(tmpdir(), "finn script's $(touch x) -"));
  try {
    mkdirSync(join(folder, 'slurm/inputs'), { recursive: true });
    writeFileSync(join(folder, 'slurm/inputs/in.txt'), 'input');
    const tool = `process.stdout.write(JSON.stringify([process.argv.slice(1), process.env.ODD])); require('fs').appendFileSync('in.txt', '+'); process.exit(4)`;
    const script = jobScript({
      directory: folder,
      command: [process.execPath, '-e', tool, '--', ...odd],
      files: true,
      version: [process.execPath, '-p', '1+1'],
      environment: { ODD: "a'b\n", SECRET: undefined },
      setup: ['export SECRET=x', 'set -eu'],
      limit: 200,
    });
    const path = join(folder, 'job.sh');
    writeFileSync(path, script);
    for (const count of ['0', '1', '1']) {
      let status = 0;
      try {
        execFileSync('bash', [path], {
          cwd: tmpdir(),
          env: { ...process.env, SLURM_JOB_ID: '12', ...(count !== '0' && { SLURM_RESTART_COUNT: count }) },
        });
      } catch (cause) {
        status = (cause as { status: number }).status;
      }
      expect(status).toBe(4);
      const read = (name: string): string => readFileSync(join(folder, 'slurm', `${name}-12-${count}`), 'utf8');
      expect(JSON.parse(read('log'))).toEqual([odd, "a'b\n"]);
      expect(read('exit')).toMatch(/^4 \d+\n$/);
      expect(read('version')).toBe('2\n');
      expect(readFileSync(join(folder, `slurm/run-12-${count}/in.txt`), 'utf8')).toBe('input+');
    }
    expect(readFileSync(join(folder, 'slurm/inputs/in.txt'), 'utf8')).toBe('input');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
