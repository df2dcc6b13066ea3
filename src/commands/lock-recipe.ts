import { readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Recipe } from '../config/model.ts';
import { readSource } from '../config/read.ts';
import { loadRecipe } from '../config/recipe.ts';
import { isPlain, type Plain } from '../config/source.ts';
import { sourceName } from '../steps/model.ts';
import { scopesOf } from '../steps/settings.ts';
import { plainScreen } from '../ui/plain.ts';
import { emptyLock, extendLock, type Lock, lockChanges, lockPath, writeLock } from './lock.ts';
import { sourceSteps, sourcesOf, toolsNow } from './pinned.ts';
import { type Io, openSession, refuseUntrusted, type Session } from './session.ts';
import { plural } from './table.ts';
import { wantedOf } from './wanted.ts';

export interface LockOptions {
  readonly allowRun?: boolean | undefined;
  /** Write nothing: status 1 where the lock is not what it would become. */
  readonly check?: boolean | undefined;
}

/**
 * `finn lock`: gets every model, asks every tool that the builds may use for its version, and writes both to finn.lock.
 * What the lock has that no recipe of the folder uses any more is taken out. Status 1 where a model cannot be had.
 */
export async function lockRecipe(recipe: string, { allowRun, check }: LockOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { allowRun, building: true }, io);
  refuseUntrusted(session);
  const { engine, executor, render } = session;
  const screen = plainScreen({ write: io.out, render });
  const got = await engine.run(engine.graph(sourceSteps(session)), { display: screen.display, signal: io.signal });
  await screen.close();
  if (!got.ok) {
    await executor.close();
    return got.interrupted ? 130 : 1;
  }
  const tools = await toolsNow(await engine.plan(engine.graph(wantedOf(session, undefined))), executor);
  await executor.close();
  const before = session.lock ?? emptyLock;
  const after = extendLock(inUse(before, session), sourcesOf(session, got), tools);
  const changes = lockChanges(before, after);
  for (const line of changes) io.out(`  ${line}`);
  const path = lockPath(recipe);
  if (check) {
    io.out(`${path}: ${changes.length === 0 ? 'up to date' : `${plural(changes.length, 'change')} behind`}`);
    return changes.length === 0 ? 0 : 1;
  }
  writeLock(recipe, after);
  io.out(`${path}: ${changes.length === 0 ? 'unchanged' : 'written; keep it in git'}`);
  return 0;
}

/** Of a lock, what the other recipes of its folder use. All of it while one of them cannot be read. */
function inUse(lock: Lock, { recipe, project, plugins }: Session): Lock {
  const others = readRecipes(dirname(recipe.path), recipe);
  if (!others) return lock;
  const sources = new Set<string>();
  const tools = new Set<string>();
  for (const other of others) {
    // Nothing of it runs: what may run says its tools.
    const scopes = scopesOf(other, project, { mayRun: true, pins: new Map(), fetched: new Map() });
    for (const { settings } of scopes.networks.values()) sources.add(sourceName(settings.network.model) ?? '');
    for (const step of plugins.steps)
      for (const { settings } of [...scopes.networks.values(), ...scopes.builds.values()]) {
        const network = !('build' in settings);
        if (network !== (step.per === 'network') || step.applies?.(settings) === false) continue;
        for (const { name } of step.tools?.(settings) ?? []) tools.add(name);
      }
  }
  const keep = <T>(record: Readonly<Record<string, T>>, names: ReadonlySet<string>): Record<string, T> =>
    Object.fromEntries(Object.entries(record).filter(([name]) => names.has(name)));
  return { ...lock, sources: keep(lock.sources, sources), tools: keep(lock.tools, tools) };
}

/** The recipes that lie beside one; undefined where one of them is broken. Other YAML files are passed over. */
function readRecipes(folder: string, own: Recipe): Recipe[] | undefined {
  const found: Recipe[] = [];
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (!/\.ya?ml$/.test(name) || normalize(path) === normalize(own.path)) continue;
    const written = readSource(path).source?.value;
    // Without `finn` it is something else; what declares no builds of its own is there for others to extend.
    if (written !== undefined && !(isPlain(written) && 'finn' in written && buildsSomething(written))) continue;
    const { recipe } = loadRecipe(path, 'any');
    if (!recipe) return undefined;
    found.push(recipe);
  }
  return found;
}

const buildsSomething = (written: Plain): boolean => ['builds', 'matrix', 'extends'].some((key) => key in written);
