import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpRemoteOptions } from '../../../src/engine/remote/http.ts';
import { FakeBazelRemote, sha256 } from '../../helpers/fake-bazel-remote.ts';
import { held } from '../rig.ts';
import { addStep, Machine } from './stores.ts';

const files = { 'a.v': 'module a;', 'b.v': 'module b;' };
const secret = 'c29tZW9uZTpzZWNyZXQ=';

let fake: FakeBazelRemote;
let machines: Machine[];
let key: string;
beforeEach(async () => {
  machines = [];
  fake = await new FakeBazelRemote().start();
  const first = machine();
  key = addStep(first.store, 'codegen', files).key;
  first.remote.pushStep('codegen', key);
  await first.remote.settled();
  expect(fake.ac.size).toBe(1);
  fake.take();
});
afterEach(async () => {
  for (const machine of machines) machine.remove();
  await fake.stop();
});

function machine(options: Partial<HttpRemoteOptions> = {}, url = fake.url): Machine {
  const made = new Machine(url, options);
  machines.push(made);
  return made;
}

/** A machine that pulls once; what came of it. */
async function pull(options: Partial<HttpRemoteOptions> = {}) {
  const one = machine(options);
  const got = await one.remote.pullStep('codegen', key);
  return { one, got };
}

/** A machine that has another result and sends it. */
async function push(options: Partial<HttpRemoteOptions> = {}) {
  const one = machine(options);
  const { key } = addStep(one.store, 'stitch', { 'top.v': 'module top;', 'rom.v': 'module rom;' });
  one.remote.pushStep('stitch', key);
  await one.remote.settled();
  return { one, key };
}

describe('a server that fails', () => {
  it('is asked again after status 500, twice', async () => {
    let failures = 2;
    fake.intercept = (_, response) => {
      if (failures === 0) return false;
      failures -= 1;
      response.writeHead(500).end('out of order');
      return true;
    };
    const { one, got } = await pull();
    expect(got).toBe(true);
    expect(one.warnings).toEqual([]);
  });

  it.each([429, 500, 502, 503, 504])('is given up after status %i, four times, with one warning', async (status) => {
    fake.intercept = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    const { one, got } = await pull();
    expect(got).toBe(false);
    expect(fake.take()).toEqual(Array(4).fill('GET /ac'));
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(one.warnings[0]?.message).toContain(`status ${status}, 4 times`);
    expect(one.warnings[0]?.message).toContain(one.remote.host);
    // It is asked no more, and that is not said again.
    expect(await one.remote.pullCall(sha256(Buffer.from('other')))).toBe(false);
    const { key } = addStep(one.store, 'stitch', files);
    one.remote.pushStep('stitch', key);
    await one.remote.settled();
    expect(fake.take()).toEqual([]);
    expect(one.warnings).toHaveLength(1);
  });

  it.each([400, 418, 501])('is given up after status %i, which another attempt would not change', async (status) => {
    fake.intercept = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    const { one } = await pull();
    expect(fake.take()).toEqual(['GET /ac']);
    expect(one.codes).toEqual(['cache/remote-down']);
  });

  it('costs one warning where nobody listens, however many ask at once', async () => {
    await fake.stop();
    const one = machine();
    const asked = Array.from({ length: 50 }, (_, i) => one.remote.pullStep(`step-${i}`, key));
    expect(await Promise.all(asked)).toEqual(Array(50).fill(false));
    const { key: other } = addStep(one.store, 'stitch', files);
    one.remote.pushStep('stitch', other);
    await one.remote.settled();
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(one.warnings[0]?.message).toBe(`the remote cache at ${one.remote.host} does not answer: ECONNREFUSED`);
  });

  it('costs one warning where nobody listens and something is to be sent', async () => {
    await fake.stop();
    const one = machine();
    const keys = ['a', 'b', 'c'].map((name) => [name, addStep(one.store, name, files).key] as const);
    for (const [name, key] of keys) one.remote.pushStep(name, key);
    await one.remote.settled();
    expect(one.codes).toEqual(['cache/remote-down']);
  });

  it('is given up when it hangs, after one more attempt', async () => {
    fake.intercept = () => true;
    const { one, got } = await pull({ timeoutMs: 40 });
    expect(got).toBe(false);
    expect(fake.take()).toHaveLength(2);
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(one.warnings[0]?.message).toContain('nothing came for 0.04 s');
  });

  it('is given up when it hangs in the middle of a body', async () => {
    fake.intercept = ({ url }, response) => {
      if (!url?.startsWith('/cas')) return false;
      response.writeHead(200, { 'Content-Length': fake.cas.get(url.slice(5))!.length });
      response.write('m');
      return true;
    };
    const { one, got } = await pull({ timeoutMs: 40 });
    expect(got).toBe(false);
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(one.store.records.readStep('codegen', key)).toBeUndefined();
  });

  it('cannot hold a build by sending a byte now and then', async () => {
    const closed = held();
    fake.intercept = (_, response) => {
      response.writeHead(200, { 'Content-Length': 1_000_000 });
      const timer = setInterval(() => response.write('x'), 10);
      response.once('close', () => {
        clearInterval(timer);
        closed.release();
      });
      return true;
    };
    const { one, got } = await pull({ timeoutMs: 50 });
    await closed.promise;
    expect(got).toBe(false);
    expect(one.codes).toEqual(['cache/remote-down']);
  });

  it('is asked again when it dies in the middle of a body, and given up if it does so always', async () => {
    let deaths = 2;
    fake.intercept = ({ url, socket }, response) => {
      if (!url?.startsWith('/cas') || deaths === 0) return false;
      deaths -= 1;
      response.writeHead(200, { 'Content-Length': fake.cas.get(url.slice(5))!.length });
      response.write('m', () => socket.destroy());
      return true;
    };
    const { one, got } = await pull();
    expect(got).toBe(true);
    expect(one.warnings).toEqual([]);
    deaths = Number.POSITIVE_INFINITY;
    const { one: other, got: again } = await pull();
    expect(again).toBe(false);
    expect(other.codes).toEqual(['cache/remote-down']);
  });

  it('may close connections that are kept for later at any time', async () => {
    const { key: other } = await push();
    const used = new WeakSet<Socket>();
    let closed = 0;
    fake.intercept = ({ socket }) => {
      // A second request on a connection never gets an answer.
      if (!used.has(socket)) {
        used.add(socket);
        return false;
      }
      closed += 1;
      socket.destroy();
      return true;
    };
    const { one } = await pull();
    expect(await one.remote.pullStep('stitch', other)).toBe(true);
    expect(closed).toBeGreaterThan(0);
    expect(one.warnings).toEqual([]);
  });

  it('ends at once when the run is interrupted, without a warning', async () => {
    const controller = new AbortController();
    fake.intercept = () => {
      controller.abort();
      return true;
    };
    const { one, got } = await pull({ signal: controller.signal });
    expect(got).toBe(false);
    expect(one.warnings).toEqual([]);
    expect(await one.remote.pullCall(key)).toBe(false);
    expect(fake.take()).toHaveLength(1);
  });
});

