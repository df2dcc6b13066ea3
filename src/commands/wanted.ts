import type { Build, Output } from '../config/model.ts';
import { fail } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Handle, Made } from '../engine/artifact.ts';
import type { Wanted } from '../engine/graph.ts';
import type { AnyStep } from '../engine/step.ts';
import type { Session } from './session.ts';

/** The steps that each output of a recipe asks for; what they need comes by itself. */
const stepsFor: Readonly<Record<Output, readonly string[]>> = {
  estimate: ['import', 'streamline', 'lower', 'fold'],
  stitched_ip: ['stitch', 'synthesize', 'simulate'],
  rtlsim_performance: ['simulate'],
  bitfile: ['simulate', 'verify-shell', 'bitfile'],
  driver: ['driver'],
  deployment: ['simulate', 'verify-shell', 'bitfile', 'driver'],
};

/**
 * What the builds' outputs ask for, or with `until` every step up to that one that applies; and the steps of plug-ins that need
 * nothing but what is made then anyway. `until` a step of a plug-in asks for that one alone.
 */
export function wantedOf(session: Session, until: string | undefined): Wanted[] {
  const { steps, ownSteps } = session.plugins;
  if (until !== undefined) checkSteps(session, [until]);
  const plugged = ownSteps.some(({ name }) => name === until);
  const built = steps.filter((step) => !ownSteps.includes(step));
  return session.builds.flatMap((build) => {
    const scope = session.buildScopes.get(build.name)!;
    const network = session.networkScopes.get(build.network.name)!;
    const asked = plugged ? [until!] : until === undefined ? stepsOf(build) : namesUpTo(built, until);
    const applying = steps.filter((step) => applies(step, scope.settings));
    const first = applying.filter(({ name }) => asked.includes(name));
    return [...first, ...(plugged ? [] : goingAlong(first, applying, ownSteps))].map((step) => ({
      scope: step.per === 'network' ? network : scope,
      step: step.name,
    }));
  });
}

/** Refuses names of steps that are none. FinnError 'cli/usage'. */
export function checkSteps({ plugins }: Session, steps: readonly string[] | undefined): void {
  const names = plugins.steps.map(({ name }) => name);
  for (const step of steps ?? [])
    if (!names.includes(step))
      fail('cli/usage', `there is no step '${step}'`, { hint: didYouMean(step, names, 'steps') });
}

/** Of `further`, the steps whose needs are all made on the way to `wanted`, or by one another. */
function goingAlong(
  wanted: readonly AnyStep[],
  applying: readonly AnyStep[],
  further: readonly AnyStep[],
): readonly AnyStep[] {
  if (further.length === 0) return [];
  const makers = new Map<Made, AnyStep>(
    applying.flatMap((step) => (Object.values(step.makes) as Made[]).map((made) => [made, step] as const)),
  );
  const needed = (step: AnyStep): (AnyStep | undefined)[] =>
    (Object.values(step.needs) as Handle[]).map((need) =>
      makers.get(need.kind === 'each' ? need.artifact : need.kind === 'item' ? need.family : need),
    );
  const reached = new Set<AnyStep>();
  const reach = (step: AnyStep | undefined): void => {
    if (!step || reached.has(step)) return;
    reached.add(step);
    needed(step).forEach(reach);
  };
  wanted.forEach(reach);
  const along: AnyStep[] = [];
  for (let before = -1; before < along.length; ) {
    before = along.length;
    for (const step of applying) {
      if (!further.includes(step) || reached.has(step)) continue;
      if (!needed(step).every((one) => one && reached.has(one))) continue;
      reached.add(step);
      along.push(step);
    }
  }
  return along;
}

const namesUpTo = (steps: readonly AnyStep[], last: string): string[] => {
  const names = steps.map(({ name }) => name);
  return names.slice(0, names.indexOf(last) + 1);
};
const stepsOf = ({ outputs }: Build): string[] => [...new Set(outputs.flatMap((output) => stepsFor[output]))];
const applies = (step: AnyStep, settings: unknown): boolean => step.applies?.(settings) ?? true;
