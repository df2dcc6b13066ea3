import { existsSync } from 'node:fs';
import { loadProject } from '../config/project.ts';
import { loadRecipe } from '../config/recipe.ts';
import { type Diagnostic, error, FinnError, type Location } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import type { Plugins } from '../plugins/load.ts';
import { scopesOf } from '../steps/settings.ts';
import { type DiagnosticJson, diagnosticJson } from './diagnostic-json.ts';
import { compileInMemory } from './in-memory.ts';
import { readLock } from './lock.ts';
import { type Io, pluginsOf } from './session.ts';
import { plural } from './table.ts';

export interface ValidateOptions {
  readonly json?: boolean | undefined;
}

interface Validated {
  readonly diagnostics: readonly Diagnostic[];
  readonly locate?: (pointer: string) => Location;
  readonly builds: readonly string[];
  readonly unknown: ReadonlyMap<string, string>;
}

/** `finn validate`: 0 if no recipe has an error, else 2. Shows what is wrong with all of them. */
export async function validate(recipes: readonly string[], options: ValidateOptions, io: Io): Promise<number> {
  const all: { recipe: string; validated: Validated }[] = [];
  for (const recipe of recipes) all.push({ recipe, validated: await validateOne(recipe, io) });
  const wrong = ({ diagnostics }: Validated): boolean => diagnostics.some(({ severity }) => severity === 'error');
  if (options.json) {
    io.out(JSON.stringify({ recipes: all.map(({ recipe, validated }) => json(recipe, validated, !wrong(validated))) }));
  } else {
    for (const { recipe, validated } of all) {
      const { builds, diagnostics, locate, unknown } = validated;
      for (const diagnostic of diagnostics) io.err(render(diagnostic, { color: io.color, ...(locate && { locate }) }));
      const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
      io.out(`${recipe}: ${errors > 0 ? plural(errors, 'error') : `right, ${plural(builds.length, 'build')}`}`);
      for (const [network, reason] of unknown) io.out(`  ${network}: not looked into, ${reason}`);
    }
  }
  return all.some(({ validated }) => wrong(validated)) ? 2 : 0;
}

interface RecipeJson {
  readonly recipe: string;
  readonly ok: boolean;
  readonly builds: readonly string[];
  /** Networks whose model is not at hand, and why. */
  readonly unknown: Readonly<Record<string, string>>;
  readonly diagnostics: readonly DiagnosticJson[];
}

const json = (recipe: string, { builds, diagnostics, locate, unknown }: Validated, ok: boolean): RecipeJson => ({
  recipe,
  ok,
  builds,
  unknown: Object.fromEntries(unknown),
  diagnostics: diagnostics.map((diagnostic) => diagnosticJson(diagnostic, locate)),
});

async function validateOne(path: string, io: Io): Promise<Validated> {
  const nothing = { builds: [], unknown: new Map<string, string>() };
  if (!existsSync(path)) {
    const hint = '`finn init` writes one';
    return { diagnostics: [error('config/unreadable', `there is no recipe ${path}`, { hint })], ...nothing };
  }
  const { project, diagnostics: ofProject } = loadProject(path);
  let plugins: Plugins;
  try {
    plugins = pluginsOf(project, ofProject, false, io);
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    // Without its plug-ins a recipe cannot be judged, beyond its text.
    return { diagnostics: [...loadRecipe(path, 'any').diagnostics, ...cause.diagnostics], ...nothing };
  }
  const { recipe, diagnostics: found } = loadRecipe(path, plugins.layerSettings);
  const diagnostics = [...found, ...ofProject];
  if (!recipe) return { diagnostics, ...nothing };
  try {
    const pins = new Map(Object.entries(readLock(path)?.sources ?? {}));
    const scopes = scopesOf(recipe, project, { mayRun: false, pins, fetched: new Map() });
    const compiled = await compileInMemory({ recipe, project, plugins, ...scopes, signal: io.signal });
    diagnostics.push(...compiled.diagnostics);
    return { diagnostics, locate: recipe.locate, builds: [...recipe.builds.keys()], unknown: compiled.unknown };
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    return { diagnostics: [...diagnostics, ...cause.diagnostics], locate: recipe.locate, ...nothing };
  }
}
