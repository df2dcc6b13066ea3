import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyStore } from '../../src/engine/verify-store.ts';
import { listTree } from '../../src/util/files.ts';
import { random } from '../../src/util/random.ts';
import { type Builder, builder as newBuilder } from './builder.ts';
import { image, leftovers, recordsIn, remove, temporary, writtenAgain } from './place.ts';

let builder: Builder;
let clean: Record<string, string>;
const mounted: string[] = [];
beforeAll(async () => {
  builder = await newBuilder('disk');
  const place = builder.place('clean');
  expect((await builder.build(place, 0).ended).status).toBe(0);
  clean = image(join(place, 'out'));
});
afterEach(() => {
  for (const path of mounted.splice(0)) execFileSync('umount', ['-l', path]);
});
afterAll(() => builder.close());

function mount(path: string, ...args: string[]): boolean {
  try {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', [...args, path], { stdio: 'ignore' });
    if (!mounted.includes(path)) mounted.push(path);
    return true;
  } catch {
    return false;
  }
}

/** Containers may forbid it: then there are the limits of files and modes. */
const mayMount = ((): boolean => {
  const path = temporary('mount');
  const may = mount(path, '-t', 'tmpfs', '-o', 'size=100k', 'finn-test');
  for (const one of mounted.splice(0)) execFileSync('umount', ['-l', one]);
  remove(path);
  if (!may) console.log('file systems cannot be mounted here: full and read-only ones are not tried');
  return may;
})();

/** The errors that a build told of, once each. */
const codes = (err: string): string[] => [
  ...new Set(
    [...err.matchAll(/"code":"([^"]+)"/g)].map(([, code]) => code!).filter((code) => code !== 'cache/evicted'),
  ),
];

/** After a disk was full: nothing is half there, and with room the build goes on where it was. */
async function goesOn(place: string): Promise<void> {
  const cache = join(place, '.finn');
  expect(verifyStore(cache, false).findings).toEqual([]);
  const before = recordsIn(cache);
  expect(before.size).toBeGreaterThan(0);
  expect(await builder.build(place, 0).ended).toMatchObject({ status: 0, err: '' });
  expect(image(join(place, 'out'))).toEqual(clean);
  expect(writtenAgain(before, cache)).toEqual([]);
  expect(leftovers(cache, place)).toEqual([]);
}

describe('a full disk', () => {
  it.each(mayMount ? ['600k', '1000k', '1500k'] : [])(
    'of %s, which is another file system: the build goes on when there is room',
    async (size) => {
      const place = builder.place(`full-${size}`);
      const cache = join(place, '.finn');
      expect(mount(cache, '-t', 'tmpfs', '-o', `size=${size}`, 'finn-test')).toBe(true);
      const { status, err } = await builder.build(place, 0).ended;
      expect({ status, codes: codes(err) }).toEqual({ status: 1, codes: ['cache/write'] });
      expect(err).toContain('ENOSPC');
      expect(err).toContain('make room');
      mount(cache, '-o', 'remount,size=100m');
      await goesOn(place);
    },
  );

  it('as a limit of the size of files shows it', async () => {
    const place = builder.place('limited');
    // In blocks of 512 bytes: the largest objects have 64 kB. A write that is cut off says so, instead of a signal.
    const before = ['sh', '-c', 'trap \'\' XFSZ; ulimit -f 60; exec "$@"', 'sh'];
    const { status, err } = await builder.build(place, 0, { before }).ended;
    expect({ status, codes: codes(err) }).toEqual({ status: 1, codes: ['cache/write'] });
    expect(err).toContain('EFBIG');
    await goesOn(place);
  });
});

