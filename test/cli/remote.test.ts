import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { storedOf } from '../../src/engine/content.ts';
import { openStore } from '../../src/engine/store.ts';
import { listTree } from '../../src/util/files.ts';
import { FakeBazelRemote } from '../helpers/fake-bazel-remote.ts';
import { Nginx, writer } from '../helpers/nginx.ts';
import { readTree } from '../helpers/read-tree.ts';
import { available } from '../helpers/require.ts';
import { cli, type Ended, Rig } from './rig.ts';

const credentials = { FINN_REMOTE_USER: writer.user, FINN_REMOTE_PASSWORD: writer.password };
const untilFold = ['build', 'digits.yaml', '--until', 'fold', '--plain'];

/** Caches of two machines, which work on the same recipe. */
let rig: Rig;
let caches: string[];
beforeEach(() => {
  rig = new Rig();
  rig.addDigits();
  caches = [];
});
afterEach(() => {
  rig.remove();
  for (const cache of caches) rmSync(cache, { recursive: true, force: true });
});

function newCache(): string {
  const cache = mkdtempSync(join(tmpdir(), 'finn-cache-'));
  caches.push(cache);
  return cache;
}

const config = (url: string, mode: string): void =>
  rig.write('finn.config.yaml', `cache: { remote: { url: ${url}, mode: ${mode}, timeout_s: 5 } }\n`);

/** How many steps of the last line of a build ran, and how many did not have to. */
function counts({ out }: Ended): { ran: number; fresh: number } {
  const [, ran, fresh] = /(\d+) ran, (\d+) fresh/.exec(out) ?? [];
  return { ran: Number(ran), fresh: Number(fresh) };
}

describe.skipIf(!available('nginx'))('with nginx', () => {
  let nginx: Nginx;
  beforeEach(async () => {
    nginx = await new Nginx().start();
  });
  afterEach(() => nginx.stop());

  test('a second machine builds with nothing run, without credentials', () => {
    config(nginx.url, 'read-write');
    const first = rig.finn(untilFold, { FINN_CACHE: newCache(), ...credentials });
    expect(first).toMatchObject({ status: 0, err: '' });
    expect(counts(first).ran).toBeGreaterThan(0);
    config(nginx.url, 'read');
    const second = rig.finn(untilFold, { FINN_CACHE: newCache() });
    expect(second).toMatchObject({ status: 0, err: '' });
    expect(counts(second)).toEqual({ ran: 0, fresh: counts(first).ran });
  });

  test('push sends what is in the cache, pull fetches it, and then no server is needed', async () => {
    const [one, two] = [newCache(), newCache()];
    expect(rig.finn(untilFold, { FINN_CACHE: one }).status).toBe(0);
    config(nginx.url, 'read-write');
    const push = ['cache', 'push', 'digits.yaml', '--until', 'fold'];
    const pushed = rig.finn(push, { FINN_CACHE: one, ...credentials });
    expect(pushed).toMatchObject({ status: 0, err: '' });
    expect(pushed.out).toMatch(/^sent (\d+) results and 0 tool calls to 127\.0\.0\.1:\d+: \d+ files, [\d.]+ [kM]B\n$/);
    const again = rig.finn([...push, '--json'], { FINN_CACHE: one, ...credentials });
    expect(JSON.parse(again.out)).toMatchObject({ missing: 0, objects: 0 });

    const pull = ['cache', 'pull', 'digits.yaml', '--until', 'fold'];
    const pulled = rig.finn([...pull, '--json'], { FINN_CACHE: two });
    expect(pulled).toMatchObject({ status: 0, err: '' });
    const { steps, missing } = JSON.parse(pulled.out) as { steps: number; missing: number };
    expect(steps).toBeGreaterThan(0);
    expect(missing).toBe(0);
    expect(rig.finn(pull, { FINN_CACHE: two }).out).toMatch(
      new RegExp(`^fetched 0 results and 0 tool calls .*; ${steps} results had been here\n$`),
    );
    await nginx.stop();
    const built = rig.finn(untilFold, { FINN_CACHE: two });
    expect(built).toMatchObject({ status: 0, err: '' });
    expect(counts(built)).toEqual({ ran: 0, fresh: steps });
    // The same contents on both machines, whatever their records say of times.
    const records = (cache: string) => listTree(join(cache, 'steps'));
    expect(records(two)).toEqual(records(one));
    for (const path of records(one)) {
      const [step = '', key = ''] = path.replace('.json', '').split('/');
      const { makes } = openStore(one).records.readStep(step, key)!;
      expect(openStore(two).records.readStep(step, key)?.makes).toEqual(makes);
      for (const stored of Object.values(makes).flatMap(storedOf)) {
        expect(openStore(two).objects.read(stored)).toEqual(openStore(one).objects.read(stored));
      }
    }
  });

  test('pull says what is not there, push what is not in the local cache', () => {
    config(nginx.url, 'read-write');
    const environment = { FINN_CACHE: newCache(), ...credentials };
    const pulled = rig.finn(['cache', 'pull', 'digits.yaml'], environment);
    expect(pulled.status).toBe(0);
    expect(pulled.out).toMatch(/fetched 0 results .*\n\d+ results not there; the first: /);
    const pushed = rig.finn(['cache', 'push', 'digits.yaml'], environment);
    expect(pushed.status).toBe(0);
    expect(pushed.out).toMatch(/^\d+ results not in the local cache: `finn build` makes them\nsent 0 results/);
  });

  test('push without credentials ends with status 1, and says which variables give them', () => {
    const environment = { FINN_CACHE: newCache() };
    expect(rig.finn(untilFold, environment).status).toBe(0);
    config(nginx.url, 'read-write');
    const pushed = rig.finn(['cache', 'push', 'digits.yaml', '--until', 'fold'], environment);
    expect(pushed.status).toBe(1);
    expect(pushed.err).toContain('cache/remote-credentials');
    expect(pushed.err).toContain('FINN_REMOTE_TOKEN');
    expect(listTree(join(nginx.files, 'ac'))).toEqual([]);
  });

  test('a poisoned object is reported, and the build is right all the same', () => {
    config(nginx.url, 'read-write');
    const one = newCache();
    expect(rig.finn(untilFold, { FINN_CACHE: one, ...credentials }).status).toBe(0);
    const results = readTree(rig.path('build'));
    const objects = readdirSync(join(nginx.files, 'cas'));
    for (const name of objects) {
      const path = join(nginx.files, 'cas', name);
      const bytes = readFileSync(path);
      // Records are left alone, files of results are not.
      if (!bytes.includes('"program":"finn"'))
        writeFileSync(
          path,
          bytes.map((byte) => byte ^ 1),
        );
    }
    const second = rig.finn(untilFold, { FINN_CACHE: newCache(), ...credentials });
    expect(second.status).toBe(0);
    expect(second.err).toContain('cache/remote-object');
    expect(counts(second).ran).toBeGreaterThan(0);
    const remade = readTree(rig.path('build'));
    expect(Object.keys(remade)).toEqual(Object.keys(results));
    const models = Object.keys(results).filter((path) => path.includes('/intermediate_models/'));
    expect(models.length).toBeGreaterThan(0);
    for (const path of models) expect(remade[path]).toEqual(results[path]);
    const third = rig.finn(untilFold, { FINN_CACHE: newCache() });
    expect(third).toMatchObject({ status: 0, err: '' });
    expect(counts(third).ran).toBe(0);
  });
});

