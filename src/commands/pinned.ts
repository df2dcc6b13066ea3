import type { Built } from '../engine/engine.ts';
import type { Executor } from '../engine/executor.ts';
import type { Wanted } from '../engine/graph.ts';
import { programNames } from '../engine/judge.ts';
import { finnVersion } from '../engine/own-code.ts';
import type { Plan } from '../engine/plan.ts';
import { model } from '../steps/artifacts.ts';
import { sourceName } from '../steps/model.ts';
import { sha256 } from '../util/hash.ts';
import type { ToolVersions } from './manifest.ts';
import type { Session } from './session.ts';

/** The steps that get the models of all networks. */
export const sourceSteps = ({ networkScopes }: Session): (Wanted & { readonly step: string })[] =>
  [...networkScopes.values()].map((scope) => ({
    scope,
    step: scope.settings.network.model.kind === 'run' ? 'run-model' : 'fetch',
  }));

/** sha256 by name of what the networks' sources gave: what was fetched, and the models that programs made. */
export function sourcesOf({ networkScopes, fetched }: Session, built: Built): Map<string, string> {
  const sources = new Map(fetched);
  for (const scope of networkScopes.values()) {
    const { model: source } = scope.settings.network;
    const made = source.kind === 'run' ? built.value(scope, model)?.value : undefined;
    if (made) sources.set(sourceName(source)!, sha256(made.onnx));
  }
  return sources;
}

/** The tools that the steps of a plan may call, as they are here. FinnError where one is missing or too old. */
export async function toolsNow(plan: Plan, executor: Executor): Promise<ToolVersions> {
  const tools: Record<string, Record<string, string>> = { finn: { npm: finnVersion() } };
  for (const { step, scope } of plan.instances.map(({ instance }) => instance))
    for (const tool of step.tools?.(scope.settings) ?? []) {
      // What is part of finn is pinned with finn.
      if (tool.program.kind === 'module') continue;
      const kind = programNames[tool.program.kind];
      tools[tool.name] = { ...tools[tool.name], [kind]: await executor.version(tool) };
    }
  return tools;
}
