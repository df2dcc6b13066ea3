import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { runOwnProcess } from '../engine/executors/own-process.ts';
import { linkTree, listTree, removeTree } from '../util/files.ts';
import { copyAtomically, mirrorTree } from '../util/mirror.ts';
import type { BuildOptions } from './build.ts';
import { checkOurs, replaceBuild } from './build-folder.ts';
import { changedInputs, compareFolders, type FileDifference, unsteadySteps } from './compare-folders.ts';
import { type Io, openSession, refuseUntrusted } from './session.ts';
import { plural } from './table.ts';
import { checkSteps, wantedOf } from './wanted.ts';

/** How one of the builds that are compared is made. */
interface Rehearsal {
  readonly name: string;
  readonly folder: string;
  /** Where its results go, and its cache. */
  readonly out: string;
  readonly cache: string;
  readonly recipe: string;
  readonly jobs: number;
  readonly seed: number;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: number;
}

/** What differs in a build. */
interface Difference {
  readonly build: string;
  readonly between: string;
  /** What was another thing from one to the next, because somebody changed it meanwhile. */
  readonly changed: readonly string[];
  /** Steps that made something else of the same inputs. */
  readonly unsteady: readonly string[];
  readonly files: readonly FileDifference[];
}

/**
 * `finn build --check`: builds twice from nothing, in other folders, with other jobs, another order, locale, time zone
 * and umask, and once more from the cache of the first, and compares all files that tell of the result byte by byte. 0 if they
 * are the same: then the first is placed where results go. 1 if not: then nothing is placed, and all are kept and
 * named. Otherwise what a build ends with. The project's own cache is neither read nor written, nor is finn.lock.
 */
export async function checkBuild(recipe: string, options: BuildOptions, io: Io): Promise<number> {
  const session = openSession(
    recipe,
    { builds: options.build, jobs: options.jobs, allowRun: options.allowRun, locked: options.locked },
    io,
  );
  refuseUntrusted(session);
  const { project, builds } = session;
  await session.executor.close();
  wantedOf(session, options.until);
  checkSteps(session, options.force);
  const placeOf = (name: string): string => join(options.out, session.recipe.name, name);
  // What cannot be placed there need not be built.
  for (const { name } of builds) checkOurs(placeOf(name));
  const work = mkdtempSync(join(tmpdir(), 'finn-check-'));
  const rehearsals = rehearse(resolve(recipe), options.jobs ?? project.jobs, work);
  const say = options.json ? io.err : io.out;
  for (const { folder, cache } of rehearsals) {
    mkdirSync(folder, { recursive: true });
    // What was fetched is held to its sha256 wherever it lies: the network need not give it twice.
    linkTree(join(project.cache.path, 'downloads'), join(cache, 'downloads'));
  }
  for (const rehearsal of rehearsals) {
    const status = await build(rehearsal, options, project.configPath, io.signal, say);
    if (status !== 0) {
      removeTree(work);
      if (options.json) io.out(JSON.stringify({ type: 'checked', same: false, failed: rehearsal.name, status }));
      return status;
    }
  }
  const [first, ...others] = rehearsals;
  const folderOf = ({ out }: Rehearsal, name: string): string => join(out, session.recipe.name, name);
  const differences = others.flatMap((other) =>
    builds.flatMap(({ name }): Difference[] => {
      const [a, b] = [folderOf(first!, name), folderOf(other, name)];
      const files = compareFolders(a, b);
      if (files.length === 0) return [];
      const between = `${first!.name} and ${other.name}`;
      return [{ build: name, between, changed: changedInputs(a, b), unsteady: unsteadySteps(a, b), files }];
    }),
  );
  const same = differences.length === 0;
  if (same) {
    for (const { name } of builds) await place(folderOf(first!, name), placeOf(name));
    removeTree(work);
  }
  if (options.json) {
    io.out(
      JSON.stringify({
        type: 'checked',
        same,
        builds: builds.map(({ name }) => name),
        differences,
        ...(!same && { kept: work }),
      }),
    );
    return same ? 0 : 1;
  }
  for (const difference of differences) for (const line of text(difference)) io.out(line);
  const what = plural(builds.length, 'build');
  io.out(
    same
      ? `${what} made twice and restored once: every file is the same`
      : `the results differ; all that was made is kept in ${work}`,
  );
  return same ? 0 : 1;
}

