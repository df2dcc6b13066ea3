import { loadProject, type Project } from '../config/project.ts';
import { FinnError } from '../diagnostics/diagnostic.ts';

/** The cache of a recipe, or without one that of this folder. FinnError for what is wrong with finn.config.yaml. */
export function cacheOf(recipe: string | undefined): Project['cache'] {
  const { project, diagnostics } = loadProject(recipe ?? 'finn.config.yaml');
  if (diagnostics.length > 0) throw new FinnError(...diagnostics);
  return project.cache;
}
