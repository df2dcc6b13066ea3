#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { commandLine } from './commands/command-line.ts';
import type { Io } from './commands/session.ts';
import { FinnError } from './diagnostics/diagnostic.ts';
import { render } from './diagnostics/render.ts';
import { harmless } from './diagnostics/visible.ts';

const controller = new AbortController();

/**
 * From now on the first interrupt asks the command to end what it has started, the second ends finn. Commands without
 * this end at once: what computes without pause would not hear of it.
 */
function interruptible(): void {
  process.once('SIGINT', () => {
    controller.abort();
    process.once('SIGINT', () => process.exit(130));
  });
  process.once('SIGTERM', () => controller.abort());
}

// `finn boards | head -1` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const io: Io = {
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

/** Runs a command; what a user can cause ends in diagnostics and the status that goes with them, anything else is a bug and says so. */
async function run(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (cause) {
    if (cause instanceof FinnError) {
      for (const diagnostic of cause.diagnostics) io.err(render(diagnostic, { color: io.color }));
      process.exitCode = statusOf(cause);
      return;
    }
    io.err(`finn: this is a defect of finn, please report it\n${cause instanceof Error ? cause.stack : String(cause)}`);
    process.exitCode = 1;
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const program = commandLine({ io, version: version(), run, interruptible });
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])])
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
await program.parseAsync();