/** Puts a copy of a build's folder where results go. */
async function place(from: string, to: string): Promise<void> {
  const paths = listTree(from).filter((path) => path !== 'build.json');
  const copy = (path: string, target: string): Promise<void> => copyAtomically(join(from, path), target);
  await replaceBuild(to, () => mirrorTree(to, paths, copy), readFileSync(join(from, 'build.json')));
}

/** Two builds that have as little as possible in common, and one that has nothing to do. */
function rehearse(recipe: string, jobs: number, work: string): [Rehearsal, Rehearsal, Rehearsal] {
  const near = join(work, 'a');
  const far = join(work, 'another-folder-of-a-longer-name', 'and-deeper');
  const [one, other] = jobs > 1 ? [jobs, jobs - 1] : [1, 2];
  const plain = { LC_ALL: 'C', LANG: 'C', TZ: 'UTC' };
  // Turkish has another capital i, Chatham another quarter of an hour.
  const foreign = { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', TZ: 'Pacific/Chatham' };
  const first = {
    name: 'the first',
    folder: near,
    out: join(near, 'out'),
    cache: join(near, 'cache'),
    recipe,
    seed: 1,
  };
  const second = {
    name: 'the second',
    folder: far,
    out: join(far, 'results'),
    cache: join(far, 'store'),
    recipe: relative(far, recipe),
    seed: 9973,
  };
  return [
    { ...first, jobs: one, env: plain, umask: 0o022 },
    { ...second, jobs: other, env: foreign, umask: 0o077 },
    { ...first, name: 'one from the cache', out: join(near, 'again'), jobs: one, env: foreign, umask: 0o027 },
  ];
}

async function build(
  one: Rehearsal,
  options: BuildOptions,
  config: string | undefined,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number> {
  const flags = (name: string, values: readonly string[] | undefined): string[] =>
    (values ?? []).flatMap((value) => [name, value]);
  const args = [
    'build',
    one.recipe,
    ...flags('--build', options.build),
    ...flags('--until', options.until === undefined ? [] : [options.until]),
    ...(options.locked ? ['--locked'] : []),
    ...(options.allowRun ? ['--allow-run'] : []),
    ...['--jobs', String(one.jobs), '--plain', '--out', one.out, '--rehearse', String(one.seed)],
  ];
  say(`-- ${one.name}: ${plural(one.jobs, 'job')}, ${one.env['LC_ALL']}, ${one.env['TZ']}`);
  return runOwnProcess(args, {
    cwd: one.folder,
    // Both have the same config, however it was found from here.
    env: { ...one.env, FINN_CACHE: one.cache, ...(config !== undefined && { FINN_CONFIG: config }) },
    umask: one.umask,
    signal,
    onLine: say,
  });
}

/** A build that differs: what is to blame, and every file with the bytes around the first that is another. */
function text({ build: name, between, changed, unsteady, files }: Difference): string[] {
  return [
    `${name}: ${plural(files.length, 'file')} of ${between} differ`,
    ...changed.map((input) => `  changed meanwhile: ${input}`),
    ...unsteady.map((step) => `  of the same inputs something else was made by ${step}`),
    ...files.flatMap(({ file, step, offset, first, second }) => [
      `  ${file}${step === undefined ? '' : ` (${step})`}${offset === undefined ? ': only one of them has it' : `, byte ${offset}`}`,
      ...(first === undefined ? [] : [`    - ${first}`]),
      ...(second === undefined ? [] : [`    + ${second}`]),
    ]),
  ];
}
