import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../util/random.ts';
import { type Shared, type Summand, shareTriples } from './shared-triples.ts';

/** Each sum's value for values of the items. */
const values = (sums: readonly (readonly Summand[])[], x: readonly number[]): number[] =>
  sums.map((sum) => sum.reduce((n, { item, sign }) => n + sign * x[item]!, 0));

function ofShared({ triples, rest }: Shared, x: readonly number[]): number[] {
  const totals = values(rest, x);
  for (const { items, sums } of triples) {
    const [value] = values([items], x);
    for (const { sum, sign } of sums) totals[sum]! += sign * value!;
  }
  return totals;
}

function randomSums(items: number, sums: number, share: number, seed: string): Summand[][] {
  const rng = random(seed);
  return Array.from({ length: sums }, () =>
    Array.from({ length: items }, (_, item): Summand => ({ item, sign: rng.chance() ? 1 : -1 })).filter(() =>
      rng.chance(share),
    ),
  );
}

describe('shareTriples', () => {
  it('changes no sum', () => {
    const shape = fc.tuple(
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 70 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(shape, fc.nat(), ([items, sums, share], seed) => {
        const all = randomSums(items, sums, share, `${seed}`);
        const x = Array.from({ length: items }, (_, i) => 7 ** i % 1009);
        const shared = shareTriples(all, items);
        expect(ofShared(shared, x)).toEqual(values(all, x));
        expect(shared.triples.every(({ sums: users }) => users.length >= 3)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('leaves at most 2200 of 2882 summands in 64 sums of 64 random ternary weights', () => {
    const all = randomSums(64, 64, 0.7, 't64');
    const { triples, rest } = shareTriples(all, 64);
    const left = rest.reduce((n, sum) => n + sum.length, 0) + triples.reduce((n, t) => n + 2 * t.sums.length, 0);
    expect(all.flat().length).toBeGreaterThan(2800);
    expect(left).toBeLessThan(2200);
  });
});
