import { join } from 'node:path';
import { type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import type { StepGraph } from '../engine/graph.ts';
import { sourceName } from '../steps/model.ts';
import { chooseScreen } from '../ui/choose.ts';
import { checkExpectations } from './expect.ts';
import { drift, type Lock, sourceDrift, updateLock } from './lock.ts';
import { sourcesOf } from './lock-recipe.ts';
import { resultFiles, shownGraphs, toolsOf, writeBuildFolder } from './output.ts';
import { type Io, openSession, refuseUntrusted, type Session } from './session.ts';
import { type Made, summary } from './summary.ts';
import { wantedOf } from './wanted.ts';

export interface BuildOptions {
  readonly build?: readonly string[] | undefined;
  readonly until?: string | undefined;
  readonly jobs?: number | undefined;
  readonly force?: readonly string[] | undefined;
  readonly keepGoing?: boolean | undefined;
  readonly locked?: boolean | undefined;
  readonly allowRun?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly plain?: boolean | undefined;
  readonly out: string;
}

/** `finn build`: exit status 0 done, 1 a step failed, 3 a tool is missing, 130 interrupted; what is wrong before is thrown. */
export async function build(recipe: string, options: BuildOptions, io: Io): Promise<number> {
  const session = openSession(
    recipe,
    { builds: options.build, jobs: options.jobs, allowRun: options.allowRun, locked: options.locked, building: true },
    io,
  );
  refuseUntrusted(session);
  const graph = session.engine.graph(wantedOf(session, options.until));
  if (options.locked && session.lock) await checkLock(session, session.lock, graph);
  const terminal = io.terminal && !options.plain && session.project.display.style === 'auto';
  const screen = await chooseScreen({ json: options.json ?? false, terminal, write: io.out, render: session.render });
  const built = await session.engine.run(graph, {
    display: screen.display,
    signal: io.signal,
    force: options.force,
    keepGoing: options.keepGoing,
    // Of many networks that would be too much.
    ...(session.networkScopes.size === 1 && { keep: shownGraphs }),
  });
  await screen.close();
  await session.executor.close();
  const sources = sourcesOf(session, built);
  if (options.locked && session.lock) refuse(sourceDrift(session.lock, sources));
  const made = session.builds.flatMap((one): Made[] => {
    const scope = session.buildScopes.get(one.name)!;
    const network = session.networkScopes.get(one.network.name)!;
    const failed = built.outcomes.some(
      ({ how, instance }) =>
        (how === 'failed' || how === 'skipped') && (instance.scope === network || isAt(instance.scope, scope)),
    );
    if (failed) return [];
    const folder = join(options.out, session.recipe.name, one.name);
    const files = resultFiles(built, scope, network, one);
    writeBuildFolder(folder, files, built, scope, network, session, one);
    return [{ build: one, files, folder }];
  });
  if (!options.json) for (const line of summary(made)) io.out(line);
  const missed =
    options.until === undefined ? made.flatMap(({ build: one, files }) => checkExpectations(one, files)) : [];
  for (const diagnostic of missed) io.err(session.render(diagnostic));
  // What was fetched is pinned even where a later step failed.
  const calls = built.outcomes.flatMap(({ result }) => result?.record.calls ?? []);
  const ok = built.ok && missed.length === 0;
  if (!options.locked) updateLock(recipe, session.lock, sources, ok ? toolsOf(calls) : {});
  if (built.interrupted) return 130;
  if (ok) return 0;
  const lacking = built.outcomes.some(({ diagnostics }) =>
    diagnostics.some(({ code }) => code === 'tool/missing' || code === 'tool/version'),
  );
  return lacking ? 3 : 1;
}

/** Refuses, before anything runs, sources that the lock does not pin and tools of other versions than it has. */
async function checkLock({ engine, executor, networkScopes }: Session, lock: Lock, graph: StepGraph): Promise<void> {
  const unpinned = [...networkScopes.values()].flatMap(({ settings: { network } }) => {
    const name = sourceName(network.model);
    if (name === undefined || network.model.sha256 !== undefined || lock.sources[name] !== undefined) return [];
    return [
      error('lock/missing', `finn.lock has no sha256 of what \`${name}\` gives`, {
        at: network.at,
        hint: '`finn lock` writes it',
      }),
    ];
  });
  const { instances } = await engine.plan(graph);
  const tools = new Map(
    instances
      .flatMap(({ instance: { step, scope } }) => step.tools?.(scope.settings) ?? [])
      .map((tool) => [tool.name, tool]),
  );
  const versions: Record<string, string> = {};
  for (const [name, tool] of tools) versions[name] = await executor.version(tool);
  const wrong = [...unpinned, ...drift(lock, versions)];
  if (wrong.length > 0) await executor.close();
  refuse(wrong);
}

function refuse(wrong: readonly Diagnostic[]): void {
  if (wrong.length > 0) throw new FinnError(...wrong);
}

const isAt = (scope: { readonly parent?: unknown }, at: unknown): boolean =>
  scope === at || (scope.parent !== undefined && isAt(scope.parent as { parent?: unknown }, at));
