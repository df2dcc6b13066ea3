import { fail } from '../diagnostics/diagnostic.ts';
import type { AnyStep } from '../engine/step.ts';

/** What a step of a session must know of the plug-ins that the session was opened with. */
export interface Guard {
  /** Are they still those that finn's lists have? */
  isInUse(): boolean;
  /** What a plug-in threw, as a FinnError that shows the line. */
  blame(cause: unknown): unknown;
}

/**
 * A step that shows the line where a plug-in broke, and whose result is not kept where plug-ins were loaded anew while it ran:
 * its key has those that were. FinnError 'plugin/threw', 'plugin/changed'.
 */
export const guarded = (step: AnyStep, guard: Guard): AnyStep => ({
  ...step,
  async run(inputs, context) {
    const check = (): void => {
      if (!guard.isInUse())
        fail('plugin/changed', `plug-ins changed while '${step.name}' was to run`, { hint: 'build again' });
    };
    check();
    try {
      return await step.run(inputs, context);
    } catch (cause) {
      throw guard.blame(cause);
    } finally {
      check();
    }
  },
});

/** A step of a plug-in that makes all that it says. FinnError 'plugin/step'. */
export const whole = (step: AnyStep, from: string): AnyStep => ({
  ...step,
  async run(inputs, context) {
    const made = (await step.run(inputs, context)) as Readonly<Record<string, unknown>> | undefined;
    for (const name of Object.keys(step.makes as object))
      if (made?.[name] === undefined) fail('plugin/step', `step '${step.name}' of ${from} made no '${name}'`);
    return made as never;
  },
});
