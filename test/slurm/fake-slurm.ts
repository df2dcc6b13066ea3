import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Commands of Slurm as scripts: their queue is a file with lines 'id|state|nodes|reason|name|folder'. */
const commands = {
  sbatch: `
n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n > count
printf '%s\\0' "$@" > "sbatch-$n"; env > "environment-$n"
for word; do case "$word" in --job-name=*) name=\${word#*=};; --chdir=*) folder=\${word#*=};; esac; done
[ -e "before-$n" ] && . "./before-$n"
echo "$n|PENDING||None|$name|$folder" >> queue
[ -e "after-$n" ] && . "./after-$n"
echo $n`,
  squeue: `
echo "$*" >> asked
problem=$(cat down 2>/dev/null) && { echo "$problem" >&2; exit 1; }
for word; do case "$word" in --jobs=*) jobs=,\${word#*=},;; --name=*) name=\${word#*=};; esac; done
while IFS='|' read -r id state nodes reason its folder; do
  if [ -n "$name" ]; then
    case $state in PENDING|RUNNING|COMPLETING) [ "$its" = "$name" ] && echo "$id|$state|$folder";; esac
  elif [ -z "$jobs" ]; then
    case $state in PENDING|RUNNING|COMPLETING) echo "$id|$state|$folder";; esac
  else case $jobs in *,$id,*) echo "$id|$state|$nodes|$reason";; esac; fi
done < queue`,
  scontrol: `
[ -e "shown-$4" ] && { cat "shown-$4"; exit 0; }
echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1`,
  scancel: `
echo "$*" >> cancelled
problem=$(cat refuses 2>/dev/null) && { echo "$problem" >&2; exit 1; }
for id; do sed -i "s/^$id|[A-Z_]*|/$id|CANCELLED|/" queue; done`,
};

/** A fake Slurm, first on PATH; a test says what becomes of its jobs. */
export class FakeSlurm {
  readonly #folder = mkdtempSync(join(tmpdir(), 'finn-fake-slurm-'));
  readonly #path = process.env['PATH'];

  constructor() {
    const bin = join(this.#folder, 'bin');
    mkdirSync(bin);
    this.write('queue', '');
    for (const [name, text] of Object.entries(commands)) {
      writeFileSync(join(bin, name), `#!/bin/bash\ncd ${this.#folder}${text}\n`, { mode: 0o755 });
      chmodSync(join(bin, name), 0o755);
    }
    process.env['PATH'] = `${bin}${delimiter}${this.#path}`;
  }

  /** Jobs that were submitted. */
  get submitted(): number {
    return existsSync(join(this.#folder, 'count')) ? Number(this.read('count')) : 0;
  }

  write(name: string, text: string): void {
    // In one piece: commands read it meanwhile.
    const path = join(this.#folder, name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }

  read(name: string): string {
    return existsSync(join(this.#folder, name)) ? readFileSync(join(this.#folder, name), 'utf8') : '';
  }

  erase(name: string): void {
    rmSync(join(this.#folder, name), { force: true });
  }

  /** Arguments of the n-th sbatch, from 1. */
  args(n: number): string[] {
    return this.read(`sbatch-${n}`).split('\0').slice(0, -1);
  }

  /** Changes what the queue says of a job. */
  set(id: number, state: string, reason = 'None'): void {
    const lines = this.read('queue')
      .split('\n')
      .map((line) => {
        const [its, , , , ...rest] = line.split('|');
        return its === String(id) ? [id, state, 'n7', reason, ...rest].join('|') : line;
      });
    this.write('queue', lines.join('\n'));
  }

  /** Puts a job into the queue that no sbatch of this process asked for. */
  add(id: number, state: string, name: string, folder: string): void {
    this.write('queue', `${this.read('queue')}${id}|${state}|n7|None|${name}|${folder}\n`);
  }

  /** Slurm forgets a job. */
  forget(id: number): void {
    const lines = this.read('queue').split('\n');
    this.write('queue', lines.filter((line) => !line.startsWith(`${id}|`)).join('\n'));
  }

  /** Runs the script of a job as a node would; its exit status. */
  run(id: number, script = this.args(id).at(-1)!, environment: Record<string, string> = {}): number {
    try {
      execFileSync('bash', [script], {
        cwd: dirname(dirname(script)),
        env: { ...process.env, SLURM_JOB_ID: String(id), ...environment },
        stdio: 'ignore',
      });
      return 0;
    } catch (cause) {
      return (cause as { status: number }).status;
    }
  }

  /** Only these commands are on PATH, and none of Slurm. */
  hide(): void {
    for (const name of readdirSync(join(this.#folder, 'bin'))) rmSync(join(this.#folder, 'bin', name));
  }

  remove(): void {
    process.env['PATH'] = this.#path;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