describe('a cache that may only be read', () => {
  /** As somebody whom file modes bind. */
  const nobody = process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];

  async function readOnly(place: string, protect: (cache: string) => void): Promise<void> {
    const cache = join(place, '.finn');
    expect((await builder.build(place, 0).ended).status).toBe(0);
    chmodSync(builder.folder, 0o755);
    if (nobody.length > 0)
      for (const path of ['', 'out', ...listTree(join(place, 'out')).map((below) => join('out', below))])
        chownSync(join(place, path), 65534, 65534);
    for (const name of ['out', 'count']) execFileSync('chmod', ['-R', 'a+rwX', join(place, name)]);
    protect(cache);
    const before = image(cache);
    const all = await builder.build(place, 0, { before: nobody }).ended;
    expect(all).toEqual({ status: 0, out: '', err: '' });
    expect(image(join(place, 'out'))).toEqual(clean);
    const more = await builder.build(place, 1, { before: nobody }).ended;
    expect({ status: more.status, codes: codes(more.err) }).toEqual({ status: 1, codes: ['cache/write'] });
    expect(more.err).toContain('what is in such a cache can be used');
    expect(image(join(place, 'out'))).toEqual(clean);
    expect(image(cache)).toEqual(before);
  }

  it('serves a build that has all it needs, and says what it cannot do for another: by its modes', async () => {
    const place = builder.place('modes');
    await readOnly(place, (cache) => execFileSync('chmod', ['-R', 'a-w,a+rX', cache]));
    execFileSync('chmod', ['-R', 'u+w', join(place, '.finn')]);
  });

  it.each(mayMount ? ['tmpfs'] : [])('and by its file system, a %s', async (type) => {
    const place = builder.place('mounted');
    expect(mount(join(place, '.finn'), '-t', type, '-o', 'size=100m', 'finn-test')).toBe(true);
    await readOnly(place, (cache) => {
      expect(mount(cache, '-o', 'remount,ro')).toBe(true);
    });
  });

  it('or not even that: a diagnostic', async () => {
    const place = builder.place('unreadable');
    expect((await builder.build(place, 0).ended).status).toBe(0);
    const objects = join(place, '.finn/objects');
    for (const path of listTree(objects)) chmodSync(join(objects, path), 0o000);
    execFileSync('chmod', ['-R', 'a+rwX', place, join(place, 'out')]);
    for (const path of listTree(objects)) chmodSync(join(objects, path), 0o000);
    chmodSync(builder.folder, 0o755);
    const { status, err } = await builder.build(place, 1, { before: nobody }).ended;
    expect({ status, codes: codes(err) }).toEqual({ status: 1, codes: ['cache/read'] });
  });
});

describe('damaged files', () => {
  it('are found, told of, and made again; never used', async () => {
    const place = builder.place('damaged');
    const cache = join(place, '.finn');
    expect((await builder.build(place, 0).ended).status).toBe(0);
    const chance = random('damage');
    for (let round = 0; round < 6; round += 1) {
      const files = listTree(cache).filter((path) =>
        /^(objects|steps|calls|last|builds|roots|downloads|size)/.test(path),
      );
      for (const path of chance.shuffle(files).slice(0, 1 + chance.int(0, 20))) {
        const full = join(cache, path);
        chmodSync(full, 0o644);
        const { size } = statSync(full);
        const how = chance.pick(['empty', 'cut', 'changed', 'longer']);
        if (how === 'empty') truncateSync(full);
        else if (how === 'cut') truncateSync(full, chance.int(0, Math.max(0, size - 1)));
        else if (how === 'longer') writeFileSync(full, 'x', { flag: 'a' });
        else if (size > 0) {
          const bytes = readFileSync(full);
          bytes[chance.int(0, size - 1)]! ^= 1 << chance.int(0, 7);
          writeFileSync(full, bytes);
        }
      }
      // With a part changed, so that what is damaged is read.
      for (const variant of [round, 0]) {
        const { status, err } = await builder.build(place, variant).ended;
        expect({ round, status, err: err.split('\n').filter((line) => /"severity":"error"/.test(line)) }).toEqual({
          round,
          status: 0,
          err: [],
        });
      }
      expect(image(join(place, 'out'))).toEqual(clean);
    }
    verifyStore(cache, true);
    expect(verifyStore(cache, false).findings).toEqual([]);
    expect((await builder.build(place, 0).ended).status).toBe(0);
    expect(image(join(place, 'out'))).toEqual(clean);
  });
});
