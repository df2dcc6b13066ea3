import { Command, InvalidArgumentError, Option } from 'commander';
import type { Io } from './session.ts';

const many = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];
const count = (value: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError('It takes a whole number from 1 to 9999.');
  return Number(value);
};
const folder = (value: string): string => {
  if (value === '') throw new InvalidArgumentError('It takes the path of a folder; `.` is this one.');
  return value;
};

/** What the words on a command line are handed to. */
export interface Terminal {
  readonly io: Io;
  readonly version: string;
  /** Runs a command and sets the exit status. */
  run(command: () => Promise<number>): Promise<void>;
  /** From now on interrupts ask the command to end. */
  interruptible(): void;
}

/** All of finn's commands: their words, options and examples. docs/reference/commands.md is made from it. */
export function commandLine({ io, version, run, interruptible }: Terminal): Command {
  const program = new Command('finn')
    .description('Builds FPGA accelerators for quantized neural networks from recipes.')
    .version(version, '--version')
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
    .action((dir: string) => run(async () => (await import('./init.ts')).init(dir, io)));

  command(
    'validate',
    'check recipes: the text, the meaning, and their networks up to folding',
    'finn validate recipes/*/*.yaml',
  )
    .argument('<recipe...>')
    .option('--json', 'print one JSON object')
    .action((recipes: string[], options) =>
      run(async () => (await import('./validate.ts')).validate(recipes, options, io)),
    );

  command('plan', 'show every step: fresh, cached or to be run, and because of what', 'finn plan digits.yaml')
    .argument('<recipe>')
    .option('--build <name>', 'only this build (may be repeated)', many)
    .option('--until <step>', 'every step up to this one')
    .option('--jobs <n>', 'threads that the build would use', count)
    .option('--json', 'print one JSON object')
    .action((recipe: string, options) =>
      run(async () => {
        interruptible();
        return (await import('./plan.ts')).planRecipe(recipe, options, io);
      }),
    );

  command(
    'explain',
    'say what changed since a step last ran, in the words of the recipe',
    'finn explain digits.yaml codegen/MVAU_1',
  )
    .argument('<recipe>')
    .argument('<step>', 'a step; with /MVAU_1 or /hx8k/MVAU_1 behind it that instance alone')
    .option('--build <name>', 'only this build (may be repeated)', many)
    .option('--json', 'print one JSON object')
    .action((recipe: string, step: string, options) =>
      run(async () => {
        interruptible();
        return (await import('./explain.ts')).explainStep(recipe, step, options, io);
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
    .option('--check', 'build twice in other circumstances and compare every byte')
    .addOption(new Option('--rehearse <seed>').argParser(count).hideHelp())
    .option('--out <dir>', 'folder for the results', folder, 'build')
    .action((recipe: string, options) =>
      run(async () => {
        interruptible();
        if (options.check) return (await import('./check.ts')).checkBuild(recipe, options, io);
        return (await import('./build.ts')).build(recipe, options, io);
      }),
    );

  command(
    'watch',
    'build, and build again whenever the recipe or anything that it is made from is saved',
    'finn watch digits.yaml --until fold',
  )
    .argument('<recipe>')
    .option('--build <name>', 'only this build (may be repeated)', many)
    .option('--until <step>', 'every step up to this one')
    .option('--jobs <n>', 'threads to use at once', count)
    .option('--allow-run', 'let `run` sources of the recipe and plug-ins execute')
    .option('--json', 'print events, one JSON object a line')
    .option('--out <dir>', 'folder for the results', folder, 'build')
    .action((recipe: string, options) =>
      run(async () => {
        interruptible();
        return (await import('./watch.ts')).watch(recipe, options, io);
      }),
    );

  command(
    'graph',
    'draw the steps of a recipe, the network or the layers of a build, or the time that builds took',
    'finn graph digits.yaml --of layers --format svg > layers.svg',
  )
    .argument('<recipe>')
    .option('--of <what>', 'steps, network, layers or time', 'steps')
    .option('--format <format>', 'dot, mermaid or svg; dot if left out, svg for time')
    .option('--build <name>', 'of this build; the first if left out, all for time', many)
    .option('--out <dir>', 'folder of the results, for time', folder, 'build')
    .action((recipe: string, options) => run(async () => (await import('./graph.ts')).graph(recipe, options, io)));

  command('exec', 'run any ONNX model in the reference interpreter', 'finn exec tfc.onnx --input x.npy --output y.npy')
    .argument('<model>', 'QONNX, QCDQ, FINN-ONNX, or a model of intermediate_models/')
    .requiredOption('--input <npy...>', "one file for each input, in the model's order; one frame or N of them")
    .requiredOption('--output <npy...>', "one file for each output, in the model's order")
    .action((model: string, options) => run(async () => (await import('./exec.ts')).exec(model, options, io)));

  command('inspect', 'say what is in an ONNX model, and what of it would not become hardware', 'finn inspect tfc.onnx')
    .argument('<model>')
    .option('--json', 'print one JSON object')
    .action((model: string, options) => run(async () => (await import('./inspect.ts')).inspect(model, options, io)));

  command('boards', 'list the boards, or show one', 'finn boards icebreaker')
    .argument('[name]', 'name of a board, or the path of a board file')
    .option('--json', 'print JSON')
    .action((name: string | undefined, options) =>
      run(async () => (await import('./boards.ts')).boards(name, options, io)),
    );

  command(
    'operators',
    'list the hardware layers and the ONNX operators that finn knows, or show one',
    'finn operators MVAU',
  )
    .argument('[name]')
    .option('--json', 'print JSON')
    .action((name: string | undefined, options) =>
      run(async () => (await import('./operators.ts')).listOperators(name, options, io)),
    );

  command('doctor', 'say which tools are here, which versions, and what each is needed for', 'finn doctor')
    .option('--json', 'print one JSON object')
    .action((options) => run(async () => (await import('./doctor.ts')).doctor(options, io)));

  const cache = command('cache', 'look at the cache, check it, make it smaller, share it', 'finn cache gc --size 5GB');
  cache
    .command('ls')
    .description('say how much is in the cache, by kind')
    .argument('[recipe]', 'whose cache; that of this folder if left out')
    .option('--json', 'print one JSON object')
    .action((recipe: string | undefined, options) =>
      run(async () => (await import('./cache.ts')).cacheLs(recipe, options, io)),
    );
  cache
    .command('verify')
    .description('read all of the cache: is everything what its name and its checksum say?')
    .argument('[recipe]', 'whose cache; that of this folder if left out')
    .option('--repair', 'remove what is damaged, so that it is made again')
    .option('--json', 'print one JSON object')
    .action((recipe: string | undefined, options) =>
      run(async () => (await import('./cache-verify.ts')).cacheVerify(recipe, options, io)),
    );
  cache
    .command('gc')
    .description('remove what was not used for the longest time, until the cache is small enough')
    .argument('[recipe]', 'whose cache; that of this folder if left out')
    .option('--size <size>', 'how much may stay: 5GB; what finn.config.yaml says if left out')
    .option('--json', 'print one JSON object')
    .action((recipe: string | undefined, options) =>
      run(async () => {
        interruptible();
        return (await import('./cache-gc.ts')).cacheGc(recipe, options, io);
      }),
    );

  for (const [name, what] of [
    ['push', 'send the results of a recipe that the cache has to the remote cache of finn.config.yaml'],
    ['pull', 'fetch what the remote cache has of the results of a recipe, without building'],
  ] as const)
    cache
      .command(name)
      .description(what)
      .argument('<recipe>')
      .option('--build <name>', 'only this build (may be repeated)', many)
      .option('--until <step>', 'every step up to this one')
      .option('--json', 'print one JSON object')
      .action((recipe: string, options) =>
        run(async () => {
          interruptible();
          return name === 'push'
            ? (await import('./cache-push.ts')).cachePush(recipe, options, io)
            : (await import('./cache-pull.ts')).cachePull(recipe, options, io);
        }),
      );

  command('clean', 'remove the build folders of a recipe; only what finn made', 'finn clean digits.yaml --cache')
    .argument('[recipe]')
    .option('--cache', 'remove the cache too')
    .option('--out <dir>', 'folder of the results', folder, 'build')
    .action((recipe: string | undefined, options) =>
      run(async () => (await import('./clean.ts')).clean(recipe, options, io)),
    );

  command('lock', 'fetch the sources of a recipe and write finn.lock, without building', 'finn lock bnn-pynq.yaml')
    .argument('<recipe>')
    .option('--allow-run', 'let `run` sources of the recipe execute')
    .option('--check', 'write nothing: status 1 if finn.lock would change')
    .action((recipe: string, options) =>
      run(async () => {
        interruptible();
        return (await import('./lock-recipe.ts')).lockRecipe(recipe, options, io);
      }),
    );

  command(
    'bundle',
    'pack a tool call that failed, so that someone else can run it again',
    'finn bundle digits.yaml synthesize -o for-the-bug-report.zip',
  )
    .argument('[what...]', 'the recipe; a step, or the folder that the error named, where several failed')
    .option('-o, --output <zip>', 'file to write; the name of the folder if left out')
    .action((what: string[], options) => run(async () => (await import('./bundle.ts')).bundle(what, options, io)));

  command(
    'verify-build',
    'check the folder of a build against its build.json: missing, changed and extra files',
    'finn verify-build build/digits/icebreaker --recipe digits.yaml',
  )
    .argument('<build>', 'folder of a build, or its build.json')
    .option('--recipe <recipe>', 'also say what of the recipe, its inputs and the tools is not as it was')
    .option('--json', 'print one JSON object')
    .action((build: string, options) =>
      run(async () => (await import('./verify-build.ts')).verifyBuild(build, options, io)),
    );

  command(
    'diff',
    'show two builds side by side: recipe, tools, inputs, layers, totals, verdicts, files',
    'finn diff old/digits/hx8k build/digits/hx8k',
  )
    .argument('<a>', 'folder of a build, or its build.json')
    .argument('<b>')
    .option('--json', 'print one JSON object')
    .action((a: string, b: string, options) => run(async () => (await import('./diff.ts')).diff(a, b, options, io)));

  command('program', "write a build's bitstream to the board", 'finn program build/digits/icebreaker')
    .argument('<build>', 'folder of a build')
    .option('--board <board>', 'name or file of the board; the one that it was built for if left out')
    .option('--allow-run', 'let the command of a board file that does not come with finn execute')
    .action((build: string, options) =>
      run(async () => {
        interruptible();
        return (await import('./program.ts')).program(build, options, io);
      }),
    );

  return program;
}
