import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { createEngine } from '../engine/engine.ts';
import type { Wanted } from '../engine/graph.ts';
import type { Planned, State } from '../engine/plan.ts';
import { openStore } from '../engine/store.ts';
import { removeTree } from '../util/files.ts';
import { overlay } from './overlay.ts';
import { type Io, openSession, type Session } from './session.ts';
import { secondsText, table } from './table.ts';
import { wantedOf } from './wanted.ts';

export interface PlanOptions {
  readonly build?: readonly string[] | undefined;
  readonly until?: string | undefined;
  readonly json?: boolean | undefined;
}

/** One step in a scope, as people read it. */
interface Line {
  readonly step: string;
  /** 'digits/icebreaker/MVAU_0'; '*' stands for layers that are not known yet. */
  readonly scope: string;
  readonly state: State;
  readonly because: readonly string[];
  /** How long it took the last time, where it will run. */
  readonly seconds?: number | undefined;
}

/** `finn plan`: 0, or 2 where a step cannot run as things are. Fetches nothing, runs no tool, leaves nothing behind. */
export async function planRecipe(recipe: string, options: PlanOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { builds: options.build }, io);
  const wanted = wantedOf(session, options.until);
  const { lines, diagnostics } = await foresee(session, wanted, io.signal);
  await session.executor.close();
  if (options.json) {
    io.out(JSON.stringify({ recipe: session.recipe.name, steps: lines, ...sums(lines) }));
  } else {
    for (const diagnostic of diagnostics) io.err(session.render(diagnostic));
    for (const line of text(lines)) io.out(line);
  }
  return diagnostics.some(({ severity }) => severity === 'error') ? 2 : 0;
}

/**
 * The plan of what is wanted. Where import to fold would have to run, and their models are at hand, they do so on a
 * throw-away store over the cache (they call no tools and take a second or two), so that layers are known and the plan
 * says which of them change.
 */
async function foresee(
  session: Session,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<{ lines: Line[]; diagnostics: readonly Diagnostic[] }> {
  const first = await session.engine.plan(session.engine.graph(wanted), { signal });
  const unfolded = first.instances.filter(({ id, state }) => id.step === 'fold' && !isDone(state));
  const folds = unfolded
    .map(({ instance }) => instance.scope)
    .filter((scope) =>
      first.instances.every((planned) => !needsWorld(planned) || planned.id.scope[0] !== scope.parent!.name),
    )
    .map((scope): Wanted => ({ scope, step: 'fold' }));
  if (folds.length === 0) return { lines: first.instances.map(lineOf), diagnostics: first.diagnostics };

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
    const lines = second.instances.map((planned): Line => {
      const outcome = tried.get(planned.instance.path);
      const seconds = cache.records.readLast(planned.id)?.seconds;
      if (outcome?.how === 'ran') return { ...lineOf(planned), state: 'run', because: [outcome.because], seconds };
      if (outcome?.how !== 'failed') return lineOf(planned);
      return { ...lineOf(planned), state: 'wrong', because: outcome.diagnostics.map(({ message }) => message) };
    });
    return { lines, diagnostics: [...second.diagnostics, ...ran.outcomes.flatMap((one) => one.diagnostics)] };
  } finally {
    removeTree(folder);
  }
}

const isDone = (state: State): boolean => state === 'fresh' || state === 'restored';

/** Would it fetch something or run a program of the recipe, or can it not run at all? */
const needsWorld = ({ id, state }: Planned): boolean =>
  (id.step === 'fetch' && (state === 'waits' || state === 'wrong')) || (id.step === 'run-model' && !isDone(state));

const lineOf = ({ id, state, because, seconds }: Planned): Line => ({
  step: id.step,
  scope: id.scope.join('/'),
  state,
  because,
  seconds: isDone(state) ? undefined : seconds,
});

interface Sums {
  readonly fresh: number;
  readonly cached: number;
  readonly run: number;
  readonly wrong: number;
  /** Sum of the last times of what will run; what never ran here counts nothing. */
  readonly seconds: number;
}

function sums(lines: readonly Line[]): Sums {
  const count = (...states: State[]): number => lines.filter(({ state }) => states.includes(state)).length;
  return {
    fresh: count('fresh'),
    cached: count('restored'),
    run: count('run', 'waits', 'later'),
    wrong: count('wrong'),
    seconds: lines.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0),
  };
}

const words: Readonly<Record<State, string>> = {
  fresh: 'fresh',
  restored: 'cached',
  run: 'run',
  waits: 'run',
  later: 'run',
  wrong: 'wrong',
};

function text(lines: readonly Line[]): string[] {
  const rows = lines.map(({ step, scope, state, because, seconds }) => [
    words[state],
    step,
    scope,
    seconds === undefined ? '' : secondsText(seconds),
    because.length > 3 ? `${because.slice(0, 3).join('; ')}; and ${because.length - 3} more` : because.join('; '),
  ]);
  const { fresh, cached, run, wrong, seconds } = sums(lines);
  const never = lines.some((line) => line.seconds === undefined && line.state !== 'wrong' && !isDone(line.state));
  const time =
    run === 0 ? '' : `, ${secondsText(seconds)} of work by earlier runs${never ? ' and what never ran here' : ''}`;
  return [
    ...table(['', 'STEP', 'OF', 'TIME', 'BECAUSE'], rows, ['left', 'left', 'left', 'right']),
    '',
    `${fresh} fresh, ${cached} in the cache, ${run} to run${wrong > 0 ? `, ${wrong} that cannot run` : ''}${time}`,
  ];
}
