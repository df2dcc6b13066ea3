import { join } from 'node:path';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { chooseScreen } from '../ui/choose.ts';
import { checkExpectations } from './expect.ts';
import { drift, updateLock } from './lock.ts';
import { resultFiles, toolsOf, writeBuildFolder } from './output.ts';
import { type Io, openSession } from './session.ts';
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
    { builds: options.build, jobs: options.jobs, allowRun: options.allowRun, locked: options.locked },
    io,
  );
  const graph = session.engine.graph(wantedOf(session, options.until));
  const terminal = io.terminal && !options.plain && session.project.display.style === 'auto';
  const screen = await chooseScreen({ json: options.json ?? false, terminal, write: io.out, render: session.render });
  const built = await session.engine.run(graph, {
    display: screen.display,
    signal: io.signal,
    force: options.force,
    keepGoing: options.keepGoing,
  });
  await screen.close();
  await session.executor.close();
  const calls = built.outcomes.flatMap(({ result }) => result?.record.calls ?? []);
  if (options.locked && session.lock) {
    const drifted = drift(session.lock, toolsOf(calls));
    if (drifted.length > 0) throw new FinnError(...drifted);
  }
  const missed = session.builds.flatMap((one) => {
    const scope = session.buildScopes.get(one.name)!;
    const network = session.networkScopes.get(one.network.name)!;
    const failed = built.outcomes.some(
      ({ how, instance }) =>
        (how === 'failed' || how === 'skipped') && (instance.scope === network || isAt(instance.scope, scope)),
    );
    if (failed) return [];
    const folder = join(options.out, session.recipe.name, one.name);
    writeBuildFolder(folder, built, scope, network, session, one);
    if (!options.json) io.out(folder);
    return options.until === undefined && one.expect.length > 0
      ? checkExpectations(one, resultFiles(built, scope, network, one))
      : [];
  });
  for (const diagnostic of missed) io.err(session.render(diagnostic));
  if (built.interrupted) return 130;
  if (!built.ok)
    return built.outcomes.some(({ diagnostics }) =>
      diagnostics.some(({ code }) => code === 'tool/missing' || code === 'tool/version'),
    )
      ? 3
      : 1;
  if (missed.length > 0) return 1;
  updateLock(recipe, session.lock, session.fetched, toolsOf(calls));
  return 0;
}

const isAt = (scope: { readonly parent?: unknown }, at: unknown): boolean =>
  scope === at || (scope.parent !== undefined && isAt(scope.parent as { parent?: unknown }, at));
