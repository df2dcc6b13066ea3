import { explain } from '../engine/explain.ts';
import type { Planned, State } from '../engine/plan.ts';
import { type Forecast, forecast } from './forecast.ts';
import { type Foreseen, foresee, isDone } from './foresee.ts';
import { inRecipeTerms } from './recipe-terms.ts';
import { type Io, openSession } from './session.ts';
import { plural, secondsText, table } from './table.ts';
import { wantedOf } from './wanted.ts';

export interface PlanOptions {
  readonly build?: readonly string[] | undefined;
  readonly until?: string | undefined;
  readonly jobs?: number | undefined;
  readonly json?: boolean | undefined;
}

/** One step in a scope, as people read it. */
export interface PlanLine {
  readonly step: string;
  /** 'digits/icebreaker/MVAU_0'; '*' stands for layers that are not known yet. */
  readonly scope: string;
  readonly state: State;
  /** What changed, in the recipe's words. */
  readonly because: readonly string[];
  /** What changed in front of it, with the steps whose it is; what is behind an input that is not as it was. */
  readonly causes: readonly string[];
  /** How long it took the last time, where it will run. */
  readonly seconds?: number | undefined;
}

/** `finn plan`: 0, or 2 where a step cannot run as things are. Fetches nothing, runs no tool, leaves nothing behind. */
export async function planRecipe(recipe: string, options: PlanOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { builds: options.build }, io);
  const foreseen = await foresee(session, wantedOf(session, options.until), io.signal);
  await session.executor.close();
  const jobs = options.jobs ?? session.project.jobs;
  const lines = linesOf(foreseen);
  const time = forecast(foreseen.steps, foreseen.known, jobs);
  if (options.json) {
    const { work: seconds, expected, longest } = time;
    io.out(
      JSON.stringify({
        recipe: session.recipe.name,
        steps: lines,
        ...countsOf(lines),
        seconds,
        expected,
        longest,
        jobs,
      }),
    );
  } else {
    for (const diagnostic of foreseen.diagnostics) io.err(session.render(diagnostic));
    for (const line of text(lines, time, jobs)) io.out(line);
  }
  return foreseen.diagnostics.some(({ severity }) => severity === 'error') ? 2 : 0;
}

/** What is foreseen, a line for each step in a scope. */
export function linesOf({ steps, known }: Foreseen): PlanLine[] {
  const explained = explain(steps, known);
  return steps.map((planned): PlanLine => {
    const { own = [], inputs = [], causes = [] } = explained.get(planned.instance) ?? {};
    const waits = planned.state === 'waits' || planned.state === 'later';
    return {
      step: planned.id.step,
      scope: planned.id.scope.join('/'),
      state: planned.state,
      because: waits
        ? planned.because.map((line) => inRecipeTerms(line, planned.instance))
        : [...own.map((line) => inRecipeTerms(line, planned.instance)), ...inputs.map((input) => `${input} changed`)],
      // That what stands in front never ran here is nothing to say again for each step behind it.
      causes: causes
        .filter(({ reason }) => reason !== 'never ran here')
        .map(({ of, reason }) => `${inRecipeTerms(reason, of)} (${nameOf(of)})`),
      seconds: isDone(planned.state) ? undefined : planned.seconds,
    };
  });
}

/** 'fold digits/icebreaker' */
export const nameOf = ({ id }: Pick<Planned, 'id'>): string => `${id.step} ${id.scope.join('/')}`;

interface Counts {
  readonly fresh: number;
  readonly cached: number;
  readonly run: number;
  readonly wrong: number;
}

function countsOf(lines: readonly PlanLine[]): Counts {
  const count = (...states: State[]): number => lines.filter(({ state }) => states.includes(state)).length;
  return {
    fresh: count('fresh'),
    cached: count('restored'),
    run: count('run', 'waits', 'later'),
    wrong: count('wrong'),
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

function text(lines: readonly PlanLine[], time: Forecast, jobs: number): string[] {
  const rows = lines.map(({ step, scope, state, because, causes, seconds }) => [
    words[state],
    step,
    scope,
    seconds === undefined ? '' : secondsText(seconds),
    [inShort(because, 3), inShort(causes, 2)].filter((part) => part !== '').join(': '),
  ]);
  const { fresh, cached, run, wrong } = countsOf(lines);
  return [
    ...table(['', 'STEP', 'OF', 'TIME', 'BECAUSE'], rows, ['left', 'left', 'left', 'right']),
    '',
    `${fresh} fresh, ${cached} in the cache, ${run} to run${wrong > 0 ? `, ${wrong} that cannot run` : ''}`,
    ...(run === 0 ? [] : [timeText(time, jobs)]),
  ];
}

function timeText({ work, expected, longest, unknown }: Forecast, jobs: number): string {
  const never = unknown === 0 ? '' : `; ${plural(unknown, 'step')} that never ran here not counted`;
  if (work === 0) return `how long it takes is not known: nothing of it ran here before`;
  const parts = `${secondsText(work)} of work, the longest chain ${secondsText(longest)}`;
  return `about ${secondsText(expected)} with ${plural(jobs, 'job')} by earlier runs (${parts}${never})`;
}

/** The first few, and how many more there are. */
const inShort = (list: readonly string[], most: number): string =>
  list.slice(0, most).join('; ') + (list.length > most ? `; and ${list.length - most} more` : '');
