import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { commandLine } from './commands/command-line.ts';
import { diagnosticJson } from './commands/diagnostic-json.ts';
import type { Io } from './commands/session.ts';
import { type Diagnostic, error, FinnError } from './diagnostics/diagnostic.ts';
import { render } from './diagnostics/render.ts';
import { harmless } from './diagnostics/visible.ts';
import { refusalOf } from './util/system-error.ts';

const controller = new AbortController();

let mayBeInterrupted = false;

/** Under npx one Ctrl-C comes twice: from the terminal, and passed on by npm. In ms. */
const echo = 300;

/**
 * From now on the first interrupt asks the command to end what it has started, the second ends finn; what is left of its work
 * then, the next finn sweeps. Commands without this end at once: what computes without pause would not hear of it.
 */
function interruptible(): void {
  mayBeInterrupted = true;
  let first: number | undefined;
  const interrupt = (): void => {
    if (first !== undefined && performance.now() - first > echo) process.exit(130);
    controller.abort();
    first ??= performance.now();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // The terminal was closed. Who has none goes on, as nohup wants it, whose word Node forgets.
  const terminals = [0, 1, 2].filter((stream) => isatty(stream));
  process.on('SIGHUP', () => {
    if (terminals.length === 0) return;
    if (!controller.signal.aborted) process.once('exit', endWithout);
    controller.abort();
  });
  /** Node itself aborts at its end, and dumps core, where it cannot give a terminal back as it was. */
  const endWithout = (): void => {
    if (!terminals.every((stream) => isatty(stream))) process.kill(process.pid, 'SIGKILL');
  };
}

/** Has a command begun and not ended? */
let atWork = false;
process.on('exit', (status) => {
  // What a plug-in does may end the process, or wait for what never comes (Node's 13): nothing of that is done.
  if (!atWork || (status !== 0 && status !== 13)) return;
  io.err('finn: it has ended in the midst of its work: something called process.exit, or waits for what never comes');
  process.exitCode = 1;
});

/**
 * What is said reaches nobody any more. `finn boards | head -1` closes the pipe early, which is no error; but a build is
 * interrupted by it, and not done.
 */
function cutOff(error: NodeJS.ErrnoException): void {
  if (mayBeInterrupted) {
    controller.abort();
    return;
  }
  atWork = false;
  process.exit(error.code === 'EPIPE' ? 0 : 1);
}
process.stdout.on('error', cutOff);
process.stderr.on('error', cutOff);

const io: Io = {
  words: process.argv.slice(2),
  // Names and messages in a line may be of others: of a recipe, a model, a tool.
  out: (line) => void process.stdout.write(`${harmless(line)}\n`),
  err: (line) => void process.stderr.write(`${harmless(line)}\n`),
  terminal: process.stdout.isTTY === true,
  // NO_COLOR and the like are heeded by Node itself.
  color: process.stderr.isTTY === true && process.stderr.hasColors(),
  signal: controller.signal,
};

/** 3 for a tool, 1 for a cache that cannot be read or written, 2 for what is wrong with what was asked for. */
function statusOf({ diagnostics }: FinnError): number {
  if (diagnostics.some(({ code }) => code === 'tool/missing' || code === 'tool/version')) return 3;
  return diagnostics.every(({ code }) => code.startsWith('cache/')) ? 1 : 2;
}

/** For programs: why a command did nothing, as its one JSON object. */
function refused(status: number, diagnostics: readonly Diagnostic[]): void {
  if (!process.argv.includes('--json')) return;
  io.out(JSON.stringify({ type: 'refused', status, diagnostics: diagnostics.map((one) => diagnosticJson(one)) }));
}

/** Runs a command; what a user can cause ends in diagnostics and the status that goes with them, anything else is a bug and says so. */
async function run(command: () => Promise<number>): Promise<void> {
  atWork = true;
  try {
    process.exitCode = await command();
  } catch (cause) {
    if (cause instanceof FinnError) {
      for (const diagnostic of cause.diagnostics) io.err(render(diagnostic, { color: io.color }));
      process.exitCode = statusOf(cause);
      refused(process.exitCode, cause.diagnostics);
      return;
    }
    const refusal = refusalOf(cause);
    if (refusal !== undefined) {
      const diagnostic = error('cli/file', refusal);
      io.err(render(diagnostic, { color: io.color }));
      process.exitCode = 1;
      refused(1, [diagnostic]);
      return;
    }
    io.err(`finn: this is a defect of finn, please report it\n${cause instanceof Error ? cause.stack : String(cause)}`);
    process.exitCode = 1;
  } finally {
    atWork = false;
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const program = commandLine({ io, version: version(), run, interruptible });
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])])
  command.exitOverride(({ exitCode, message }) => {
    if (exitCode !== 0) refused(2, [error('cli/usage', message.replace(/^error: /, ''))]);
    process.exit(exitCode === 0 ? 0 : 2);
  });
await program.parseAsync();
