import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { hashJson } from '../util/hash.ts';
import type { Executor } from './executor.ts';
import type { Instance } from './graph.ts';
import type { Store } from './store.ts';

/**
 * For whom an instance makes its calls: the same for all that a recipe (whose path is `place`) has of a step below one
 * scope, whatever layers that scope has today.
 */
export const ownerOf = (
  place: string,
  { id: { step, scope }, scope: { openedBy } }: Pick<Instance, 'id' | 'scope'>,
): string => hashJson(openedBy === undefined ? [place, step, scope] : [place, step, scope.slice(0, -1), 'each']);

/** What became of an instance. */
interface Became {
  readonly instance: Instance;
  /** undefined where it has none. */
  readonly result?: unknown;
}

/** The owners that have all that they want. */
export function finishedOwners(place: string, outcomes: readonly Became[]): ReadonlySet<string> {
  const waiting = new Set<string>();
  const owners = new Set<string>();
  for (const { instance, result } of outcomes) (result ? owners : waiting).add(ownerOf(place, instance));
  return new Set([...owners].filter((owner) => !waiting.has(owner)));
}

/**
 * Ends calls elsewhere that nobody wants: those that a process which is gone left in the cache, and whose owner `finished`
 * says it of. A call that a living process waits for has a claim, on whatever machine that process is. What there is to
 * tell of it; undefined if nothing was to be done.
 */
export async function endForsaken(
  { jobs, tryClaim, discard }: Pick<Store, 'jobs' | 'tryClaim' | 'discard'>,
  executor: Executor,
  finished: (owner: string | undefined) => boolean,
): Promise<Diagnostic | undefined> {
  if (!executor.endIn) return undefined;
  const forsaken = jobs().filter(({ directory }) => finished(executor.ownerIn?.(directory)));
  const taken = forsaken.flatMap(({ directory, name }) => {
    const release = tryClaim(name);
    return release ? [{ directory, release }] : [];
  });
  if (taken.length === 0) return undefined;
  try {
    const { ended, problem } = await executor.endIn(taken.map(({ directory }) => directory));
    if (problem === '') for (const { directory } of taken) discard(directory);
    if (problem === '' && ended === 0) return undefined;
    const what = `${problem === '' ? ended : taken.length} jobs of an earlier build that nobody waits for`;
    return problem === ''
      ? { code: 'tool/slurm-forsaken', severity: 'note', message: `cancelled ${what}` }
      : {
          ...error('tool/slurm-forsaken', `cannot cancel ${what}: ${problem}`, {
            hint: 'the next build tries it again; `squeue --me` shows them',
          }),
          severity: 'warning',
        };
  } finally {
    for (const { release } of taken) release();
  }
}
