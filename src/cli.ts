#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { Io } from './commands/session.ts';
import { FinnError } from './diagnostics/diagnostic.ts';
import { render } from './diagnostics/render.ts';

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
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  terminal: process.stdout.isTTY === true,
  // NO_COLOR and the like are heeded by Node itself.
  color: process.stderr.isTTY === true && process.stderr.hasColors(),
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

/** A command of one line of description, with an example behind its help. */
const command = (name: string, description: string, example: string): Command =>
  program.command(name).description(description).addHelpText('after', `\nExample:\n  $ ${example}`);

command(
  'init',
  'write a recipe that builds, a config and a .gitignore',
  'finn init my-net && finn build my-net/recipe.yaml',
)
  .argument('[dir]', 'folder to write to', '.')
  .action((dir: string) => run(async () => (await import('./commands/init.ts')).init(dir, io)));

command(
  'validate',
  'check recipes: the text, the meaning, and their networks up to folding',
  'finn validate recipes/*/*.yaml',
)
  .argument('<recipe...>')
  .option('--json', 'print one JSON object')
  .action((recipes: string[], options) =>
    run(async () => (await import('./commands/validate.ts')).validate(recipes, options, io)),
  );

command('plan', 'show every step: fresh, cached or to be run, and because of what', 'finn plan digits.yaml')
  .argument('<recipe>')
  .option('--build <name>', 'only this build (may be repeated)', many)
  .option('--until <step>', 'every step up to this one')
  .option('--json', 'print one JSON object')
  .action((recipe: string, options) =>
    run(async () => {
      interruptible();
      return (await import('./commands/plan.ts')).planRecipe(recipe, options, io);
    }),
  );

command(
  'build',
  'build what a recipe declares; what is fresh is not built again',
  'finn build digits.yaml --until stitch',
)
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
    run(async () => {
      interruptible();
      return (await import('./commands/build.ts')).build(recipe, options, io);
    }),
  );

command(
  'graph',
  'draw the steps of a recipe, or the network or the layers of a build',
  'finn graph digits.yaml --of layers --format svg > layers.svg',
)
  .argument('<recipe>')
  .option('--of <what>', 'steps, network or layers', 'steps')
  .option('--format <format>', 'dot, mermaid or svg', 'dot')
  .option('--build <name>', 'of this build; the first if left out', many)
  .action((recipe: string, options) =>
    run(async () => (await import('./commands/graph.ts')).graph(recipe, options, io)),
  );

command('exec', 'run any ONNX model in the reference interpreter', 'finn exec tfc.onnx --input x.npy --output y.npy')
  .argument('<model>', 'QONNX, QCDQ, FINN-ONNX, or a model of intermediate_models/')
  .requiredOption('--input <npy...>', "one file for each input, in the model's order; one frame or N of them")
  .requiredOption('--output <npy...>', "one file for each output, in the model's order")
  .action((model: string, options) => run(async () => (await import('./commands/exec.ts')).exec(model, options, io)));

command('inspect', 'say what is in an ONNX model, and what of it would not become hardware', 'finn inspect tfc.onnx')
  .argument('<model>')
  .option('--json', 'print one JSON object')
  .action((model: string, options) =>
    run(async () => (await import('./commands/inspect.ts')).inspect(model, options, io)),
  );

command('boards', 'list the boards, or show one', 'finn boards icebreaker')
  .argument('[name]', 'name of a board, or the path of a board file')
  .option('--json', 'print JSON')
  .action((name: string | undefined, options) =>
    run(async () => (await import('./commands/boards.ts')).boards(name, options, io)),
  );

command(
  'operators',
  'list the hardware layers and the ONNX operators that finn knows, or show one',
  'finn operators MVAU',
)
  .argument('[name]')
  .option('--json', 'print JSON')
  .action((name: string | undefined, options) =>
    run(async () => (await import('./commands/operators.ts')).listOperators(name, options, io)),
  );

command('doctor', 'say which tools are here, which versions, and what each is needed for', 'finn doctor')
  .option('--json', 'print one JSON object')
  .action((options) => run(async () => (await import('./commands/doctor.ts')).doctor(options, io)));

command('cache', 'look at the cache', 'finn cache ls')
  .command('ls')
  .description('say how much is in the cache, by kind')
  .argument('[recipe]', 'whose cache; that of this folder if left out')
  .option('--json', 'print one JSON object')
  .action((recipe: string | undefined, options) =>
    run(async () => (await import('./commands/cache.ts')).cacheLs(recipe, options, io)),
  );

command('clean', 'remove the build folders of a recipe; only what finn made', 'finn clean digits.yaml --cache')
  .argument('[recipe]')
  .option('--cache', 'remove the cache too')
  .option('--out <dir>', 'folder of the results', 'build')
  .action((recipe: string | undefined, options) =>
    run(async () => (await import('./commands/clean.ts')).clean(recipe, options, io)),
  );

command('lock', 'fetch the sources of a recipe and write finn.lock, without building', 'finn lock bnn-pynq.yaml')
  .argument('<recipe>')
  .option('--allow-run', 'let `run` sources of the recipe execute')
  .action((recipe: string, options) =>
    run(async () => {
      interruptible();
      return (await import('./commands/lock-recipe.ts')).lockRecipe(recipe, options, io);
    }),
  );

command('program', "write a build's bitstream to the board", 'finn program build/digits/icebreaker')
  .argument('<build>', 'folder of a build')
  .option('--board <board>', 'name or file of the board; the one that it was built for if left out')
  .action((build: string, options) =>
    run(async () => {
      interruptible();
      return (await import('./commands/program.ts')).program(build, options, io);
    }),
  );

await program.parseAsync();
