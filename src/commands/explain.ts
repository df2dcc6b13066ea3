import { fail } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import { foresee } from './foresee.ts';
import { linesOf, type PlanLine } from './plan.ts';
import { type Io, openSession } from './session.ts';
import { secondsText } from './table.ts';
import { wantedOf } from './wanted.ts';

export interface ExplainOptions {
  readonly build?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

/**
 * `finn explain RECIPE STEP[/scope]`: for every instance of a step, or those whose scope has all these names, what changed
 * since it last ran, in the recipe's words. 0, whether it has to run or not. Fetches nothing, runs no tool.
 */
export async function explainStep(recipe: string, what: string, options: ExplainOptions, io: Io): Promise<number> {
  const session = openSession(recipe, { builds: options.build }, io);
  const [step, ...names] = what.split('/').filter((name) => name !== '');
  const all = session.plugins.steps.map(({ name }) => name);
  if (step === undefined || !all.includes(step))
    fail('cli/usage', `there is no step '${step ?? ''}'`, { hint: didYouMean(step ?? '', all, 'steps') });
  // The outputs of a build need not need the step; whoever asks about it wants it.
  const foreseen = await foresee(session, [...wantedOf(session, undefined), ...wantedOf(session, step)], io.signal);
  await session.executor.close();
  const lines = linesOf(foreseen).filter((line) => line.step === step);
  const found = lines.filter(({ scope }) => has(scope.split('/'), names));
  if (found.length === 0) {
    const scopes = lines.map(({ scope }) => scope);
    if (scopes.length === 0) fail('cli/usage', `step '${step}' applies to nothing that this recipe builds`);
    const ends = [...new Set(scopes.map((scope) => scope.split('/').at(-1)!)), ...scopes];
    fail('cli/usage', `step '${step}' has no instance '${names.join('/')}'`, {
      hint: didYouMean(names.join('/'), ends, 'instances'),
    });
  }
  if (options.json) io.out(JSON.stringify({ recipe: session.recipe.name, steps: found }));
  else for (const line of found.flatMap(text)) io.out(line);
  for (const diagnostic of foreseen.diagnostics.filter(({ severity }) => severity === 'error'))
    io.err(session.render(diagnostic));
  return 0;
}

/** Are these names, in their order, among those of the scope? */
function has(scope: readonly string[], names: readonly string[]): boolean {
  let from = 0;
  return names.every((name) => {
    from = scope.indexOf(name, from) + 1;
    return from > 0;
  });
}

function text({ step, scope, state, because, causes, seconds }: PlanLine): string[] {
  const name = `${step} ${scope}`;
  const last = seconds === undefined ? '' : `, ${secondsText(seconds)} the last time`;
  const reasons = [...because, ...causes].map((reason) => `  ${reason}`);
  switch (state) {
    case 'fresh':
      return [`${name}: fresh`];
    case 'restored':
      return [`${name}: not as it last was here, but in the cache from an earlier time`];
    case 'run':
      return [`${name}: has to run${last}`, ...reasons];
    case 'waits':
      return [`${name}: has to run unless what it needs turns out as before${last}`, ...reasons];
    case 'later':
      return [`${name}: one for each layer`, ...reasons];
    case 'wrong':
      return [`${name}: cannot run`, ...reasons];
  }
}