describe.skipIf(!available('nginx') || !available('openssl'))('over https', () => {
  let nginx: Nginx;
  beforeEach(async () => {
    nginx = await new Nginx().start(true);
  });
  afterEach(() => nginx.stop());

  test('with an authority of one’s own; without it, no bytes and one warning', () => {
    config(nginx.url, 'read-write');
    const trusting = { NODE_EXTRA_CA_CERTS: nginx.certificate };
    const first = rig.finn(untilFold, { FINN_CACHE: newCache(), ...credentials, ...trusting });
    expect(first).toMatchObject({ status: 0, err: '' });
    const second = rig.finn(untilFold, { FINN_CACHE: newCache(), ...trusting });
    expect(second).toMatchObject({ status: 0, err: '' });
    expect(counts(second).ran).toBe(0);
    const stranger = rig.finn(untilFold, { FINN_CACHE: newCache(), ...credentials });
    expect(stranger.status).toBe(0);
    expect(stranger.err.match(/warning/g)).toHaveLength(1);
    expect(stranger.err).toMatch(/does not answer: \w*SELF_SIGNED_CERT/);
    expect(counts(stranger)).toEqual(counts(first));
  });
});

test('a server that is not there costs one warning', () => {
  config('http://127.0.0.1:9', 'read-write');
  const built = rig.finn(untilFold, { FINN_CACHE: newCache() });
  expect(built.status).toBe(0);
  expect(built.err.match(/warning/g)).toHaveLength(1);
  expect(built.err).toContain('cache/remote-down');
  expect(built.err).toContain('127.0.0.1:9');
});

test('a command that shares needs a remote cache, and push one that may be written', () => {
  for (const command of ['push', 'pull']) {
    const { status, err } = rig.finn(['cache', command, 'digits.yaml']);
    expect(status).toBe(2);
    expect(err).toContain('finn.config.yaml names no remote cache');
  }
  config('http://127.0.0.1:9', 'read');
  const { status, err } = rig.finn(['cache', 'push', 'digits.yaml']);
  expect(status).toBe(2);
  expect(err).toContain('read-write');
});

test('credentials are in no file, line or record, wherever they are refused (a fake server)', async () => {
  const secret = 'open-sesame-4711';
  const fake = await new FakeBazelRemote().start();
  try {
    for (const wanted of [`Bearer ${secret}`, 'Bearer another', undefined]) {
      fake.authorization = wanted;
      config(fake.url, 'read-write');
      const cache = newCache();
      const environment = { ...process.env, FINN_CACHE: cache, FINN_REMOTE_TOKEN: secret };
      const said = await new Promise<string>((resolve) => {
        const options = { cwd: rig.folder, env: environment };
        execFile(process.execPath, [cli, ...untilFold, '--json'], options, (error, out, err) =>
          resolve(`${error?.message ?? ''}${out}${err}`),
        );
      });
      expect(fake.seen.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`);
      expect(said).not.toContain(secret);
      const files = [...Object.values(readTree(cache)), ...Object.values(readTree(rig.path('build')))];
      for (const bytes of [...files, ...fake.cas.values(), ...fake.ac.values()]) {
        expect(Buffer.from(bytes).includes(secret)).toBe(false);
      }
    }
  } finally {
    await fake.stop();
  }
});
