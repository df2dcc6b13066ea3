#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { Io } from './commands/session.ts';
import { FinnError } from './diagnostics/diagnostic.ts';
import { render } from './diagnostics/render.ts';

const controller = new AbortController();
process.once('SIGINT', () => {
  controller.abort();
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => controller.abort());

const io: Io = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  terminal: process.stdout.isTTY === true,
  color: process.stderr.isTTY === true,
  signal: controller.signal,
};

/** Runs a command; what a user can cause ends in diagnostics and exit status 2, anything else is a bug and says so. */
async function run(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (cause) {
    if (cause instanceof FinnError) {
      for (const diagnostic of cause.diagnostics) io.err(render(diagnostic, { color: io.color }));
      process.exitCode = cause.diagnostics.some(({ code }) => code === 'tool/missing' || code === 'tool/version')
        ? 3
        : 2;
      return;
    }
    io.err(`finn: this is a defect of finn, please report it\n${cause instanceof Error ? cause.stack : String(cause)}`);
    process.exitCode = 1;
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
const many = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];
const count = (value: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(value)) {
    io.err(`finn: --jobs takes a whole number of 1 or more, not '${value}'`);
    process.exit(2);
  }
  return Number(value);
};

const program = new Command('finn')
  .description('Builds FPGA accelerators for quantized neural networks from recipes.')
  .version(version(), '--version')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .showSuggestionAfterError();

program
  .command('build')
  .description('build what a recipe declares; what is fresh is not built again')
  .argument('<recipe>')
  .option('--build <name>', 'only this build (may be repeated)', many)
  .option('--until <step>', 'every step up to this one')
  .option('--jobs <n>', 'threads to use at once', count)
  .option('--force <step>', 'run this step whatever the cache has (may be repeated)', many)
  .option('--keep-going', 'after a failure go on with what does not depend on it')
  .option('--locked', 'refuse sources and tools that finn.lock does not have')
  .option('--allow-run', 'let `run` sources of the recipe execute')
  .option('--json', 'print events, one JSON object a line')
  .addOption(new Option('--plain', 'plain lines even on a terminal'))
  .option('--out <dir>', 'folder for the results', 'build')
  .action((recipe: string, options) =>
    run(async () => (await import('./commands/build.ts')).build(recipe, options, io)),
  );

await program.parseAsync();
