import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contains } from '../util/files.ts';
import { configName, loadProject } from './project.ts';

/** finn's own recipes and boards may be named from anywhere. */
const shipped = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What of the machine a recipe may read: its project (the nearest folder upward with a finn.config.yaml or a .git, else
 * its own), the mirrors, and what the config's `trust: read:` names. Symbolic links count as what they point to.
 */
export class Confines {
  readonly #recipe: string;
  readonly #project: string;

  constructor(recipe: string) {
    this.#recipe = recipe;
    this.#project = projectOf(recipe);
  }

  /** Why the file at this path is not for the recipe to read, and what to do; nothing where it may be read or is not there. */
  refusal(path: string): { readonly message: string; readonly hint: string } | undefined {
    const real = realOf(resolve(path));
    if ([this.#project, shipped].some((root) => contains(realOf(root), real))) return undefined;
    const { project } = loadProject(this.#recipe);
    if ([...project.readable, ...project.mirrors].some((root) => contains(realOf(root), real))) return undefined;
    return {
      message: `${path} ${real === resolve(path) ? 'lies' : `is ${real}, which lies`} outside of the project ${this.#project}`,
      hint: `what a recipe reads lies below the folder of ${configName} or of the repository, or where \`trust: { read: [folder] }\` of the config says`,
    };
  }
}

function projectOf(recipe: string): string {
  const own = dirname(resolve(recipe));
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, configName)) || existsSync(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) return own;
  }
}

/** A path with the symbolic links of all that is there of it resolved. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realOf(above), basename(path));
  }
}
