import type { Recipe } from '../config/model.ts';
import type { Project } from '../config/project.ts';
import { type Diagnostic, error } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';

/** Seconds that one call of a tool may take in a step of this name: what this machine says goes before the recipe. */
export const timeLimitsOf =
  ({ timeLimits: here }: Project, { timeLimits: written }: Recipe) =>
  (step: string): number | undefined =>
    here.get(step) ?? written.get(step);

/** Steps that the recipe or finn.config.yaml name and that are none. */
export function unknownSteps(project: Project, recipe: Recipe, names: readonly string[]): Diagnostic[] {
  const config = project.configPath ?? 'finn.config.yaml';
  const unknown = (steps: Iterable<string>): string[] => [...steps].filter((step) => !names.includes(step));
  const refuse = (step: string, where: string, pointer?: string): Diagnostic =>
    error('config/wrong-value', `${where}: there is no step '${step}'`, {
      ...(pointer !== undefined && { at: recipe.locate(pointer, 'key') }),
      hint: didYouMean(step, names, 'steps'),
    });
  return [
    ...unknown(recipe.timeLimits.keys()).map((step) => refuse(step, '`time_limits`', `/time_limits/${step}`)),
    ...unknown(project.timeLimits.keys()).map((step) => refuse(step, `\`time_limits\` of ${config}`)),
    ...unknown(project.slurm?.steps.keys() ?? []).map((step) => refuse(step, `\`slurm.steps\` of ${config}`)),
  ];
}
