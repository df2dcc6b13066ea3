import { type Diagnostic, error, FinnError } from '../diagnostics/diagnostic.ts';
import type { StepGraph } from '../engine/graph.ts';
import type { Plan } from '../engine/plan.ts';
import { sourceName } from '../steps/model.ts';
import { plainScreen } from '../ui/plain.ts';
import { type Lock, sourceDrift, toolDrift } from './lock.ts';
import { sourceSteps, sourcesOf, toolsNow } from './pinned.ts';
import type { Io, Session } from './session.ts';

/**
 * Refuses, before anything runs, sources that the lock does not pin and tools of other kinds or versions than it has.
 * Models that programs make are made first, if they are not there: what they give is held to the lock before anything
 * is built of it. FinnError with all that is wrong.
 */
export async function checkLock(session: Session, lock: Lock, graph: StepGraph, io: Io): Promise<void> {
  const { engine, executor, networkScopes } = session;
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
  const plan = await engine.plan(graph, { signal: io.signal });
  const wrong: Diagnostic[] = [
    ...unpinned,
    ...sourceDrift(lock, session.fetched),
    ...toolDrift(lock, await toolsNow(plan, executor)),
  ];
  if (wrong.length === 0) wrong.push(...(await madeModels(session, lock, plan, io)));
  if (wrong.length === 0) return;
  await executor.close();
  throw new FinnError(...wrong);
}

/** Makes the models that programs make and that are not there, and compares them with the lock. */
async function madeModels(session: Session, lock: Lock, plan: Plan, io: Io): Promise<Diagnostic[]> {
  const unmade = plan.instances.some(
    ({ id, state }) => id.step === 'run-model' && !['fresh', 'restored'].includes(state),
  );
  const runs = sourceSteps(session).filter((wanted) => wanted.step === 'run-model');
  if (runs.length === 0) return [];
  const screen = plainScreen({ write: unmade ? io.err : () => {}, render: session.render });
  const made = await session.engine.run(session.engine.graph(runs), { display: screen.display, signal: io.signal });
  await screen.close();
  // What failed is told by the build that follows, which tries it again.
  return made.ok ? sourceDrift(lock, sourcesOf(session, made)) : [];
}
