import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { type Builder, calls, builder as newBuilder } from './builder.ts';
import { image, killAfter, leftovers } from './place.ts';

let builder: Builder;
const clean = new Map<number, Record<string, string>>();
beforeAll(async () => {
  builder = await newBuilder('eight');
  for (const variant of [0, 1, 3, 1023]) {
    const place = builder.place(`clean-${variant}`);
    expect((await builder.build(place, variant).ended).status).toBe(0);
    clean.set(variant, image(join(place, 'out')));
  }
});
afterAll(() => builder.close());

/** How many calls of the fake tool began in a place, and how many came to their end. */
function counted(place: string): { began: number; ended: number } {
  const lines = readFileSync(join(place, 'count'), 'utf8').split('\n');
  const count = (word: string): number => lines.filter((line) => line === word).length;
  return { began: count('began'), ended: count('ended') };
}

describe('eight processes on one cache at once', () => {
  it('on the same build: all succeed, and no tool is called twice', async () => {
    const place = builder.place('same');
    const all = await Promise.all(Array.from({ length: 8 }, () => builder.build(place, 0).ended));
    expect(all.map(({ status, err }) => ({ status, err }))).toEqual(Array(8).fill({ status: 0, err: '' }));
    expect(image(join(place, 'out'))).toEqual(clean.get(0));
    expect(counted(place)).toEqual({ began: calls, ended: calls });
    expect(leftovers(join(place, '.finn'), place)).toEqual([]);
    expect(verifyStore(join(place, '.finn'), false).findings).toEqual([]);
  });

  it('on different builds: what they share is called once', async () => {
    const place = builder.place('different');
    // Of 0, 1 and 3 two parts differ; all ten of 1023 differ from those of 0.
    const all = await Promise.all([0, 1, 3, 1023, 0, 1, 3, 1023].map((variant) => builder.build(place, variant).ended));
    expect(all.map(({ status, err }) => ({ status, err }))).toEqual(Array(8).fill({ status: 0, err: '' }));
    expect(counted(place)).toEqual({ began: 2 * calls, ended: 2 * calls });
    for (const variant of [1, 1023, 0, 3]) {
      expect((await builder.build(place, variant).ended).status).toBe(0);
      expect(image(join(place, 'out'))).toEqual(clean.get(variant));
    }
    expect(counted(place).began).toBe(2 * calls);
    expect(leftovers(join(place, '.finn'), place)).toEqual([]);
  });

  it('of which some are killed: the others go on with what those had claimed', async () => {
    const place = builder.place('some-killed');
    const started = Array.from({ length: 8 }, () => builder.build(place, 0));
    const ends = await Promise.all(
      started.map(async (one, i) => (i % 2 === 0 ? killAfter(one, 300 + i * 150) : (await one.ended).status)),
    );
    expect(ends.filter((_, i) => i % 2 === 1)).toEqual([0, 0, 0, 0]);
    expect(image(join(place, 'out'))).toEqual(clean.get(0));
    expect((await builder.build(place, 0).ended).status).toBe(0);
    expect(leftovers(join(place, '.finn'), place)).toEqual([]);
    expect(verifyStore(join(place, '.finn'), false).findings).toEqual([]);
  });

  it('with evictions all the time: all succeed', async () => {
    const place = builder.place('evicting');
    const all = await Promise.all(
      [0, 1, 3, 1023, 0, 1, 3, 1023].map((variant) => builder.build(place, variant, { limit: 100_000 }).ended),
    );
    expect(all.map(({ status }) => status)).toEqual(Array(8).fill(0));
    expect((await builder.build(place, 3).ended).status).toBe(0);
    expect(image(join(place, 'out'))).toEqual(clean.get(3));
    expect(leftovers(join(place, '.finn'), place)).toEqual([]);
    expect(verifyStore(join(place, '.finn'), false).findings).toEqual([]);
  });
});
