import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storedOf } from '../../../src/engine/content.ts';
import { type HttpRemoteOptions, httpRemote } from '../../../src/engine/remote/http.ts';
import { listTree } from '../../../src/util/files.ts';
import { canonicalJson, hashJson } from '../../../src/util/hash.ts';
import { FakeBazelRemote, readAction, sha256, writeAction } from '../../helpers/fake-bazel-remote.ts';
import { addCall, addStep, Machine } from './stores.ts';

let fake: FakeBazelRemote;
let machines: Machine[];
beforeEach(async () => {
  machines = [];
  fake = await new FakeBazelRemote('/team/finn').start();
});
afterEach(async () => {
  for (const machine of machines) machine.remove();
  await fake.stop();
});

function machine(options: Partial<HttpRemoteOptions> = {}): Machine {
  const made = new Machine(fake.url, options);
  machines.push(made);
  return made;
}

const files = { 'a.v': 'module a;', 'b/c.v': 'module c;', 'empty.v': '' };
const callKey = sha256(Buffer.from('a call'));

/** A first machine that has sent one step and one call, and a second that has nothing. */
async function shared() {
  const first = machine();
  const { key, record } = addStep(first.store, 'codegen', files);
  const call = addCall(first.store, callKey, { netlist: 'cells' });
  first.remote.pushStep('codegen', key);
  first.remote.pushCall(callKey);
  await first.remote.settled();
  const requests = fake.take();
  const second = machine();
  return { first, second, key, record, call, requests };
}

/** Replaces the one ActionResult of a step, as a server that lies would. */
function withAction(change: (record: Record<string, unknown>) => Record<string, unknown>): void {
  for (const [name, bytes] of fake.ac) {
    const message = readAction(bytes);
    const place = message.output_files.find(({ path }) => path === 'record.json')!;
    const old = JSON.parse(Buffer.from(fake.cas.get(place.digest.hash)!).toString('utf8'));
    if (old.kind !== 'step') continue;
    const text = Buffer.from(canonicalJson(change(old)));
    fake.cas.set(sha256(text), text);
    const digest = { hash: sha256(text), size_bytes: text.length };
    fake.ac.set(name, writeAction({ ...message, output_files: [{ path: 'record.json', digest }] }));
  }
}

const summed = ({ sum: _, ...whole }: Record<string, unknown>) => ({ ...whole, sum: hashJson(whole) });

