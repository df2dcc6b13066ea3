import { chmod, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { bug, fail } from '../../diagnostics/diagnostic.ts';
import { contains } from '../../util/files.ts';
import { sha256 } from '../../util/hash.ts';
import type { ExecuteOptions } from '../executor.ts';
import type { Invocation, Tool } from '../invocation.ts';
import { endOrphans } from '../sweep.ts';
import { environment } from './tool-environment.ts';

/** execa, loaded with the first native tool: it takes a third of the time of a build that has nothing to do. */
const loadExeca = async () => (await import('execa')).execa;

/** A native tool's program. */
export type NativeProgram = Extract<Tool['program'], { kind: 'native' }>;

/** Writes a call's files into its directory. Executables (ELF, or with a #! line) may be run there. */
export async function lay(files: Invocation['files'], directory: string): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    if (!/^[\w.+-]+(\/[\w.+-]+)*$/.test(name) || name.split('/').includes('..')) bug(`file name '${name}' in a call`);
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (executable(content)) await chmod(path, 0o755);
  }
}

/** Is it a program: ELF, or a script with a #! line? */
export function executable(content: Uint8Array | string): boolean {
  if (typeof content === 'string') return content.startsWith('#!');
  return (content[0] === 0x7f && content[1] === 0x45) || (content[0] === 0x23 && content[1] === 0x21);
}

/** Of what a tool leaves behind; Node reads no more of a file at once. In bytes. */
const largestFile = 2 ** 31 - 1;

/** How long what a tool started may go on writing when the tool itself has ended. */
const lingerMilliseconds = 1000;

/** Ends each of the tools that run now. */
const running = new Set<() => void>();

/** A finn that ends in the midst of its work, by a second Ctrl-C, leaves none of them. */
function endAll(): void {
  for (const end of running) end();
}

/**
 * Runs a native tool in its directory, which holds its files already. It is killed with all that it started when the signal
 * aborts; where setpriv is there the kernel kills the tool when this process dies.
 */
export async function runNative(
  command: string,
  invocation: Invocation,
  { signal, onLine, directory }: ExecuteOptions,
): Promise<{ exit: number; outputs: Record<string, Uint8Array> }> {
  // One pipe for both streams, which only a shell can make: of two, nobody knows what was written first.
  const args = ['-c', 'exec "$@" 2>&1', 'sh'];
  if (await hasSetpriv()) args.push('setpriv', '--pdeathsig', 'KILL');
  args.push(command, ...invocation.args);
  const execa = await loadExeca();
  signal.throwIfAborted();
  const child = execa('sh', args, {
    cwd: directory,
    env: { ...environment, FINN_SCRATCH: directory },
    detached: true,
    cleanup: false,
    reject: false,
    buffer: false,
    stdin: 'ignore',
  });
  const kill = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended by itself.
    }
  };
  const end = (): void => {
    kill();
    // What has left the group as well.
    endOrphans([directory]);
  };
  // Whoever it left behind may hold its output open for ever.
  let last: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    last = setTimeout(end, lingerMilliseconds);
  });
  signal.addEventListener('abort', end);
  running.add(end);
  if (running.size === 1) process.on('exit', endAll);
  try {
    for await (const line of linesOf(child.stdout)) onLine(line);
    const ended = await child;
    signal.throwIfAborted();
    if (ended.exitCode === undefined && ended.signal === undefined)
      fail('tool/start', `${command} could not be started: ${ended.originalMessage ?? 'the system does not say why'}`, {
        hint: 'fewer `jobs`, or higher limits (`ulimit -u`, `ulimit -n`), leave room for it',
      });
    return { exit: ended.exitCode ?? 128 + signalNumber(ended.signal), outputs: await collect(invocation, directory) };
  } finally {
    clearTimeout(last);
    signal.removeEventListener('abort', end);
    running.delete(end);
    if (running.size === 0) process.off('exit', endAll);
    // What the tool left running is of no use to anybody.
    end();
  }
}

