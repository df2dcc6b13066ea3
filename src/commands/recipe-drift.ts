import { FinnError } from '../diagnostics/diagnostic.ts';
import { programNames } from '../engine/judge.ts';
import { finnVersion, hashOwnCode } from '../engine/own-code.ts';
import { planHost } from '../engine/readings.ts';
import { UnknownUntilRun } from '../engine/step.ts';
import { contentHash } from '../util/hash.ts';
import { boardFiles, type Manifest, recipeFiles, targetOf } from './manifest.ts';
import { type Change, changesBetween, factsOf, prefixed } from './manifest-facts.ts';
import { type Io, openSession } from './session.ts';
import { wantedOf } from './wanted.ts';

/** What is not as it was when a build was made. */
export interface Drift {
  readonly changes: readonly Change[];
  /** What cannot be told without fetching or running something, or because a tool is not here. */
  readonly unknown: readonly string[];
}

/**
 * Compares what a recipe's build would be made of today with what it was made of: files of the recipe and the board,
 * everything that steps read from outside, tools, finn. Fetches nothing and runs nothing but `--version` of tools.
 * FinnError where the recipe has no build of that name.
 */
export async function recipeDrift(path: string, manifest: Manifest, io: Io): Promise<Drift> {
  const session = openSession(path, { builds: [manifest.build] }, io);
  const { recipe, engine, executor } = session;
  const [build] = session.builds;
  const unknown: string[] = [];
  // What the folder holds, not what could be asked for: it may have been built only so far.
  const { outputs: _, ...was } = factsOf(manifest);
  const is: Record<string, string> = {
    ...was,
    recipe: recipe.name,
    network: build!.network.name,
    folding: build!.folding.name,
    'finn version': finnVersion(),
    'finn code': session.plugins.finn ?? hashOwnCode(),
    ...prefixed('target ', targetOf(build!.target)),
    ...prefixed('input ', boardFiles(build!.target.board)),
  };
  for (const name of Object.keys(is)) if (/^(recipe file|tool|plug-in) /.test(name)) delete is[name];
  Object.assign(is, prefixed('recipe file ', recipeFiles(recipe)));
  Object.assign(is, prefixed('plug-in ', Object.fromEntries(session.plugins.hashes)));
  const host = planHost(io.signal);
  const { instances } = await engine.plan(engine.graph(wantedOf(session, undefined)));
  const asked = new Set<string>();
  for (const { step, scope } of instances.map(({ instance }) => instance)) {
    // Steps of the build that this folder does not hold, because it was built only so far, are no matter.
    if (!Object.keys(manifest.steps).some((name) => name.startsWith(`${step.name}/`)) || asked.has(step.name)) continue;
    asked.add(step.name);
    const sources = await orReason(async () => (await step.sources?.(scope.settings, host)) ?? {});
    if (typeof sources === 'string' || sources instanceof UnknownUntilRun) {
      unknown.push(`${step.name}: ${sources instanceof UnknownUntilRun ? sources.reason : sources}`);
    } else {
      for (const name of Object.keys(is)) if (name.startsWith(`input ${step.name}/`)) delete is[name];
      for (const [name, bytes] of Object.entries(sources)) is[`input ${step.name}/${name}`] = contentHash(bytes);
    }
    for (const tool of step.tools?.(scope.settings) ?? []) {
      const name = `tool ${tool.name} (${programNames[tool.program.kind]})`;
      // A tool that a step may call and did not call has made nothing; one of another kind would make it today.
      if (was[name] === undefined && manifest.tools[tool.name] === undefined) continue;
      const version = await orReason(() => executor.version(tool));
      is[name] = version;
    }
  }
  await executor.close();
  return { changes: changesBetween(was, is), unknown };
}

/** What it gives, or in words why it cannot. */
async function orReason<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof FinnError) return cause.diagnostics[0]?.message ?? 'unknown';
    throw cause;
  }
}
