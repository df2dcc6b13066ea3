import { dirname, join, resolve } from 'node:path';
import { configName, loadProject } from '../config/project.ts';
import { loadRecipe } from '../config/recipe.ts';
import type { Session } from './session.ts';

/**
 * Every file that recipe and finn.config.yaml consist of, or would if it were there, plug-ins and models among them. What steps read
 * is not: that is known when they have. Without a session, because something is wrong, what can be told without.
 */
export function namedPaths(recipe: string, session: Session | undefined): string[] {
  const { project } = session ?? loadProject(recipe);
  const named = session ? session.recipe.files : loadRecipe(recipe).named;
  const paths = [
    recipe,
    ...named,
    join(dirname(recipe), configName),
    ...(project.configPath === undefined ? [] : [project.configPath]),
    ...project.plugins,
    ...(session?.plugins.files ?? []),
  ];
  for (const { model } of session?.recipe.networks.values() ?? []) if (model.kind === 'file') paths.push(model.path);
  return [...new Set(paths.map((path) => resolve(path)))].sort();
}
