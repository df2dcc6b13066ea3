import type { Build, Output } from '../config/model.ts';
import { fail } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import type { Wanted } from '../engine/graph.ts';
import type { AnyStep } from '../engine/step.ts';
import { steps } from '../steps/index.ts';
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

/** What the builds' outputs ask for, or with `until` every step up to that one that applies. */
export function wantedOf(session: Session, until: string | undefined): Wanted[] {
  const names = steps.map(({ name }) => name);
  if (until !== undefined && !names.includes(until))
    fail('cli/usage', `there is no step '${until}'`, { hint: didYouMean(until, names, 'steps') });
  const last = until === undefined ? names.length - 1 : names.indexOf(until);
  const reached = new Set(names.slice(0, last + 1));
  return session.builds.flatMap((build) => {
    const scope = session.buildScopes.get(build.name)!;
    const network = session.networkScopes.get(build.network.name)!;
    const asked = until === undefined ? stepsOf(build) : names.slice(0, last + 1);
    return steps
      .filter((step) => asked.includes(step.name) && reached.has(step.name) && applies(step, scope.settings))
      .map((step) => ({ scope: step.per === 'network' ? network : scope, step: step.name }));
  });
}

const stepsOf = ({ outputs }: Build): string[] => [...new Set(outputs.flatMap((output) => stepsFor[output]))];
const applies = (step: AnyStep, settings: unknown): boolean => step.applies?.(settings) ?? true;