describe('sharing', () => {
  it('brings a step and a call to another machine, whole', async () => {
    const { second, key, record, call } = await shared();
    expect(await second.remote.pullStep('codegen', key)).toBe(true);
    expect(await second.remote.pullCall(callKey)).toBe(true);
    expect(second.store.records.readStep('codegen', key)).toEqual(record);
    expect(second.store.records.readCall(callKey)).toEqual(call);
    expect(Object.values(record.makes).every((made) => second.store.has(made))).toBe(true);
    const [netlist] = Object.values(call.outputs);
    expect(Buffer.from(second.store.objects.read(netlist!)!).toString()).toBe('cells');
    expect(second.warnings).toEqual([]);
    expect(second.remote.pulled.records).toBe(2);
  });

  it('sends every object once, and the ActionResult after all of its objects', async () => {
    const { requests } = await shared();
    const puts = requests.filter((one) => one.startsWith('PUT'));
    // Two files of the step, the call's output, two records; then two entries. The file of no bytes is everywhere.
    expect(puts.filter((one) => one === 'PUT /cas')).toHaveLength(5);
    expect(puts.filter((one) => one === 'PUT /ac')).toHaveLength(2);
    expect(fake.cas.size).toBe(5);
    expect(fake.early).toEqual([]);
  });

  it('writes messages that another reader of the real field numbers understands', async () => {
    const { record } = await shared();
    const messages = [...fake.ac.values()].map(readAction);
    const step = messages.find(({ stdout_digest }) => !stdout_digest)!;
    const call = messages.find(({ stdout_digest }) => stdout_digest)!;
    const objects = storedOf(record.makes['all']!);
    expect(step.output_files.map(({ path }) => path)).toContain('record.json');
    expect(step.output_files).toHaveLength(1 + objects.length);
    for (const [hash, size] of objects) {
      expect(step.output_files).toContainEqual(expect.objectContaining({ digest: { hash, size_bytes: size } }));
    }
    expect(step.execution_metadata).toEqual({ worker: 'finn' });
    expect(call.stdout_digest?.size_bytes).toBe(0);
  });

  it('asks first, and does not send what is there', async () => {
    const { key } = await shared();
    const third = machine();
    addStep(third.store, 'codegen', files);
    third.remote.pushStep('codegen', key);
    await third.remote.settled();
    const requests = fake.take();
    expect(requests.filter((one) => one === 'HEAD /cas')).toHaveLength(4);
    expect(requests.filter((one) => one === 'PUT /cas')).toHaveLength(0);
    expect(requests.filter((one) => one === 'PUT /ac')).toHaveLength(1);
  });

  it('fetches only what the store lacks, and an object that two results name once', async () => {
    const { first, key } = await shared();
    const other = addStep(first.store, 'stitch', { 'a.v': files['a.v'], 'top.v': 'module top;' });
    first.remote.pushStep('stitch', other.key);
    await first.remote.settled();
    fake.take();
    const third = machine();
    third.store.objects.write(Buffer.from(files['b/c.v']));
    const both = [third.remote.pullStep('codegen', key), third.remote.pullStep('stitch', other.key)];
    expect(await Promise.all(both)).toEqual([true, true]);
    // Two records, a.v, top.v; b/c.v is there, and nothing need be fetched for an empty file.
    expect(fake.take().filter((one) => one === 'GET /cas')).toHaveLength(4);
  });

  it('fetches a result once that is asked for twice at the same time', async () => {
    const { second, key } = await shared();
    const both = [second.remote.pullStep('codegen', key), second.remote.pullStep('codegen', key)];
    expect(await Promise.all(both)).toEqual([true, true]);
    expect(fake.take().filter((one) => one === 'GET /ac')).toHaveLength(1);
    expect(second.remote.pulled).toMatchObject({ records: 1, objects: 3 });
  });

  it('does not mix steps and calls, or steps of other names, of the same key', async () => {
    const { second, key } = await shared();
    expect(await second.remote.pullStep('other', key)).toBe(false);
    expect(await second.remote.pullCall(key)).toBe(false);
    expect(second.warnings).toEqual([]);
  });

  it('sends nothing in mode read', async () => {
    const reader = machine({ mode: 'read' });
    const { key } = addStep(reader.store, 'codegen', files);
    addCall(reader.store, callKey, { netlist: 'cells' });
    reader.remote.pushStep('codegen', key);
    reader.remote.pushCall(callKey);
    await reader.remote.settled();
    expect(fake.take()).toEqual([]);
    expect(reader.remote.writable).toBe(false);
  });

  it('sends nothing of a result whose file is lost', async () => {
    const first = machine();
    const { key, record } = addStep(first.store, 'codegen', files);
    const [[hash]] = storedOf(record.makes['all']!) as [[string, number]];
    rmSync(`${first.store.folder}/objects/${hash.slice(0, 2)}/${hash.slice(2)}`);
    first.remote.pushStep('codegen', key);
    await first.remote.settled();
    expect(fake.ac.size).toBe(0);
  });
});

it('asks for nothing more where the local cache cannot be written, and leaves it to the step to say so', async () => {
  const { key } = await shared();
  const second = machine();
  writeFileSync(second.store.folder, 'a file where a folder should be');
  expect(await second.remote.pullStep('codegen', key)).toBe(false);
  fake.take();
  expect(await second.remote.pullCall(callKey)).toBe(false);
  expect(fake.take()).toEqual([]);
  expect(second.warnings).toEqual([]);
});

it.each([
  'no address',
  'http://host:99999',
  'ftp://host/',
  'http://someone:secret@host/',
  'http://host/?key=secret',
  'http://host/#secret',
])('refuses the address %s, and does not repeat it', (url) => {
  const { store } = machine();
  const make = () => httpRemote({ url, mode: 'read', timeoutMs: 1000, store, warn: () => {} });
  expect(make).toThrow(/the address of the remote cache is none that finn can use/);
  expect(make).not.toThrow(/secret/);
});

