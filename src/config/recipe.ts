import { basename } from 'node:path';
import type { Diagnostic, Location } from '../diagnostics/diagnostic.ts';
import { staysBelow } from '../util/files.ts';
import { resolveBuilds } from './builds.ts';
import { timeLimits } from './duration.ts';
import type { Recipe, Stage, Steps, Tools } from './model.ts';
import { resolveNetwork } from './networks.ts';
import { readWithParents } from './parents.ts';
import { child } from './pointer.ts';
import { type Loose, Resolving } from './scope.ts';
import { isPlain, type Plain } from './source.ts';
import { resolveFolding, resolveTarget } from './targets.ts';
import type { RecipeFile } from './types.gen.ts';
import { validate } from './validate.ts';

const allStages: readonly Stage[] = ['import', 'streamline', 'lower', 'codegen', 'stitch'];

/**
 * Reads a recipe with its parents, checks it against the schema and in itself, and resolves it. All mistakes at once,
 * by place; `recipe` is there if and only if none of the diagnostics is an error. `named` are the files that were read and
 * all those that the recipe names, be they there or not, as far as it could be read. `layerSettings` are those that operators
 * of plug-ins have beside finn's own; 'any' where plug-ins are not looked at.
 */
export function loadRecipe(
  path: string,
  layerSettings: ReadonlySet<string> | 'any' = new Set(),
): {
  readonly recipe?: Recipe;
  readonly diagnostics: readonly Diagnostic[];
  readonly named: readonly string[];
} {
  const { source, files, texts, diagnostics: unread } = readWithParents(path);
  if (!source || unread.length > 0) return { diagnostics: unread, named: files };
  const { diagnostics: refused, value } = validate('recipe', source);
  if (!isPlain(source.value)) return { diagnostics: refused, named: files };
  const to = new Resolving(source, files[0]!);
  const file = value as Loose<RecipeFile>;
  const declared = (key: string): readonly string[] | undefined => {
    const names = (source.value as Plain)[key];
    return isPlain(names) ? Object.keys(names) : undefined;
  };

  const networks = resolveAll(file.networks, '/networks', (name, written, at) => resolveNetwork(name, written, at, to));
  const targets = resolveAll(file.targets, '/targets', (name, written, at) => resolveTarget(name, written, at, to));
  const foldings = resolveAll(file.folding, '/folding', (name, written, at) =>
    resolveFolding(name, written, at, to, layerSettings),
  );
  const names = { network: declared('networks'), target: declared('targets'), folding: declared('folding') };
  const builds = resolveBuilds(file, { networks, targets, foldings, names }, to);
  const steps = resolveSteps(file.steps ?? {}, to);
  const boards = [...targets.values()].flatMap(({ board }) => [board.path, ...(board.pins ? [board.pins.path] : [])]);

  const name = file.name ?? basename(path).replace(/\.ya?ml$/, '');
  if (!staysBelow(name) || name.includes('/') || name.length > 200 || /\p{Cc}/u.test(name))
    to.wrong(
      'config/missing-key',
      `the recipe lacks the key \`name\`, and the name of its file, ${JSON.stringify(basename(path))}, cannot be the name of a folder`,
      to.at(''),
      'add `name: my-network`',
    );
  const diagnostics = inOrder([...refused, ...to.diagnostics], files);
  const named = [...new Set([...files, ...to.named])];
  if (diagnostics.some(({ severity }) => severity === 'error')) return { diagnostics, named };
  const recipe: Recipe = {
    path,
    name,
    ...(file.description !== undefined && { description: file.description }),
    files: [...new Set([...files, ...boards])],
    texts,
    networks,
    targets,
    foldings,
    builds,
    steps,
    tools: resolveTools(file.tools ?? {}),
    timeLimits: timeLimits(file.time_limits),
    verifyAt: allStages.filter((stage) => (file.verify?.at ?? allStages).includes(stage)),
    locate: (pointer, part = 'value'): Location => to.at(pointer, part),
  };
  return { recipe, diagnostics, named };
}

function resolveAll<W, R>(
  written: Readonly<Record<string, W | undefined>> | undefined,
  pointer: string,
  resolve: (name: string, written: W, pointer: string) => R | undefined,
): Map<string, R> {
  const all = new Map<string, R>();
  for (const [name, value] of Object.entries(written ?? {})) {
    const resolved = value === undefined ? undefined : resolve(name, value, child(pointer, name));
    if (resolved !== undefined) all.set(name, resolved);
  }
  return all;
}

function resolveSteps({ lower, stitch, bitfile }: Loose<NonNullable<RecipeFile['steps']>>, to: Resolving): Steps {
  const frequency = bitfile?.frequency_mhz;
  const frequencyMhz = frequency === undefined ? undefined : to.positive('/steps/bitfile/frequency_mhz', frequency);
  const depths = Object.entries(stitch?.fifos?.depths ?? {}).filter((entry) => entry[1] !== undefined);
  return {
    lower: { standaloneThresholds: lower?.standalone_thresholds ?? false, prefer: lower?.prefer ?? 'rtl' },
    stitch: { fifos: { sizing: stitch?.fifos?.sizing ?? 'analytic', depths: new Map(depths as [string, number][]) } },
    bitfile: { seed: bitfile?.seed ?? 1, baud: bitfile?.baud ?? 115200, ...(frequencyMhz && { frequencyMhz }) },
  };
}

const resolveTools = (tools: Loose<NonNullable<RecipeFile['tools']>>): Tools => ({
  synthesis: tools.synthesis ?? 'npm',
  placeAndRoute: tools.place_and_route ?? 'npm',
  simulation: tools.simulation ?? 'npm',
});

/** By file (the recipe, its parents, others), then by place. */
function inOrder(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const rank = ({ at }: Diagnostic): readonly [number, string, number] => {
    if (at?.in !== 'file') return [files.length + 1, '', 0];
    const index = files.indexOf(at.path);
    return [index < 0 ? files.length : index, at.path, at.start];
  };
  return [...diagnostics].sort((a, b) => {
    const [first, second] = [rank(a), rank(b)];
    return first[0] - second[0] || (first[1] < second[1] ? -1 : first[1] > second[1] ? 1 : 0) || first[2] - second[2];
  });
}
