import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AnyStep, step } from '../../src/engine/step.ts';
import { Rig, scope, text } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.remove());

/** Steps in a row, each of which needs the one before it. */
function row(length: number): AnyStep[] {
  const artifacts = Array.from({ length }, (_, i) => text(`a${i}`));
  return artifacts.map(
    (made, i): AnyStep =>
      step({
        name: `s${i}`,
        doc: 'one of a row',
        per: 'net',
        needs: i === 0 ? {} : { before: artifacts[i - 1]! },
        makes: { made },
        config: () => null,
        run: async () => ({ made: String(i) }),
      }),
  );
}

test('a graph far deeper than a stack is resolved and planned', async () => {
  const length = 20_000;
  const engine = rig.engine(row(length));
  const { instances } = await engine.plan(engine.graph([{ scope: scope('net', 'n'), step: `s${length - 1}` }]));
  expect(instances.length).toBe(length);
  expect(instances[0]).toMatchObject({ id: { step: 's0' }, state: 'run' });
  expect(instances.at(-1)).toMatchObject({ id: { step: `s${length - 1}` }, state: 'waits' });
});

test('a row is built, and then there is nothing to do', async () => {
  const steps = row(300);
  const wanted = { scope: scope('net', 'n'), step: 's299' };
  const first = rig.engine(steps);
  expect((await first.run(first.graph([wanted]), { display: rig.display })).ok).toBe(true);
  expect(rig.take().length).toBe(300);
  const second = rig.engine(steps);
  const built = await second.run(second.graph([wanted]), { display: rig.display });
  expect(built.outcomes.every(({ how }) => how === 'fresh')).toBe(true);
  expect(rig.take()).toEqual([]);
});