describe('what a server may have wrong', () => {
  it.each([
    ['poisoned', (bytes: Uint8Array) => Buffer.from(bytes).fill(120), /its contents have the hash/],
    ['truncated', (bytes: Uint8Array) => bytes.slice(0, -1), /it has 8 bytes, not 9/],
    ['too long', (bytes: Uint8Array) => Buffer.concat([bytes, bytes]), /it has 18 bytes, not 9/],
  ])('refuses an object that is %s, and sends the right one afterwards', async (_, spoil, why) => {
    const { second, key } = await shared();
    const object = sha256(Buffer.from(files['a.v']));
    const spoilt = spoil(fake.cas.get(object)!);
    fake.intercept = ({ method, url }, response) => {
      if (method !== 'GET' || !url?.endsWith(object)) return false;
      response.end(spoilt);
      return true;
    };
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.codes).toEqual(['cache/remote-object']);
    expect(second.warnings[0]?.message).toMatch(why);
    expect(second.store.objects.has([object, 9])).toBe(false);
    expect(second.store.records.readStep('codegen', key)).toBeUndefined();
    // What was made here takes the place of what was wrong, although the server says that it has it.
    addStep(second.store, 'codegen', files);
    fake.take();
    second.remote.pushStep('codegen', key);
    await second.remote.settled();
    expect(fake.take().filter((one) => one === 'PUT /cas')).toHaveLength(1);
  });

  it('reads no more than an object may have, where the server does not say how much it has', async () => {
    const { second, key } = await shared();
    let written = 0;
    fake.intercept = ({ method, url }, response) => {
      if (method !== 'GET' || !url?.includes('/cas/')) return false;
      const more = (): void => {
        if (response.destroyed) return;
        written += 65_536;
        response.write(Buffer.alloc(65_536), () => setImmediate(more));
      };
      more();
      return true;
    };
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(new Set(second.codes)).toEqual(new Set(['cache/remote-object']));
    expect(written).toBeLessThan(50_000_000);
    expect(listTree(`${second.store.folder}/objects`)).toEqual([sha256(Buffer.from('')).replace(/^../, '$&/')]);
  });

  it.each([
    ['damaged', (record: object) => ({ ...record, seconds: 3 }), /checksum/],
    ['of another key', (record: object) => summed({ ...record, key: '0'.repeat(64) }), /another result/],
    ['of another format', (record: object) => summed({ ...record, format: 99 }), /another result/],
    [
      'of other inputs',
      ({ record, ...rest }: { record?: { fingerprint?: object } }) =>
        summed({ ...rest, record: { ...record, fingerprint: { ...record?.fingerprint, finn: 'other code' } } }),
      /fingerprint/,
    ],
    [
      'of contents that hash to something else',
      ({ record, ...rest }: { record?: { makes?: { all?: object } } }) =>
        summed({ ...rest, record: { ...record, makes: { all: { ...record?.makes?.all, hash: 'f'.repeat(64) } } } }),
      /contents/,
    ],
    [
      'with a path that leaves its folder',
      ({ record, ...rest }: { record?: object }) =>
        summed({
          ...rest,
          record: { ...record, makes: { all: { hash: '', files: { '../x': ['0'.repeat(64), 1] } } } },
        }),
      /contents/,
    ],
    [
      'with a message that has a number for a hint',
      ({ record, ...rest }: { record?: object }) =>
        summed({
          ...rest,
          record: { ...record, diagnostics: [{ code: 'cache/write', severity: 'note', message: '', hint: 5 }] },
        }),
      /diagnostics/,
    ],
    ['no object', () => summed({ record: 1 }), /another result/],
  ])('refuses a record that is %s', async (_, change, why) => {
    const { second, key } = await shared();
    withAction(change as (record: Record<string, unknown>) => Record<string, unknown>);
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.codes).toEqual(['cache/remote-record']);
    expect(second.warnings[0]?.message).toMatch(why);
    expect(second.store.records.readStep('codegen', key)).toBeUndefined();
  });

  it.each([
    ['no protobuf', () => Buffer.from([0xff, 0xff, 0xff])],
    ['no bytes', () => new Uint8Array()],
    ['no record', () => writeAction({ execution_metadata: { worker: 'bazel' } })],
    ['a failure', (bytes: Uint8Array) => writeAction({ ...readAction(bytes), exit_code: 1 })],
    [
      'a digest that is none',
      () => writeAction({ output_files: [{ path: 'record.json', digest: { hash: '../x', size_bytes: 1 } }] }),
    ],
    [
      'an enormous size',
      () =>
        writeAction({ output_files: [{ path: 'record.json', digest: { hash: '0'.repeat(64), size_bytes: 1e15 } }] }),
    ],
  ])('refuses an ActionResult that is %s', async (_, change) => {
    const { second, key } = await shared();
    fake.intercept = ({ method, url }, response) => {
      const found = method === 'GET' && fake.ac.get(url?.slice(-64) ?? '');
      if (found) response.end(change(found));
      return found !== false && found !== undefined;
    };
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.codes).toEqual(['cache/remote-record']);
  });

  it('takes an entry whose object is gone as none', async () => {
    const { second, key } = await shared();
    const object = sha256(Buffer.from(files['a.v']));
    fake.intercept = ({ url }, response) => {
      if (!url?.endsWith(object)) return false;
      response.writeHead(404).end();
      return true;
    };
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.warnings).toEqual([]);
    expect(second.remote.readable).toBe(true);
  });

  it('tells of many poisoned objects in few words', async () => {
    const first = machine();
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.v`, `module m${i};`]));
    const { key } = addStep(first.store, 'codegen', many);
    first.remote.pushStep('codegen', key);
    await first.remote.settled();
    for (const [name, bytes] of fake.cas) if (bytes.length < 20) fake.cas.set(name, Buffer.alloc(bytes.length, 'x'));
    const second = machine();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.codes).toEqual(Array(5).fill('cache/remote-object'));
    expect(second.warnings[4]?.message).toContain('more of these are not told');
  });
});
