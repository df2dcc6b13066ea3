import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { createEngine } from '../engine/engine.ts';
import { differences } from '../engine/fingerprint.ts';
import type { Wanted } from '../engine/graph.ts';
import type { Known } from '../engine/known.ts';
import type { Planned, State } from '../engine/plan.ts';
import type { Outcome } from '../engine/scheduler.ts';
import { openStore, type Store } from '../engine/store.ts';
import { removeTree } from '../util/files.ts';
import { overlay } from './overlay.ts';
import type { Session } from './session.ts';

/** What a build would do. */
export interface Foreseen {
  /** Each after those that it needs. `seconds` are those of the last time, whatever becomes of it now. */
  readonly steps: readonly Planned[];
  /** The results that are there, those that were tried out included. */
  readonly known: Known;
  readonly diagnostics: readonly Diagnostic[];
}

/** What was found both by looking and by trying is told once. */
const distinct = (diagnostics: readonly Diagnostic[]): Diagnostic[] => [
  ...new Map(diagnostics.map((one) => [JSON.stringify(one), one])).values(),
];

/**
 * The plan of what is wanted. Where import to fold would have to run, and their models are at hand, they do so on a
 * throw-away store over the cache (they call no tools and take a second or two), so that layers are known and the plan
 * says which of them change.
 */
export async function foresee(session: Session, wanted: readonly Wanted[], signal: AbortSignal): Promise<Foreseen> {
  const first = await session.engine.plan(session.engine.graph(wanted), { signal });
  const folds = first.instances
    .filter(({ id, state }) => id.step === 'fold' && !isDone(state))
    .map(({ instance }) => instance.scope)
    .filter((scope) =>
      first.instances.every((planned) => !needsWorld(planned) || planned.id.scope[0] !== scope.parent!.name),
    )
    .map((scope): Wanted => ({ scope, step: 'fold' }));
  if (folds.length === 0) return { steps: first.instances, known: first.known, diagnostics: first.diagnostics };

  const folder = mkdtempSync(join(tmpdir(), 'finn-plan-'));
  try {
    const { executor, project } = session;
    const cache = openStore(project.cache.path);
    const store = overlay(openStore(folder), cache);
    const { steps, finn } = session.plugins;
    const engine = createEngine({ steps, finn, store, executor, jobs: project.jobs, memory: project.memoryMb });
    const ran = await engine.run(engine.graph(folds), { keepGoing: true, signal });
    const tried = new Map(ran.outcomes.map((outcome) => [outcome.instance.path, outcome]));
    const second = await engine.plan(engine.graph(wanted), { signal });
    return {
      steps: second.instances.map((planned) => asTried(planned, tried.get(planned.instance.path), cache)),
      known: second.known,
      diagnostics: distinct([...second.diagnostics, ...ran.outcomes.flatMap((one) => one.diagnostics)]),
    };
  } finally {
    removeTree(folder);
  }
}

/** Does it not have to run? */
export const isDone = (state: State): boolean => state === 'fresh' || state === 'restored';

/** Would it fetch something or run a program of the recipe, or can it not run at all? */
const needsWorld = ({ id, state }: Planned): boolean =>
  (id.step === 'fetch' && (state === 'waits' || state === 'wrong')) || (id.step === 'run-model' && !isDone(state));

/** What was planned, as trying it out showed it: against the cache, which knows nothing of that. */
function asTried(planned: Planned, outcome: Outcome | undefined, cache: Store): Planned {
  const last = cache.records.readLast(planned.id);
  const seconds = last?.seconds;
  if (outcome?.how === 'failed')
    return { ...planned, state: 'wrong', because: outcome.diagnostics.map(({ message }) => message), seconds };
  if (outcome?.how !== 'ran') return planned;
  const now = outcome.result!.record.fingerprint;
  const changed = last ? differences(last.fingerprint, now) : ['never ran here'];
  return { ...planned, state: 'run', because: changed.length > 0 ? changed : [outcome.because], seconds };
}
