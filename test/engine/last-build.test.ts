import { readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/engine.ts';
import { type AnyStep, step } from '../../src/engine/step.ts';
import type { Store } from '../../src/engine/store.ts';
import { listTree } from '../../src/util/files.ts';
import { Rig, scope, text } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.remove());

const [a, b] = [text('a'), text('b')];
const steps = (word: string): AnyStep[] => [
  step({
    name: 'first',
    doc: '',
    per: 'net',
    needs: {},
    makes: { a },
    config: () => word,
    run: async (_, { config }) => ({ a: config }),
  }),
  step({
    name: 'second',
    doc: '',
    per: 'net',
    needs: { a },
    makes: { b },
    config: () => null,
    run: async (inputs) => ({ b: `${inputs.a}!` }),
  }),
];
const wanted = { scope: scope('net', 'n'), step: 'second' };
const folder = (): string => join(rig.folder, '.finn');

/** Builds, and tells what became of the steps and which records of steps were read. */
async function build(options: { word?: string; place?: string } = {}): Promise<{ how: string[]; read: string[] }> {
  const read: string[] = [];
  const { store } = rig;
  const watched: Store = {
    ...store,
    records: {
      ...store.records,
      readStep(name, key) {
        read.push(name);
        return store.records.readStep(name, key);
      },
    },
  };
  const { executor, jobs, finn } = rig;
  const engine = createEngine({
    steps: steps(options.word ?? 'x'),
    store: watched,
    executor,
    jobs,
    memory: 1000,
    finn,
    place: options.place ?? 'here',
  });
  const { outcomes } = await engine.run(engine.graph([wanted]), { display: rig.display });
  store.close();
  return { how: outcomes.map(({ how }) => how), read };
}

const recordOf = (name: string): string => join(folder(), 'steps', name, listTree(join(folder(), 'steps', name))[0]!);
const file = (): string => join(folder(), 'builds', listTree(join(folder(), 'builds'))[0]!);

test('a build that has nothing to do reads no record of a step', async () => {
  await build();
  expect(await build()).toEqual({ how: ['fresh', 'fresh'], read: [] });
});

test('another place has its own file, and finds the same records', async () => {
  await build();
  expect(await build({ place: 'there' })).toEqual({ how: ['fresh', 'fresh'], read: ['first', 'second'] });
  expect(await build({ place: 'there' })).toEqual({ how: ['fresh', 'fresh'], read: [] });
});

test('a file that is damaged, cut off or gone costs reading, and is written anew', async () => {
  await build();
  const whole = readFileSync(file(), 'utf8');
  for (const damage of [whole.slice(0, -9), whole.replace('second', 'secant'), 'no such thing', '']) {
    writeFileSync(file(), damage);
    expect(await build()).toEqual({ how: ['fresh', 'fresh'], read: ['first', 'second'] });
    expect(await build()).toEqual({ how: ['fresh', 'fresh'], read: [] });
  }
  rmSync(file());
  expect((await build()).how).toEqual(['fresh', 'fresh']);
});

test('a record that is gone is gone, whatever the file says', async () => {
  await build();
  rmSync(recordOf('first'));
  expect(await build()).toMatchObject({ how: ['ran', 'fresh'] });
});

test('a record that was written anew is read', async () => {
  await build();
  const path = recordOf('second');
  writeFileSync(`${path}.new`, readFileSync(path));
  renameSync(`${path}.new`, path);
  expect(await build()).toEqual({ how: ['fresh', 'fresh'], read: ['second'] });
  utimesSync(path, 1, 1);
  expect(await build()).toEqual({ how: ['fresh', 'fresh'], read: ['second'] });
});

test('a content that is gone is made again', async () => {
  await build();
  const objects = listTree(join(folder(), 'objects'));
  expect(objects.length).toBe(2);
  for (const path of objects) rmSync(join(folder(), 'objects', path));
  expect((await build()).how).toEqual(['ran', 'ran']);
});

test('what was built before the last time is found in the records', async () => {
  await build();
  expect((await build({ word: 'y' })).how).toEqual(['ran', 'ran']);
  expect(await build({ word: 'x' })).toMatchObject({ how: ['restored', 'restored'] });
  expect(await build({ word: 'x' })).toEqual({ how: ['fresh', 'fresh'], read: [] });
});
