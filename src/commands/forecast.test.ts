import { describe, expect, it } from 'vitest';
import type { Instance } from '../engine/graph.ts';
import type { Known } from '../engine/known.ts';
import type { Planned, State } from '../engine/plan.ts';
import { forecast } from './forecast.ts';

/** A step of so many seconds that needs others, as a plan has it. */
function planned(
  name: string,
  seconds: number | undefined,
  needs: readonly Planned[],
  state: State = 'run',
  threads = 1,
): Planned {
  const instance = {
    path: name,
    index: count++,
    step: { name, cost: () => ({ threads, memory: 1 }) },
    scope: { settings: {} },
    needs: new Map(needs.map(({ instance: of }, i) => [String(i), { kind: 'output', of }])),
  } as unknown as Instance;
  return { instance, id: { step: name, scope: [] }, state, because: [], seconds, diagnostics: [] };
}
let count = 0;
const known = { waitsFor: ({ of }: { of: Instance }) => [of] } as unknown as Known;

describe('forecast', () => {
  const first = planned('first', 1, []);
  const layers = [4, 3, 2, 1].map((seconds, i) => planned(`layer ${i}`, seconds, [first]));
  const last = planned('last', 5, layers);
  const steps = [first, ...layers, last];

  it('is the sum with one thread, the longest chain with many, and between with two', () => {
    expect(forecast(steps, known, 1)).toEqual({ work: 16, expected: 16, longest: 10, unknown: 0 });
    expect(forecast(steps, known, 8)).toEqual({ work: 16, expected: 10, longest: 10, unknown: 0 });
    // 4 + 1 beside 3 + 2
    expect(forecast(steps, known, 2).expected).toBe(11);
  });

  it('counts nothing for what is done, wrong, or never ran', () => {
    const done = planned('done', 100, [], 'fresh');
    const wrong = planned('wrong', 100, [], 'wrong');
    const never = planned('never', undefined, [done], 'waits');
    const behind = planned('behind', 2, [never, wrong], 'waits');
    expect(forecast([done, wrong, never, behind], known, 2)).toEqual({ work: 2, expected: 2, longest: 2, unknown: 1 });
    expect(forecast([done], known, 2)).toEqual({ work: 0, expected: 0, longest: 0, unknown: 0 });
  });

  it('gives a step the threads that it says, as far as there are any', () => {
    const wide = [planned('a', 2, [], 'run', 4), planned('b', 2, [], 'run', 4)];
    expect(forecast(wide, known, 4).expected).toBe(4);
    expect(forecast(wide, known, 8).expected).toBe(2);
    expect(forecast(wide, known, 1).expected).toBe(4);
  });
});
