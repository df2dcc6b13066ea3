import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { random } from '../../src/util/random.ts';
import { type Builder, builder as newBuilder } from './builder.ts';
import { image, kills, leftovers, recordsIn, type Started, Usual, writtenAgain } from './place.ts';

const variants = [0, 5, 682, 1023];
/** Room for about one and a half builds: most builds end with an eviction. */
const limit = 8_500_000;
let builder: Builder;

beforeAll(async () => {
  builder = await newBuilder('killed');
});
afterAll(() => builder.close());

const build = (place: string, variant: number): Started => builder.build(place, variant, { limit });

it(
  'builds that are killed at random instants: the bytes of a clean build, nothing again, nothing left',
  async () => {
    const clean = new Map<number, Record<string, string>>();
    const usual = new Usual();
    for (const variant of variants) {
      const place = builder.place(`clean-${variant}`);
      const begun = performance.now();
      const { status, err } = await build(place, variant).ended;
      expect({ status, err }).toEqual({ status: 0, err: '' });
      usual.ended(performance.now() - begun);
      clean.set(variant, image(join(place, 'out')));
    }
    expect(new Set([...clean.values()].map((one) => JSON.stringify(one))).size).toBe(variants.length);

    const place = builder.place('killed');
    const cache = join(place, '.finn');
    const seed = process.env['FINN_SEED'] ?? 'kills';
    const chance = random(seed);
    const seen = { killed: 0, ended: 0, again: 0, swept: 0 };
    for (let i = 0; seen.killed < kills(20); i += 1) {
      if (chance.float() < 0.4) rmSync(cache, { recursive: true, force: true });
      const variant = chance.pick(variants);
      do {
        if (await usual.kill(() => build(place, variant), chance)) seen.killed += 1;
        else seen.ended += 1;
      } while (chance.float() < 0.3);
      const before = recordsIn(cache);
      seen.again += before.size;
      if (existsSync(cache)) seen.swept += leftovers(cache, place).length;
      const { status, err } = await build(place, variant).ended;
      const told = err.split('\n').filter((line) => line !== '' && !line.includes('cache/evicted'));
      expect({ i, seed, status, told }).toEqual({ i, seed, status: 0, told: [] });
      expect(image(join(place, 'out'))).toEqual(clean.get(variant));
      expect(writtenAgain(before, cache)).toEqual([]);
      expect(leftovers(cache, place)).toEqual([]);
      expect(verifyStore(cache, false).findings).toEqual([]);
    }
    console.log(
      `killed ${seen.killed}, ended before ${seen.ended}; ${seen.again} results kept, ${seen.swept} leftovers swept`,
    );
  },
  120_000 + kills(20) * 20_000,
);
