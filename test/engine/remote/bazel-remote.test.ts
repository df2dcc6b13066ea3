import { afterEach, describe, expect, it } from 'vitest';
import { storedOf } from '../../../src/engine/content.ts';
import type { HttpRemoteOptions } from '../../../src/engine/remote/http.ts';
import { type BazelOptions, type BazelRemote, fakeBazelRemote, realBazelRemote } from '../../helpers/bazel-remote.ts';
import { sha256 } from '../../helpers/fake-bazel-remote.ts';
import { available } from '../../helpers/require.ts';
import { addCall, addStep, Machine } from './stores.ts';

const large = 'wire w;'.repeat(100_000);
const files = { 'a.v': 'module a;', 'empty.v': '', 'large.v': large };
const callKey = sha256(Buffer.from('a call'));
const user = { user: 'ci', password: 'correct horse' };
const authorization = `Basic ${Buffer.from(`${user.user}:${user.password}`).toString('base64')}`;

// The same of both, so that the fake stays alike. Nothing is skipped where there is no real one.
const kinds: readonly (readonly [string, (options: BazelOptions) => Promise<BazelRemote>])[] = [
  ['a fake bazel-remote', fakeBazelRemote],
  ...(available('bazel-remote') ? [['a real bazel-remote', realBazelRemote] as const] : []),
];

describe.each(kinds)('%s', (_, start) => {
  let server: BazelRemote;
  let machines: Machine[] = [];
  afterEach(async () => {
    for (const machine of machines) machine.remove();
    machines = [];
    await server.stop();
  });

  function machine(options: Partial<HttpRemoteOptions> = {}, path = ''): Machine {
    const made = new Machine(server.url + path, options);
    machines.push(made);
    return made;
  }

  /** Sends a step and a call from a machine of its own. */
  async function shared(options: Partial<HttpRemoteOptions> = {}, path = '') {
    const first = machine(options, path);
    const { key, record } = addStep(first.store, 'codegen', files);
    const call = addCall(first.store, callKey, { netlist: 'cells' });
    first.remote.pushStep('codegen', key);
    first.remote.pushCall(callKey);
    await first.remote.settled();
    return { first, key, record, call };
  }

  it.each<[string, BazelOptions]>([
    ['as it comes', {}],
    ['that does not look at ActionResults', { disable_http_ac_validation: true }],
    ['that packs nothing', { storage_mode: 'uncompressed' }],
  ])('%s: shares what one machine made with another', async (_, options) => {
    server = await start(options);
    const { first, key, record, call } = await shared();
    expect(first.warnings).toEqual([]);
    expect(first.remote.pushed.records).toBe(2);
    const second = machine({ mode: 'read' });
    expect(await second.remote.pullStep('codegen', key)).toBe(true);
    expect(await second.remote.pullCall(callKey)).toBe(true);
    expect(second.warnings).toEqual([]);
    expect(second.store.records.readStep('codegen', key)).toEqual(record);
    expect(second.store.records.readCall(callKey)).toEqual(call);
    for (const stored of storedOf(record.makes['all']!)) {
      expect(sha256(second.store.objects.read(stored)!)).toBe(stored[0]);
    }
    // Sent again from a third, nothing but the entries is carried.
    const { first: third } = await shared();
    expect(third.remote.pushed).toMatchObject({ records: 2, objects: 0 });
  });

  it('takes a path in front of /ac and /cas', async () => {
    server = await start({});
    const { key } = await shared({}, '/team/finn/');
    expect(await machine({}, '/team/finn').remote.pullStep('codegen', key)).toBe(true);
  });

  it('wants credentials of everyone where it has users', async () => {
    server = await start({ user });
    const { first, key } = await shared({ authorization });
    expect(first.warnings).toEqual([]);
    const friend = machine({ authorization });
    expect(await friend.remote.pullStep('codegen', key)).toBe(true);
    for (const wrong of [undefined, 'Basic d3Jvbmc6d3Jvbmc=', 'Bearer wrong']) {
      const stranger = machine({ authorization: wrong });
      expect(await stranger.remote.pullStep('codegen', key)).toBe(false);
      expect(stranger.codes).toEqual(['cache/remote-credentials']);
    }
  });

  it('is read by everyone where it allows that, and written by its users', async () => {
    server = await start({ user, allow_unauthenticated_reads: true });
    const { key } = await shared({ authorization });
    const stranger = machine();
    expect(await stranger.remote.pullStep('codegen', key)).toBe(true);
    const other = addStep(stranger.store, 'stitch', { 'top.v': 'module top;', 'large.v': `${large}x` });
    stranger.remote.pushStep('stitch', other.key);
    await stranger.remote.settled();
    expect(stranger.codes).toEqual(['cache/remote-credentials']);
    expect(stranger.remote.readable).toBe(true);
  });

  it('is given the results that are not too large for it', async () => {
    server = await start({ max_blob_size: 100_000 });
    const { first, key } = await shared();
    expect(first.codes).toEqual(['cache/remote-write']);
    expect(first.warnings[0]?.message).toContain(`a file of ${large.length} bytes (status 400)`);
    const second = machine();
    expect(await second.remote.pullCall(callKey)).toBe(true);
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.warnings).toEqual([]);
  });

  it('that has lost a file, of which it does not know: the result is made here, and the file sent again', async () => {
    server = await start({});
    const { key } = await shared();
    server.lose(sha256(Buffer.from(files['a.v'])));
    const second = machine();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.warnings).toEqual([]);
    addStep(second.store, 'codegen', files);
    second.remote.pushStep('codegen', key);
    await second.remote.settled();
    expect(second.warnings).toEqual([]);
    expect(await machine().remote.pullStep('codegen', key)).toBe(true);
  });

  it('that had no room for them any more: nothing is found, and all is sent again', async () => {
    server = await start({});
    const { key } = await shared();
    await server.overflow();
    const second = machine();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.warnings).toEqual([]);
    addStep(second.store, 'codegen', files);
    second.remote.pushStep('codegen', key);
    await second.remote.settled();
    expect(second.warnings).toEqual([]);
    expect(await machine().remote.pullStep('codegen', key)).toBe(true);
  });

  it('serves several at once that send and fetch the same', async () => {
    server = await start({});
    const together = await Promise.all(Array.from({ length: 4 }, () => shared()));
    const { key } = together[0]!;
    expect(together.flatMap(({ first }) => first.warnings)).toEqual([]);
    const readers = Array.from({ length: 4 }, () => machine());
    expect(await Promise.all(readers.map(({ remote }) => remote.pullStep('codegen', key)))).toEqual(
      Array(4).fill(true),
    );
    expect(readers.flatMap(({ warnings }) => warnings)).toEqual([]);
  });
});
