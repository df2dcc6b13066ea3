import { existsSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { basename, dirname, isAbsolute, relative } from 'node:path';
import type { Project } from '../config/project.ts';
import { error, FinnError } from '../diagnostics/diagnostic.ts';
import { hashOwnCode } from '../engine/own-code.ts';
import type { AnyStep } from '../engine/step.ts';
import type { Op } from '../ir/graph.ts';
import { extendOnnx, onnxOps } from '../onnx/ops/index.ts';
import { extendOperators, operators } from '../operators/index.ts';
import type { Operator } from '../operators/operator.ts';
import { extendPasses } from '../passes/plugged.ts';
import { elementwiseRule } from '../passes/streamline/elementwise.ts';
import type { Rule } from '../passes/streamline/rule.ts';
import { extendRules } from '../passes/streamline/rules.ts';
import { steps as ownSteps } from '../steps/index.ts';
import { sha256 } from '../util/hash.ts';
import * as finn from './api.ts';
import { blamed } from './blame.ts';
import { type Bundle, bundle } from './bundle.ts';
import { clashes, type Named, pluginOf } from './check.ts';
import { type Guard, guarded, whole } from './guard.ts';
import type { OnnxOperator, Plugin } from './plugin.ts';

/** The plug-ins of a project, in use. */
export interface Plugins {
  /** finn's steps, and those of the plug-ins behind them. */
  readonly steps: readonly AnyStep[];
  /** The plug-ins' own among them. */
  readonly ownSteps: readonly AnyStep[];
  /** Hashes of finn's code and of the plug-ins', a '+' between them, for the engine; undefined without plug-ins: it finds finn's own. */
  readonly finn: string | undefined;
  /** Everything that the plug-ins consist of, as absolute paths: what to watch. */
  readonly files: readonly string[];
  /** Hash of each plug-in by its path as messages show it; it does not depend on where the project lies. */
  readonly hashes: ReadonlyMap<string, string>;
  /** What another thread loads the same from; undefined without plug-ins. */
  readonly program: Program | undefined;
  /** Settings that recipes may give to layers beside finn's own. */
  readonly layerSettings: ReadonlySet<string>;
  /** What a plug-in threw, as a FinnError that shows the line; anything else as it is. */
  blame(cause: unknown): unknown;
}

/** Plug-ins compiled, and what messages call each: plain data. */
export interface Program {
  readonly bundle: Bundle;
  readonly names: readonly string[];
}

export interface LoadOptions {
  /** --allow-run was given. */
  readonly mayRun: boolean;
  /** Is told each plug-in that is loaded, before any runs. */
  announce?(path: string, hash: string): void;
}

const own = { operators, onnx: onnxOps };
/** The plug-ins in use, and what they were made from. They are loaded anew, and replaced, when that is another. */
let inUse: { readonly of: string; readonly plugins: Plugins } | undefined;

/**
 * Compiles a project's plug-ins and runs them, and puts their operators, rules and passes to finn's own until the next
 * call; a changed file counts at once. Nothing runs that neither --allow-run nor `trust` of finn.config.yaml lets run.
 * Types are not checked. FinnError 'trust/plugin', or 'plugin/…' with all that is wrong.
 */
export function loadPlugins(project: Project, options: LoadOptions): Plugins {
  if (project.plugins.length === 0) return loadProgram(undefined);
  const names = project.plugins.map((path) => shown(project, path));
  refuse(project, names, options);
  const program = { bundle: bundle(project.plugins), names };
  if (inUse?.of !== identityOf(program))
    names.forEach((name, i) => void options.announce?.(name, program.bundle.hashes[i]!));
  return loadProgram(program);
}

const identityOf = ({ bundle: { hashes, code }, names }: Program): string =>
  sha256([...names, ...hashes, code].join('\n'));

/** Runs plug-ins that `loadPlugins` compiled, here or in another thread, and puts them to finn's own until the next call. FinnError 'plugin/…'. */
export function loadProgram(program: Program | undefined): Plugins {
  const of = program ? identityOf(program) : '';
  if (inUse?.of === of) return inUse.plugins;
  if (!program) {
    use([]);
    inUse = { of, plugins: none() };
    return inUse.plugins;
  }
  const { bundle: bundled, names } = program;
  const named = run(bundled).map((exported, i) => ({ exported, from: names[i]! }));
  const read = named.map(({ exported, from }) => ({ plugin: pluginOf(exported, from), from }));
  const wrong = read.flatMap(({ plugin }) => (Array.isArray(plugin) ? plugin : []));
  if (wrong.length > 0) throw new FinnError(...wrong);
  const list = read as readonly Named[];
  const clashing = clashes(list, { ...own, steps: ownSteps });
  if (clashing.length > 0) throw new FinnError(...clashing);
  use(list);
  const plugins = pluginsOf(list, program);
  inUse = { of, plugins };
  return plugins;
}

/** Fails for plug-ins that are not there, and for those that nobody has said may run. */
function refuse(project: Project, names: readonly string[], { mayRun }: LoadOptions): void {
  const wrong = project.plugins.flatMap((path, i) => {
    const config = project.configPath === undefined ? 'finn.config.yaml' : relative('.', project.configPath);
    if (!mayRun && !project.trustsPlugin(path))
      return [
        error('trust/plugin', `${config} wants to load the plug-in ${names[i]}, which would run`, {
          hint: 'read what it does, then name it under `trust: plugins:` in finn.config.yaml, or pass --allow-run where a command takes it',
        }),
      ];
    if (existsSync(path)) return [];
    return [error('plugin/load', `${config} names the plug-in ${names[i]}, which is not there`)];
  });
  if (wrong.length > 0) throw new FinnError(...wrong);
}

/** Relative to finn.config.yaml, or the name of the file where it lies outside. */
function shown({ configPath }: Project, path: string): string {
  const way = configPath === undefined ? path : relative(dirname(configPath), path).replaceAll('\\', '/');
  return isAbsolute(way) || way.startsWith('../') ? basename(path) : way;
}

/** Runs the program; what the plug-ins export, in their order. `import 'finn'` is this very finn. */
function run(bundled: Bundle): Readonly<Record<string, unknown>>[] {
  const { code, filename } = bundled;
  const builtIn = createRequire(import.meta.url);
  const program = new Module(filename) as Module & { _compile(code: string, filename: string): void };
  program.filename = filename;
  program.require = ((id: string) => (id === 'finn' ? finn : builtIn(id))) as NodeJS.Require;
  try {
    program._compile(code, filename);
  } catch (cause) {
    throw blamed(cause, bundled);
  }
  const exported = program.exports as Readonly<Record<string, Record<string, unknown>>>;
  return Object.keys(exported)
    .filter((key) => /^p\d+$/.test(key))
    .sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))
    .map((key) => exported[key]!);
}