describe('a server that refuses', () => {
  it('takes the credentials that it wants', async () => {
    fake.authorization = `Basic ${secret}`;
    const { one, got } = await pull({ authorization: `Basic ${secret}` });
    expect(got).toBe(true);
    expect(one.warnings).toEqual([]);
  });

  it.each([
    [undefined, 'wants credentials'],
    ['Bearer wrong-token', 'does not accept the credentials'],
  ])('says in one warning which variables give credentials (Authorization: %s)', async (authorization, told) => {
    fake.authorization = `Basic ${secret}`;
    const { one, got } = await pull({ authorization });
    expect(got).toBe(false);
    await one.remote.pullCall(key);
    expect(fake.take()).toEqual(['GET /ac']);
    expect(one.codes).toEqual(['cache/remote-credentials']);
    expect(one.warnings[0]?.message).toBe(`the remote cache at ${one.remote.host} ${told} (status 401)`);
    expect(one.warnings[0]?.hint).toMatch(/FINN_REMOTE_TOKEN.*FINN_REMOTE_USER.*FINN_REMOTE_PASSWORD/);
    expect(JSON.stringify(one.warnings)).not.toContain('wrong-token');
  });

  it('is read where it demands credentials for writing only', async () => {
    fake.authorization = `Basic ${secret}`;
    fake.publicReads = true;
    const { one } = await push();
    expect(one.codes).toEqual(['cache/remote-credentials']);
    expect(one.remote.writable).toBe(false);
    expect(await one.remote.pullStep('codegen', key)).toBe(true);
  });

  it.each([403, 405, 409, 500])('is read on where it answers PUT with %i', async (status) => {
    fake.intercept = ({ method }, response) => {
      if (method !== 'PUT') return false;
      response.writeHead(status).end();
      return true;
    };
    const { one } = await push();
    expect(one.codes).toEqual(['cache/remote-write']);
    expect(one.warnings[0]?.message).toContain(`status ${status}`);
    expect(await one.remote.pullStep('codegen', key)).toBe(true);
    fake.take();
    const { key: other } = addStep(one.store, 'other', files);
    one.remote.pushStep('other', other);
    await one.remote.settled();
    expect(fake.take()).toEqual([]);
  });

  it('is read on where it closes the connection instead of taking a body', async () => {
    fake.intercept = ({ method, socket }) => {
      if (method !== 'PUT') return false;
      socket.resetAndDestroy();
      return true;
    };
    const { one } = await push();
    expect(one.codes).toEqual(['cache/remote-write']);
    expect(await one.remote.pullStep('codegen', key)).toBe(true);
  });

  it('is sent the other results where one has a file that is too large', async () => {
    fake.intercept = ({ method, headers }, response) => {
      if (method !== 'PUT' || Number(headers['content-length']) < 10_000) return false;
      response.writeHead(413, { Connection: 'close' }).end();
      return true;
    };
    const one = machine();
    const large = addStep(one.store, 'large', { 'a.v': 'x'.repeat(20_000), 'b.v': 'y'.repeat(20_000) });
    const small = addStep(one.store, 'small', { 'c.v': 'z' });
    one.remote.pushStep('large', large.key);
    one.remote.pushStep('small', small.key);
    await one.remote.settled();
    expect(one.codes).toEqual(['cache/remote-write']);
    expect(one.warnings[0]?.message).toContain('20000 bytes (status 413)');
    const other = machine();
    expect(await other.remote.pullStep('small', small.key)).toBe(true);
    expect(await other.remote.pullStep('large', large.key)).toBe(false);
  });

  it.each([403, 405, 501])('is sent everything where it answers HEAD with %i', async (status) => {
    fake.intercept = ({ method }, response) => {
      if (method !== 'HEAD') return false;
      response.writeHead(status).end();
      return true;
    };
    const { one, key: other } = await push();
    expect(one.warnings).toEqual([]);
    expect(await machine().remote.pullStep('stitch', other)).toBe(true);
  });
});

