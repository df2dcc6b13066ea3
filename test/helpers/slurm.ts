import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface ClusterOptions {
  readonly nodes?: number;
  /** Of each node. */
  readonly cpus?: number;
  /** Lines of the configuration. */
  readonly partitions?: readonly string[];
  /** Further settings, or others. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Debian's Slurm on this machine: a controller and nodes n1, n2, … with a munged of their own, for whoever starts
 * it and nobody else. Nothing of /etc/slurm or /run/munge is used, and no port that something listens on.
 */
export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'finn-slurm-'));
  readonly nodes: readonly string[];
  readonly #cpus: number;
  readonly #partitions: readonly string[];
  readonly #settings: Readonly<Record<string, string>>;
  readonly #daemons: ChildProcess[] = [];

  constructor({
    nodes = 1,
    cpus = 4,
    partitions = ['PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP'],
    settings = {},
  }: ClusterOptions = {}) {
    this.nodes = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
    this.#cpus = cpus;
    this.#partitions = partitions;
    this.#settings = settings;
  }

  /** The configuration, which commands of Slurm find by SLURM_CONF. */
  get conf(): string {
    return join(this.folder, 'slurm.conf');
  }

  /** Returns when the nodes take jobs. SLURM_CONF of this process names the cluster then. */
  async start(): Promise<this> {
    const host = hostname().split('.')[0]!;
    const user = userInfo().username;
    for (const name of ['state', ...this.nodes.map((node) => `spool-${node}`)]) mkdirSync(join(this.folder, name));
    const key = join(this.folder, 'key');
    writeFileSync(key, randomBytes(1024), { mode: 0o600 });
    const socket = join(this.folder, 'munge.socket');
    const settings = {
      ClusterName: 'one',
      SlurmctldHost: `${host}(127.0.0.1)`,
      SlurmctldPort: await freePort(),
      SlurmUser: user,
      SlurmdUser: user,
      AuthType: 'auth/munge',
      CredType: 'cred/munge',
      AuthInfo: `socket=${socket}`,
      // No systemd and no cgroups are needed.
      ProctrackType: 'proctrack/pgid',
      TaskPlugin: 'task/none',
      JobAcctGatherType: 'jobacct_gather/none',
      AccountingStorageType: 'accounting_storage/none',
      MpiDefault: 'none',
      SelectType: 'select/cons_tres',
      SelectTypeParameters: 'CR_Core',
      // A node that comes back takes jobs at once; as many CPUs as are said, however many there are.
      ReturnToService: 2,
      SlurmdParameters: 'config_overrides',
      SchedulerParameters: 'batch_sched_delay=0,sched_min_interval=0,sched_interval=2',
      KillWait: 2,
      // Tests count jobs that have ended.
      MinJobAge: 86_400,
      MailProg: '/bin/true',
      StateSaveLocation: join(this.folder, 'state'),
      SlurmdSpoolDir: join(this.folder, 'spool-%n'),
      SlurmctldPidFile: join(this.folder, 'slurmctld.pid'),
      SlurmdPidFile: join(this.folder, 'slurmd-%n.pid'),
      ...this.#settings,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    for (const node of this.nodes)
      lines.push(
        `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${await freePort()} CPUs=${this.#cpus} RealMemory=2000 State=UNKNOWN\n`,
      );
    writeFileSync(this.conf, `${lines.join('')}${this.#partitions.join('\n')}\n`);
    process.env['SLURM_CONF'] = this.conf;
    const files = [`--key-file=${key}`, `--socket=${socket}`, `--pid-file=${join(this.folder, 'munged.pid')}`];
    this.#daemon('munged', '--foreground', '--force', ...files, `--seed-file=${join(this.folder, 'seed')}`);
    await this.until('munged', () => this.run('munge', '-n', '-S', socket).length > 0);
    this.startController();
    await this.until('slurmctld', () => this.run('scontrol', 'ping').includes('UP'));
    for (const node of this.nodes) this.startNode(node);
    for (const node of this.nodes) await this.until(`node ${node}`, () => this.stateOf(node) === 'idle');
    return this;
  }

  /** Starts the daemon of a node. */
  startNode(node: string): void {
    this.#daemon('slurmd', '-D', '-N', node);
  }

  /** What Slurm says of a node: idle, mixed, down … */
  stateOf(node: string): string {
    return this.run('sinfo', '--noheader', '--format=%T', `--nodes=${node}`)
      .split('\n')[0]!
      .replace(/[*~#]$/, '');
  }

  /** As a power cut does: the node's daemon and all that its jobs run are killed, and nobody is told. */
  async cutOff(node: string): Promise<void> {
    await kill(this.#daemons.find((child) => child.spawnargs.includes(node) && isAlive(child))!);
    // Until there are none: what is killed may have started others.
    for (let found = this.#processesOf(node); found.length > 0; found = this.#processesOf(node)) {
      // Who looks after them would tell the controller of their end: they go first.
      const sessions = new Set(found.map(sessionOf));
      for (const pid of processes()) if (looksAfterJob(pid) && sessions.has(sessionOf(pid))) end(pid);
      for (const pid of found) end(pid);
    }
  }

  /** What the jobs of a node run. */
  #processesOf(node: string): number[] {
    const words = [`SLURM_CONF=${this.conf}`, `SLURMD_NODENAME=${node}`];
    return processes().filter((pid) => {
      const environment = of(pid, 'environ').split('\0');
      return words.every((word) => environment.includes(word));
    });
  }

  /** Starts the controller, again where it was ended before. */
  startController(): void {
    this.#daemon('slurmctld', '-D');
  }

  /** Ends the controller; jobs go on. */
  async stopController(): Promise<void> {
    await stop(this.#daemons.find((child) => child.spawnargs.includes('slurmctld') && isAlive(child)));
  }

  /** What a command of Slurm says. */
  run(command: string, ...args: readonly string[]): string {
    return execFileSync(command, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }

  /** Jobs that wait or run, as 'id state'. */
  jobs(): string[] {
    const text = this.run('squeue', '--noheader', '--format=%A %T');
    return text.split('\n').filter((line) => line !== '');
  }

  /** Returns when no job waits or runs. Slurm takes seconds to see that one has ended. */
  idle(): Promise<void> {
    return this.until('end of all jobs', () => this.jobs().length === 0);
  }

  /** How a job ended. */
  stateOfJob(id: string): string {
    return /JobState=(\S+)/.exec(this.run('scontrol', 'show', 'job', id))![1]!;
  }

  /** How many jobs were ever submitted. */
  submitted(): number {
    const text = this.run('squeue', '--noheader', '--states=all', '--format=%A');
    return text.split('\n').filter((line) => line !== '').length;
  }

  async stop(): Promise<void> {
    try {
      this.run('scancel', '--me');
      await this.idle();
    } catch {
      // Then they end with slurmd.
    }
    for (const child of this.#daemons.reverse()) await stop(child);
    delete process.env['SLURM_CONF'];
    rmSync(this.folder, { recursive: true, force: true });
  }

  #daemon(command: string, ...args: readonly string[]): void {
    const log = openSync(join(this.folder, `${command}.log`), 'a');
    // It ends with this process, however that ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args], { stdio: ['ignore', log, log] });
    this.#daemons.push(child);
  }

  /** Waits for something that no event tells of; throws after two minutes. */
  async until(what: string, holds: () => boolean): Promise<void> {
    for (let left = 1200; left > 0; left -= 1) {
      try {
        if (holds()) return;
      } catch {
        // Not yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const logs = ['munged', 'slurmctld', 'slurmd'].map((name) => {
      try {
        return readFileSync(join(this.folder, `${name}.log`), 'utf8');
      } catch {
        return '';
      }
    });
    throw new Error(`${what}: not within two minutes\n${logs.join('\n')}`);
  }
}

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || !isAlive(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** A file of a process; '' if it has ended. */
function of(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

const processes = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** The session of a process; 0 if it has ended. */
const sessionOf = (pid: number): number => Number(of(pid, 'stat').split(') ').at(-1)!.split(' ')[3] ?? 0);
const looksAfterJob = (pid: number): boolean => of(pid, 'cmdline').startsWith('slurmstepd');

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