/** Characters of a line: what is longer is no line that anybody reads, and comes in pieces. */
const longestLine = 1 << 20;

/** The lines of a stream, as they come, without their ends. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield withoutReturn(line);
    if (rest.length > longestLine) {
      yield rest;
      rest = '';
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield withoutReturn(rest);
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

async function collect(invocation: Invocation, directory: string): Promise<Record<string, Uint8Array>> {
  const outputs: Record<string, Uint8Array> = {};
  for (const [name, path] of Object.entries(invocation.outputs)) {
    try {
      const file = join(directory, path);
      // A link that a tool leaves in the place of a file may lead anywhere.
      if (!contains(await realpath(directory), await realpath(file)))
        fail('tool/output', `${path} is a link that leaves the folder of the call`, { hint: 'leave a file' });
      const { size } = await stat(file);
      if (size > largestFile)
        fail('tool/output-size', `${path} has ${(size / 1e9).toFixed(1)} GB, more than the 2 GB that finn reads`);
      outputs[name] = new Uint8Array(await readFile(file));
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== 'ENOENT') throw problem;
    }
  }
  return outputs;
}

/**
 * Version of a native tool, by asking it; the hash of the program where it has no option to ask (no `args`). Throws FinnError 'tool/missing' where there is no such command,
 * 'tool/version' where it does not say its version or is older than what finn was tried with.
 */
export async function nativeVersion(name: string, command: string, program: NativeProgram): Promise<string> {
  const hint = program.install === undefined ? {} : { hint: `Install it: ${program.install}.` };
  const missing = (): never =>
    fail('tool/missing', `${name} is needed, but there is no program '${command}' on this machine`, hint);
  const execa = await loadExeca();
  if (program.version.args.length === 0) {
    const found = await execa('sh', ['-c', 'command -v -- "$1"', 'sh', command], { reject: false });
    return found.exitCode === 0 ? sha256(await readFile(found.stdout)).slice(0, 16) : missing();
  }
  const asked = await execa(command, [...program.version.args], {
    env: environment,
    reject: false,
    all: true,
    stdin: 'ignore',
  });
  if (asked.exitCode === undefined && asked.signal === undefined) missing();
  const version = saidVersion(program, asked.all);
  if (version === undefined) {
    const call = [command, ...program.version.args].join(' ');
    fail('tool/version', `'${call}' does not say a version of ${name}`, hint);
  }
  if (program.version.least !== undefined && older(version, program.version.least)) {
    fail('tool/version', `${name} ${version} is too old: ${program.version.least} or later is needed`, hint);
  }
  return version;
}

/** The version in what a native tool answered to its version's arguments, or undefined if none is to be seen. */
export function saidVersion({ version: { args, pattern } }: NativeProgram, answer: string): string | undefined {
  // Of those that cannot be asked, the hash of the program is what counts.
  if (args.length === 0) return /^[0-9a-f]{64}\b/.exec(answer)?.[0].slice(0, 16);
  const match = pattern.exec(answer);
  return match?.groups?.['version'] ?? match?.[1];
}

/** Is version `a` older than `b`, by their numbers from left to right? */
export function older(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => (text.match(/\d+/g) ?? []).map(Number)) as [number[], number[]];
  for (let i = 0; i < right.length; i += 1) {
    const difference = (left[i] ?? 0) - right[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

let setpriv: Promise<boolean> | undefined;
function hasSetpriv(): Promise<boolean> {
  setpriv ??= (async () => {
    const execa = await loadExeca();
    const tried = await execa('setpriv', ['--pdeathsig', 'KILL', 'true'], { reject: false, stdio: 'ignore' });
    return tried.exitCode === 0;
  })();
  return setpriv;
}

const signalNumber = (name: NodeJS.Signals | undefined): number => (name ? constants.signals[name] : 0);
