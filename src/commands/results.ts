import { join } from 'node:path';
import type { Built } from '../engine/engine.ts';
import { canonicalJson } from '../util/hash.ts';
import { judgeExpectations } from './expect.ts';
import { manifestOf, outcomesOf } from './manifest.ts';
import { reportsIn, resultFiles, verdicts, writeBuildFolder } from './output.ts';
import type { Session } from './session.ts';
import { standing } from './standing.ts';
import type { Made } from './summary.ts';

export interface ResultsOptions {
  /** Folder of all results. */
  readonly out: string;
  /** Are the recipe's gates judged? What ends before the last step is not what they are about. */
  readonly judged: boolean;
}

/**
 * Writes the folder of every build of which nothing failed. One that stands there already for the same results is left as
 * it is, and only read.
 */
export async function writeResults(session: Session, built: Built, { out, judged }: ResultsOptions): Promise<Made[]> {
  const made: Made[] = [];
  for (const one of session.builds) {
    const scope = session.buildScopes.get(one.name)!;
    const network = session.networkScopes.get(one.network.name)!;
    const outcomes = outcomesOf(built, scope, network);
    if (outcomes.some(({ how }) => how === 'failed' || how === 'skipped')) continue;
    const folder = join(out, session.recipe.name, one.name);
    const parts = {
      recipe: session.recipe,
      build: one,
      outcomes,
      fetched: session.fetched,
      plugins: session.plugins.hashes,
      verdicts: verdicts(built, scope, network),
    };
    const gates = (reports: Made['files']) => (judged ? judgeExpectations(one, reports) : []);
    const before = standing(folder, manifestOf({ ...parts, expect: [], files: {} }));
    if (before && canonicalJson(before.expect) === canonicalJson(gates(before.reports))) {
      made.push({ build: one, files: before.reports, folder });
      continue;
    }
    const files = resultFiles(built, scope, network, one, session.store.objects);
    const reports = reportsIn(files);
    await writeBuildFolder(
      folder,
      files,
      manifestOf({ ...parts, expect: gates(reports), files }),
      outcomes,
      session.store,
    );
    made.push({ build: one, files: reports, folder });
  }
  return made;
}
