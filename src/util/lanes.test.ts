import { expect, it } from 'vitest';
import { inLanes } from './lanes.ts';

/** Promises by number, which the test settles. */
function gates() {
  const open = new Map<number, { resolve: () => void; reject: (reason: Error) => void }>();
  const begun: number[] = [];
  const work = (n: number): Promise<void> => {
    begun.push(n);
    return new Promise((resolve, reject) => void open.set(n, { resolve, reject }));
  };
  return { open, begun, work };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('begins in order, so many at once, and ends with the last', async () => {
  const { open, begun, work } = gates();
  let done = false;
  const all = inLanes([0, 1, 2, 3], 2, work).then(() => {
    done = true;
  });
  await turn();
  expect(begun).toEqual([0, 1]);
  open.get(1)?.resolve();
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  for (const n of [0, 2]) open.get(n)?.resolve();
  await turn();
  expect([begun, done]).toEqual([[0, 1, 2, 3], false]);
  open.get(3)?.resolve();
  await all;
  await inLanes([], 2, work);
});

it('begins nothing after a failure, and tells it when nothing runs any more', async () => {
  const { open, begun, work } = gates();
  let told: unknown;
  const all = inLanes([0, 1, 2, 3], 2, work).catch((cause: unknown) => {
    told = cause;
  });
  await turn();
  open.get(0)?.reject(new Error('full'));
  await turn();
  expect([begun, told]).toEqual([[0, 1], undefined]);
  open.get(1)?.resolve();
  await all;
  expect([begun, told]).toEqual([[0, 1], new Error('full')]);
});
