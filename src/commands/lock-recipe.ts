import type { Built } from '../engine/engine.ts';
import { model } from '../steps/artifacts.ts';
import { sourceName } from '../steps/model.ts';
import { plainScreen } from '../ui/plain.ts';
import { sha256 } from '../util/hash.ts';
import { type Lock, lockPath, updateLock } from './lock.ts';
import { type Io, openSession, refuseUntrusted, type Session } from './session.ts';
import { wantedOf } from './wanted.ts';

export interface LockOptions {
  readonly allowRun?: boolean | undefined;
}

const nothing: Lock = { lock: 1, sources: {}, tools: {} };

/** `finn lock`: gets every model, asks every tool that the builds use for its version, and writes both to finn.lock. */
export async function lockRecipe(recipe: string, { allowRun }: LockOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { allowRun, building: true }, io);
  refuseUntrusted(session);
  const { engine, executor, lock, networkScopes, render } = session;
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
  updateLock(recipe, lock ?? nothing, sourcesOf(session, got), tools);
  io.out(lockPath(recipe));
  return 0;
}

/** sha256 by name of what the networks' sources gave: what was fetched, and the models that programs made. */
export function sourcesOf({ networkScopes, fetched }: Session, built: Built): Map<string, string> {
  const sources = new Map(fetched);
  for (const scope of networkScopes.values()) {
    const { model: source } = scope.settings.network;
    const made = source.kind === 'run' ? built.value(scope, model)?.value : undefined;
    if (made) sources.set(sourceName(source)!, sha256(made.onnx));
  }
  return sources;
}
