import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellsOfRun } from '../../src/commands/manifest.ts';
import { sha256 } from '../../src/util/hash.ts';
import { random } from '../../src/util/random.ts';
import {
  copyProgram,
  image,
  killAfter,
  kills,
  leftovers,
  programsOf,
  recordsIn,
  remove,
  type Started,
  serve,
  start,
  temporary,
  Usual,
  writtenAgain,
} from './place.ts';

const folder = temporary('killed-cli');
const digits = fileURLToPath(new URL('../../recipes/digits/', import.meta.url));
let cli = '';
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  cli = copyProgram(folder);
  server = await serve(readFileSync(join(digits, 'digits.onnx')));
});
afterAll(() => {
  server.close();
  remove(folder);
});

/** The digits from a file, from a server and from a program; `pe` is of one layer. */
const recipe = (url: string, hash: string, pe: number): string => `finn: 1
name: three
networks:
  file: { model: { file: digits.onnx }, input: { datatype: uint5, scale: 1/16 }, output: { top_k: 1 } }
  url:
    model: { url: "${url}", sha256: ${hash} }
    input: { datatype: uint5, scale: 1/16 }
    output: { top_k: 1 }
  run:
    model: { run: [make-model, digits.onnx], inputs: [digits.onnx], output: made.onnx }
    input: { datatype: uint5, scale: 1/16 }
    output: { top_k: 1 }
targets:
  icebreaker: { board: icebreaker, clock_mhz: 24 }
folding:
  small:
    layers:
      MVAU_0: { pe: ${pe}, simd: 16, memory: block }
      MVAU_1: { pe: 2, simd: 16, memory: block }
      MVAU_2: { pe: 1, simd: 8, memory: block }
builds:
  file: { network: file, target: icebreaker, folding: small }
  url: { network: url, target: icebreaker, folding: small }
  run: { network: run, target: icebreaker, folding: small }
`;

/** A folder with the recipe, its config, and the program that makes a model in so many seconds. */
function newPlace(name: string, seconds = 0.1): string {
  const place = join(folder, name);
  mkdirSync(place);
  cpSync(join(digits, 'digits.onnx'), join(place, 'digits.onnx'));
  const program = [
    '#!/bin/sh',
    'if [ "$1" = --version ]; then echo make-model 1.0; exit 0; fi',
    // Before it is told: whoever kills it then finds the child.
    'sleep 300 > /dev/null 2>&1 &',
    `echo began >> ${join(place, 'count')}`,
    `sleep ${seconds}`,
    'cp "$1" made.onnx',
    `echo ended >> ${join(place, 'count')}`,
  ];
  writeFileSync(join(place, 'make-model'), `${program.join('\n')}\n`);
  chmodSync(join(place, 'make-model'), 0o755);
  writeFileSync(join(place, 'finn.config.yaml'), 'jobs: 2\n');
  return place;
}

const args = ['build', 'three.yaml', '--until', 'codegen', '--allow-run', '--plain'];

/** Starts finn in a place, whose programs it finds. */
const finn = (place: string, ...words: string[]): Started =>
  start(place, [cli, ...words], { PATH: `${place}:${process.env['PATH']}` });

function build(place: string, pe: number, ...more: string[]): Started {
  const hash = sha256(readFileSync(join(digits, 'digits.onnx')));
  writeFileSync(join(place, 'three.yaml'), recipe(server.url, hash, pe));
  return finn(place, ...args, ...more);
}
const resultOf = (place: string): Record<string, string> =>
  image(join(place, 'build'), (path) => !tellsOfRun(path.split('/').slice(2).join('/')));

const variants = [4, 2, 1];
const clean = new Map<number, Record<string, string>>();
const usual = new Usual();
beforeAll(async () => {
  for (const pe of variants) {
    const place = newPlace(`clean-${pe}`);
    const begun = performance.now();
    const { status, out, err } = await build(place, pe).ended;
    expect({ status, err, failed: out.match(/^.*failed.*$/gm) }).toEqual({ status: 0, err: '', failed: null });
    usual.ended(performance.now() - begun);
    clean.set(pe, resultOf(place));
    expect(Object.keys(clean.get(pe)!).length).toBeGreaterThan(10);
  }
  expect(new Set([...clean.values()].map((one) => JSON.stringify(one))).size).toBe(variants.length);
});

describe('finn', () => {
  it(
    'killed at random instants builds the bytes of a clean build, nothing again, and leaves nothing',
    async () => {
      const place = newPlace('killed');
      const cache = join(place, '.finn');
      const seed = process.env['FINN_SEED'] ?? 'cli';
      const chance = random(seed);
      const seen = { killed: 0, ended: 0, kept: 0, collected: 0 };
      for (let i = 0; seen.killed < kills(8); i += 1) {
        if (chance.float() < 0.5) rmSync(cache, { recursive: true, force: true });
        const pe = chance.pick(variants);
        // Now and then it is not a build that is killed but a collection of what is not used.
        if (existsSync(cache) && chance.float() < 0.4) {
          await killAfter(
            start(place, [cli, 'cache', 'gc', '--size', chance.pick(['0B', '300kB'])]),
            chance.float() * 500,
          );
          seen.collected += 1;
        }
        if (await usual.kill(() => build(place, pe), chance)) seen.killed += 1;
        else seen.ended += 1;
        const before = recordsIn(cache);
        seen.kept += before.size;
        const { status, err } = await build(place, pe).ended;
        expect({ i, seed, status, err }).toEqual({ i, seed, status: 0, err: '' });
        expect(resultOf(place)).toEqual(clean.get(pe));
        expect(writtenAgain(before, cache)).toEqual([]);
        expect(leftovers(cache, place)).toEqual([]);
        const checked = await start(place, [cli, 'cache', 'verify']).ended;
        expect(checked).toMatchObject({ status: 0, err: '' });
      }
      console.log(`killed ${seen.killed}, ended before ${seen.ended}, gc ${seen.collected}; ${seen.kept} results kept`);
    },
    120_000 + kills(8) * 30_000,
  );

  it('eight times at once on one recipe: all succeed, and its program runs once', async () => {
    const place = newPlace('eight');
    build(place, 4).child.kill('SIGKILL');
    const all = await Promise.all(Array.from({ length: 8 }, () => finn(place, ...args).ended));
    expect(all.map(({ status, err }) => ({ status, err }))).toEqual(Array(8).fill({ status: 0, err: '' }));
    expect(resultOf(place)).toEqual(clean.get(4));
    expect(readFileSync(join(place, 'count'), 'utf8')).toBe('began\nended\n');
    expect(leftovers(join(place, '.finn'), place)).toEqual([]);
  });

  it('ends what a killed one left running, with its children', async () => {
    const place = newPlace('orphans', 60);
    const killed = build(place, 4, '--build', 'run');
    for (;;) {
      if (existsSync(join(place, 'count'))) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    killed.child.kill('SIGKILL');
    await killed.ended;
    // The program itself dies with its parent; the child that it started in the background does not.
    expect(programsOf(place).length).toBeGreaterThan(0);
    expect((await build(place, 4, '--build', 'file').ended).status).toBe(0);
    expect(programsOf(place)).toEqual([]);
    expect(leftovers(join(place, '.finn'), place)).toEqual([]);
  });
});