/** Sets what of finn's lists is the plug-ins'. */
function use(plugins: readonly Named[]): void {
  const all = <T>(part: (plugin: Plugin) => readonly T[] | undefined): T[] =>
    plugins.flatMap(({ plugin }) => part(plugin) ?? []);
  extendOperators(all(({ operators: more }) => more) as unknown as readonly Operator[]);
  const onnx = all((plugin) => plugin.onnx);
  extendOnnx(onnx.map(({ op }) => op));
  const ruleOf = ({ elementwise, rule }: OnnxOperator): Rule | undefined =>
    rule ?? (elementwise ? elementwiseRule : undefined);
  extendRules(
    new Map(
      onnx.flatMap((one): [Op, Rule][] => {
        const rule = ruleOf(one);
        return rule ? [[one.op, rule]] : [];
      }),
    ),
  );
  extendPasses(plugins.flatMap(({ plugin, from }) => (plugin.passes ?? []).map((pass) => ({ pass, from }))));
}

/** As if there were no plug-ins. */
function none(): Plugins {
  const plugins: Plugins = {
    steps: ownSteps.map((step) =>
      guarded(step, { isInUse: () => inUse?.plugins === plugins, blame: (cause) => cause }),
    ),
    ownSteps: [],
    finn: undefined,
    files: [],
    hashes: new Map(),
    program: undefined,
    layerSettings: new Set(),
    blame: (cause) => cause,
  };
  return plugins;
}

function pluginsOf(list: readonly Named[], program: Program): Plugins {
  const { bundle: bundled, names } = program;
  const { code, files, hashes } = bundled;
  const guard: Guard = { isInUse: () => inUse?.plugins === plugins, blame: (cause) => blamed(cause, bundled) };
  const more = list.flatMap(({ plugin, from }) =>
    (plugin.steps ?? []).map((step) => guarded(whole(step, from), guard)),
  );
  const plugins: Plugins = {
    // finn's own steps run the plug-ins' operators and passes.
    steps: [...ownSteps.map((step) => guarded(step, guard)), ...more],
    ownSteps: more,
    // The very program that runs, whatever became of its files meanwhile.
    finn: `${hashOwnCode()}+${sha256(code)}`,
    files,
    hashes: new Map(names.map((name, i) => [name, hashes[i]!])),
    program,
    layerSettings: new Set(
      list.flatMap(({ plugin }) => (plugin.operators ?? []).flatMap(({ fields }) => Object.keys(fields))),
    ),
    blame: guard.blame,
  };
  return plugins;
}
