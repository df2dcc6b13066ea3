import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadProject, type Project } from '../config/project.ts';
import { loadRecipe } from '../config/recipe.ts';
import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { LocalExecutor } from '../engine/executors/local.ts';
import { SlurmExecutor } from '../engine/executors/slurm.ts';
import { endForsaken } from '../engine/forsaken.ts';
import { hasEnded, readLeases } from '../engine/lease.ts';
import { openStore } from '../engine/store.ts';
import { removeTree } from '../util/files.ts';
import { pidOf } from '../util/process-mark.ts';
import { inBuild, isLink } from './build-folder.ts';
import type { Io } from './session.ts';

export interface CleanOptions {
  readonly out: string;
  readonly cache?: boolean | undefined;
}

/** All that finn writes into its cache. */
const inCache = [
  'builds',
  'calls',
  'downloads',
  'last',
  'leases',
  'mirrors.json',
  'objects',
  'roots',
  'size.json',
  'steps',
  'work',
];

/** `finn clean`: removes a recipe's build folders, and with `cache` the cache; nothing that finn did not make. */
export async function clean(recipe: string | undefined, { out, cache }: CleanOptions, io: Io): Promise<number> {
  if (recipe === undefined && !cache)
    fail('cli/usage', 'there is nothing to clean: neither a recipe nor --cache is given', {
      hint: '`finn clean RECIPE`, `finn clean --cache`',
    });
  if (recipe !== undefined) {
    const loaded = loadRecipe(recipe, 'any');
    if (!loaded.recipe) throw new FinnError(...loaded.diagnostics);
    cleanBuilds(join(out, loaded.recipe.name), loaded.recipe.name, io);
  }
  if (cache) {
    const { project, diagnostics } = loadProject(recipe ?? 'finn.config.yaml');
    if (diagnostics.length > 0) throw new FinnError(...diagnostics);
    await cleanCache(project, io);
  }
  return 0;
}

function cleanBuilds(folder: string, recipe: string, io: Io): void {
  // What a link leads to is not in this folder.
  const builds = isLink(folder)
    ? []
    : namesIn(folder).filter((name) => !isLink(join(folder, name)) && isBuildOf(join(folder, name), recipe));
  for (const build of builds) removeOurs(join(folder, build), inBuild, io);
  if (builds.length === 0) io.out(`${folder}: no builds of ${recipe}`);
  removeIfEmpty(folder);
}

/** Does a build.json of ours say that this folder is a build of the recipe? */
function isBuildOf(folder: string, recipe: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'build.json'), 'utf8'));
    return (manifest as { recipe?: unknown } | null)?.recipe === recipe;
  } catch {
    return false;
  }
}

async function cleanCache({ cache: { path: folder }, slurm }: Project, io: Io): Promise<void> {
  if (isLink(folder))
    fail('cli/file', `${folder} is a link, and finn removes nothing behind links`, {
      hint: 'remove what it leads to yourself, or name that folder by `cache: { path: … }` of finn.config.yaml',
    });
  const busy = readLeases(folder).find((lease) => !hasEnded(lease, Date.now()));
  if (busy)
    fail('cache/write', `process ${pidOf(busy.mark)} is building with the cache ${folder}`, {
      hint: 'wait until it has ended',
    });
  if (slurm) {
    // Nobody builds with it: what Slurm still runs for it is of no use, and would write into a folder that is gone.
    const executor = new SlurmExecutor(slurm, new LocalExecutor());
    const said = await endForsaken(openStore(folder), executor, () => true);
    if (said) io.err(render(said, { color: io.color }));
  }
  if (existsSync(folder)) removeOurs(folder, inCache, io);
  else io.out(`${folder}: there is no cache`);
}

function removeOurs(folder: string, names: readonly string[], io: Io): void {
  try {
    for (const name of names) removeTree(join(folder, name));
  } catch (cause) {
    fail('cli/file', `cannot remove what is in ${folder}: ${(cause as Error).message}`);
  }
  const left = namesIn(folder);
  removeIfEmpty(folder);
  io.out(left.length === 0 ? `removed ${folder}` : `cleaned ${folder}; not finn's, and left there: ${left.join(', ')}`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not empty, or not there.
  }
}
