import type { Artifact, Files, Made } from '../engine/artifact.ts';
import type { Built } from '../engine/engine.ts';
import type { AnyStep, Scope } from '../engine/step.ts';
import { isShown } from '../plugins/products.ts';

/** What steps of plug-ins put into a build's folder: plugins/<artifact>/…, with a folder for each layer where they run for each. */
export function pluginFiles(built: Built, scope: Scope, network: Scope): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  const add = (folder: string, more: Files | undefined): void => {
    for (const [path, bytes] of Object.entries(more ?? {})) files[`plugins/${folder}/${path}`] = bytes;
  };
  const steps = new Set(built.outcomes.map(({ instance }) => instance.step));
  for (const [step, artifact] of [...steps].flatMap(shownOf)) {
    if (step.per === 'network') add(artifact.name, built.value(network, artifact)?.value);
    else if (step.per === 'build') add(artifact.name, built.value(scope, artifact)?.value);
    else for (const [layer, { value }] of built.each(scope, artifact)) add(`${artifact.name}/${layer}`, value);
  }
  return files;
}

const shownOf = (step: AnyStep): [AnyStep, Artifact<Files>][] =>
  (Object.values(step.makes) as Made[]).flatMap((made) =>
    made.kind === 'artifact' && isShown(made) ? [[step, made] as [AnyStep, Artifact<Files>]] : [],
  );
