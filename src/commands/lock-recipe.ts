import { plainScreen } from '../ui/plain.ts';
import { type Lock, updateLock } from './lock.ts';
import { type Io, lockPath, openSession } from './session.ts';
import { wantedOf } from './wanted.ts';

export interface LockOptions {
  readonly allowRun?: boolean | undefined;
}

const nothing: Lock = { lock: 1, sources: {}, tools: {} };

/** `finn lock`: gets every model, asks every tool that the builds use for its version, and writes both to finn.lock. */
export async function lockRecipe(recipe: string, { allowRun }: LockOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { allowRun }, io);
  const { engine, executor, lock, fetched, networkScopes, render } = session;
  const sources = [...networkScopes.values()].map((scope) => ({
    scope,
    step: scope.settings.network.model.kind === 'run' ? 'run-model' : 'fetch',
  }));
  const screen = plainScreen({ write: io.out, render });
  const got = await engine.run(engine.graph(sources), { display: screen.display, signal: io.signal });
  await screen.close();
  const tools: Record<string, string> = {};
  const { instances } = await engine.plan(engine.graph(wantedOf(session, undefined)));
  for (const { step, scope } of got.ok ? instances.map(({ instance }) => instance) : [])
    for (const tool of step.tools?.(scope.settings) ?? []) tools[tool.name] = await executor.version(tool);
  await executor.close();
  if (got.interrupted) return 130;
  if (!got.ok) return 1;
  updateLock(recipe, lock ?? nothing, fetched, tools);
  io.out(lockPath(recipe));
  return 0;
}