describe('redirects', () => {
  it('are followed within the server', async () => {
    fake.intercept = ({ url }, response) => {
      if (url?.startsWith('/moved')) return false;
      response.writeHead(307, { Location: `/moved${url}` }).end();
      return true;
    };
    const moved = new FakeBazelRemote('/moved');
    for (const [name, bytes] of fake.cas) moved.cas.set(name, bytes);
    for (const [name, bytes] of fake.ac) moved.ac.set(name, bytes);
    await moved.start();
    moved.intercept = fake.intercept;
    const one = machine({}, moved.url.replace('/moved', ''));
    expect(await one.remote.pullStep('codegen', key)).toBe(true);
    await moved.stop();
  });

  it('are not followed to another server, which gets no request and no credentials', async () => {
    let asked = 0;
    const other = createServer((_, response) => {
      asked += 1;
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const elsewhere = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    fake.intercept = ({ url }, response) => {
      response.writeHead(302, { Location: `http://${elsewhere}${url}` }).end();
      return true;
    };
    const { one, got } = await pull({ authorization: `Basic ${secret}` });
    expect(got).toBe(false);
    expect(asked).toBe(0);
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(one.warnings[0]?.message).toContain(`redirects to ${elsewhere}`);
    expect(JSON.stringify(one.warnings)).not.toContain(secret);
    other.close();
  });

  it('in a circle end', async () => {
    fake.intercept = ({ url }, response) => {
      response.writeHead(301, { Location: url! }).end();
      return true;
    };
    const { one } = await pull();
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(fake.take()).toHaveLength(4);
  });
});

describe('credentials', () => {
  it('are in no warning, record or file, whatever goes wrong', async () => {
    const authorization = `Basic ${secret}`;
    const answers = [401, 403, 404, 405, 500, 302];
    for (const status of answers) {
      fake.intercept = (_, response) => {
        response.writeHead(status, { Location: 'http://elsewhere.invalid/' }).end(`you sent ${authorization}`);
        return true;
      };
      const { one } = await pull({ authorization });
      const { one: sender } = await push({ authorization });
      const all = JSON.stringify([one.warnings, sender.warnings]);
      expect(all).not.toContain(secret);
      expect(all).not.toContain('someone');
    }
    fake.intercept = undefined;
    await push({ authorization });
    for (const bytes of [...fake.cas.values(), ...fake.ac.values()]) {
      expect(Buffer.from(bytes).toString('latin1')).not.toContain(secret);
    }
  });
});
