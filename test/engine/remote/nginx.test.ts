import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storedOf } from '../../../src/engine/content.ts';
import type { HttpRemoteOptions } from '../../../src/engine/remote/http.ts';
import { listTree } from '../../../src/util/files.ts';
import { readAction, sha256 } from '../../helpers/fake-bazel-remote.ts';
import { authorization, Nginx } from '../../helpers/nginx.ts';
import { available } from '../../helpers/require.ts';
import { addCall, addStep, Machine } from './stores.ts';

const files = { 'a.v': 'module a;', 'empty.v': '', 'large.v': 'wire w;'.repeat(300_000) };
const callKey = sha256(Buffer.from('a call'));

describe.skipIf(!available('nginx'))('a real nginx, configured as docs/remote-cache.md says', () => {
  let nginx: Nginx;
  let machines: Machine[];
  beforeEach(async () => {
    machines = [];
    nginx = await new Nginx().start();
  });
  afterEach(async () => {
    for (const machine of machines) machine.remove();
    await nginx.stop();
  });

  function machine(options: Partial<HttpRemoteOptions> = { authorization }): Machine {
    const made = new Machine(nginx.url, options);
    machines.push(made);
    return made;
  }

  async function shared() {
    const first = machine();
    const { key, record } = addStep(first.store, 'codegen', files);
    const call = addCall(first.store, callKey, { netlist: 'cells' });
    first.remote.pushStep('codegen', key);
    first.remote.pushCall(callKey);
    await first.remote.settled();
    expect(first.warnings).toEqual([]);
    return { key, record, call };
  }

  const fileOf = (text: string): string => join(nginx.files, 'cas', sha256(Buffer.from(text)));

  it('shares what one machine made with another, which needs no credentials to read', async () => {
    const { key, record, call } = await shared();
    const second = machine({ mode: 'read' });
    expect(await second.remote.pullStep('codegen', key)).toBe(true);
    expect(await second.remote.pullCall(callKey)).toBe(true);
    expect(second.warnings).toEqual([]);
    expect(second.store.records.readStep('codegen', key)).toEqual(record);
    expect(second.store.records.readCall(callKey)).toEqual(call);
    for (const stored of storedOf(record.makes['all']!)) {
      expect(sha256(second.store.objects.read(stored)!)).toBe(stored[0]);
    }
  });

  it('has files by their hash, and messages that name them', async () => {
    const { record } = await shared();
    for (const path of listTree(join(nginx.files, 'cas'))) {
      expect(sha256(readFileSync(join(nginx.files, 'cas', path)))).toBe(path);
    }
    const entries = listTree(join(nginx.files, 'ac')).map((name) => readFileSync(join(nginx.files, 'ac', name)));
    expect(entries).toHaveLength(2);
    const digests = entries.flatMap((bytes) => readAction(bytes).output_files.map(({ digest }) => digest));
    for (const [hash, size_bytes] of storedOf(record.makes['all']!))
      expect(digests).toContainEqual({ hash, size_bytes });
    for (const { hash } of digests) expect(existsSync(join(nginx.files, 'cas', hash))).toBe(true);
  });

  it.each([
    ['poisoned', (path: string) => writeFileSync(path, 'module x;')],
    ['truncated', (path: string) => truncateSync(path, 5)],
    ['emptied', (path: string) => truncateSync(path, 0)],
  ])('with an object that is %s: refused, reported, and put right by who makes it', async (_, spoil) => {
    const { key } = await shared();
    spoil(fileOf(files['a.v']));
    const second = machine();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.codes).toEqual(['cache/remote-object']);
    expect(second.store.records.readStep('codegen', key)).toBeUndefined();
    expect(second.store.objects.has([sha256(Buffer.from(files['a.v'])), 9])).toBe(false);
    addStep(second.store, 'codegen', files);
    second.remote.pushStep('codegen', key);
    await second.remote.settled();
    expect(readFileSync(fileOf(files['a.v']), 'utf8')).toBe(files['a.v']);
    expect(await machine().remote.pullStep('codegen', key)).toBe(true);
  });

  it('with an object that is gone: made here instead, without a warning', async () => {
    const { key } = await shared();
    rmSync(fileOf(files['large.v']));
    const second = machine();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(second.warnings).toEqual([]);
  });

  it('with the entry of another result under its name: refused', async () => {
    const { key } = await shared();
    const names = listTree(join(nginx.files, 'ac'));
    const [one, other] = names.map((name) => readFileSync(join(nginx.files, 'ac', name)));
    writeFileSync(join(nginx.files, 'ac', names[0]!), other!);
    writeFileSync(join(nginx.files, 'ac', names[1]!), one!);
    const second = machine();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(await second.remote.pullCall(callKey)).toBe(false);
    expect(second.codes).toEqual(['cache/remote-record', 'cache/remote-record']);
  });

  it('does not let anyone write without credentials, and is read on', async () => {
    const { key } = await shared();
    const second = machine({});
    const other = addStep(second.store, 'stitch', { 'top.v': 'module top;' });
    second.remote.pushStep('stitch', other.key);
    await second.remote.settled();
    expect(second.codes).toEqual(['cache/remote-credentials']);
    expect(await second.remote.pullStep('codegen', key)).toBe(true);
    expect(existsSync(fileOf('module top;'))).toBe(false);
  });

  it('stopped: one warning', async () => {
    const { key } = await shared();
    const second = machine();
    await nginx.stop();
    expect(await second.remote.pullStep('codegen', key)).toBe(false);
    expect(await second.remote.pullCall(callKey)).toBe(false);
    expect(second.codes).toEqual(['cache/remote-down']);
  });

  it('that cannot write: one warning', async () => {
    await shared();
    rmSync(join(nginx.files, 'cas'), { recursive: true });
    writeFileSync(join(nginx.files, 'cas'), 'a file where a folder should be');
    const second = machine();
    const other = addStep(second.store, 'stitch', { 'top.v': 'module top;', 'rom.v': 'module rom;' });
    second.remote.pushStep('stitch', other.key);
    await second.remote.settled();
    expect(second.codes).toEqual(['cache/remote-write']);
    expect(second.remote.readable).toBe(true);
  });
});
