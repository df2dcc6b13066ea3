import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TimedOut } from '../../../src/engine/remote/failures.ts';
import type { HttpRemoteOptions } from '../../../src/engine/remote/http.ts';
import { request } from '../../../src/engine/remote/request.ts';
import { listTree } from '../../../src/util/files.ts';
import { FakeBazelRemote, sha256 } from '../../helpers/fake-bazel-remote.ts';
import { addStep, Machine } from './stores.ts';

const files = { 'a.v': 'module a;', 'b.v': 'module b;' };
/** More than is sent or fetched in one piece. */
const large = 'wire w;'.repeat(1_000_000);
const largeName = sha256(Buffer.from(large));

let fake: FakeBazelRemote;
let machines: Machine[];
beforeEach(async () => {
  machines = [];
  fake = await new FakeBazelRemote().start();
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

/** A machine that sends one result; what came of it. */
async function push(contents: Readonly<Record<string, string>> = files, options: Partial<HttpRemoteOptions> = {}) {
  const one = machine(options);
  const { key } = addStep(one.store, 'codegen', contents);
  one.remote.pushStep('codegen', key);
  await one.remote.settled();
  return { one, key };
}

async function pull(key: string, options: Partial<HttpRemoteOptions> = {}) {
  const one = machine(options);
  const got = await one.remote.pullStep('codegen', key);
  return { one, got };
}

/** The contents that a GET asks for. */
const wanted = ({ method, url = '' }: IncomingMessage): Uint8Array | undefined =>
  method === 'GET' ? (url.startsWith('/cas') ? fake.cas : fake.ac).get(url.slice(-64)) : undefined;

describe('addresses', () => {
  it('with two slashes stay those of their host', async () => {
    const one = machine({}, `${fake.url}//elsewhere.invalid/finn/`);
    expect(await one.remote.pullStep('codegen', sha256(Buffer.from('key')))).toBe(false);
    expect(fake.seen[0]?.path).toMatch(/^\/\/elsewhere\.invalid\/finn\/ac\/[0-9a-f]{64}$/);
    expect(fake.seen[0]?.headers.host).toBe(new URL(fake.url).host);
  });

  // Where the machine has no IPv6 there is nothing to try.
  const ipv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
  it.each(ipv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'])('may be numbers: %s', async (host) => {
    const other = await new FakeBazelRemote('/a%20b').start(host);
    const first = machine({}, `${other.url}///`);
    const { key } = addStep(first.store, 'codegen', files);
    first.remote.pushStep('codegen', key);
    await first.remote.settled();
    expect(first.warnings).toEqual([]);
    const second = machine({}, other.url);
    expect(await second.remote.pullStep('codegen', key)).toBe(true);
    expect(second.remote.host).toBe(new URL(other.url).host);
    await other.stop();
  });
});

describe('answers', () => {
  it.each<[string, (body: Uint8Array, response: ServerResponse) => void]>([
    ['in chunks', (body, response) => void response.write(body.subarray(0, 3), () => response.end(body.subarray(3)))],
    [
      'that end with the connection',
      (body, response) => {
        response.useChunkedEncodingByDefault = false;
        response.removeHeader('Transfer-Encoding');
        response.setHeader('Connection', 'close');
        response.end(body);
      },
    ],
    ['that say nothing of themselves', (body, response) => void response.end(body)],
  ])('%s are taken', async (_, answer) => {
    const { key } = await push({ ...files, 'large.v': large });
    fake.intercept = (request, response) => {
      const body = wanted(request);
      if (body) answer(body, response);
      return body !== undefined;
    };
    const { one, got } = await pull(key);
    expect(got).toBe(true);
    expect(one.warnings).toEqual([]);
    expect(Buffer.from(one.store.objects.read([largeName, large.length])!).toString()).toBe(large);
  });

  it('that are packed although that was not wanted make the server useless, and are not taken for damaged', async () => {
    const { key } = await push();
    fake.intercept = (request, response) => {
      const body = wanted(request);
      if (body) response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(body));
      return body !== undefined;
    };
    const { one, got } = await pull(key);
    expect(got).toBe(false);
    expect(one.codes).toEqual(['cache/remote-down']);
    expect(one.warnings[0]?.message).toContain('Content-Encoding: gzip');
  });

  it('of errors may be as long as they like', async () => {
    const { key } = await push();
    fake.intercept = (request, response) => {
      if (!request.url?.startsWith('/cas')) return false;
      response.writeHead(404).end(Buffer.alloc(5_000_000));
      return true;
    };
    const { one, got } = await pull(key);
    expect(got).toBe(false);
    expect(one.warnings).toEqual([]);
    expect(one.remote.readable).toBe(true);
  });

  it('that break off in the middle of a large file are asked for again, and nothing is left of them', async () => {
    const { key } = await push({ 'large.v': large });
    let deaths = 2;
    fake.intercept = (request, response) => {
      const body = wanted(request);
      if (body?.length !== large.length || deaths === 0) return false;
      deaths -= 1;
      response.writeHead(200, { 'Content-Length': body.length });
      response.write(body.subarray(0, 5_000_000), () => request.socket.destroy());
      return true;
    };
    const { one, got } = await pull(key);
    expect(got).toBe(true);
    expect(deaths).toBe(0);
    expect(listTree(`${one.store.folder}/objects`)).toEqual([largeName.replace(/^../, '$&/')]);
  });

  it('with a large file that is poisoned leave nothing', async () => {
    const { key } = await push({ 'large.v': large });
    fake.cas.set(largeName, Buffer.alloc(large.length));
    const { one, got } = await pull(key);
    expect(got).toBe(false);
    expect(one.codes).toEqual(['cache/remote-object']);
    expect(listTree(`${one.store.folder}/objects`)).toEqual([]);
  });
});

describe('what is sent', () => {
  it('is asked for first where it is large, and not sent to who does not want it', async () => {
    fake.authorization = 'Bearer another';
    fake.publicReads = true;
    const sockets = new Set<Socket>();
    fake.intercept = ({ socket }) => {
      sockets.add(socket);
      return false;
    };
    const waiting = new Set<string | undefined>();
    fake.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      waiting.add(request.headers.expect);
      sockets.add(request.socket);
      response.writeHead(401).end();
    });
    const { one } = await push({ 'large.v': large });
    expect(one.codes).toEqual(['cache/remote-credentials']);
    expect(waiting).toEqual(new Set(['100-continue']));
    let taken = 0;
    for (const socket of sockets) taken += socket.bytesRead;
    expect(taken).toBeLessThan(large.length / 10);
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => boolean]>([
    ['knows that question', () => false],
    [
      'refuses that question',
      ({ headers }, response) => {
        if (headers.expect === undefined) return false;
        response.writeHead(417).end();
        return true;
      },
    ],
  ])('comes to a server that %s', async (_, refuses) => {
    fake.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (refuses(request, response)) return;
      response.writeContinue();
      fake.server.emit('request', request, response);
    });
    const { one, key } = await push({ 'large.v': large });
    expect(one.warnings).toEqual([]);
    expect((await pull(key)).got).toBe(true);
  });

  it('comes to a server that does not know that question', async () => {
    fake.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      fake.server.emit('request', request, response);
    });
    const { one, key } = await push({ 'large.v': large });
    expect(one.warnings).toEqual([]);
    expect((await pull(key)).got).toBe(true);
  });

  it('is not what is damaged here: the result is left out, and the damage told', async () => {
    const one = machine();
    const { key } = addStep(one.store, 'codegen', { 'large.v': large });
    const path = `${one.store.folder}/objects/${largeName.replace(/^../, '$&/')}`;
    writeFileSync(path, large.replace(/w;$/, 'x;'), { flag: 'r+' });
    one.remote.pushStep('codegen', key);
    await one.remote.settled();
    expect(fake.cas.has(largeName)).toBe(false);
    expect(fake.ac.size).toBe(0);
    expect(one.remote.writable).toBe(true);
    expect(listTree(`${one.store.folder}/objects`)).toEqual([]);
  });

  it('goes over another connection where the server has closed the one that was kept', async () => {
    const used = new WeakSet<Socket>();
    let closed = 0;
    fake.intercept = ({ method, socket }) => {
      if (method !== 'PUT' || !used.has(socket)) {
        used.add(socket);
        return false;
      }
      closed += 1;
      socket.destroy();
      return true;
    };
    const { one, key } = await push();
    expect(closed).toBeGreaterThan(0);
    expect(one.warnings).toEqual([]);
    fake.intercept = undefined;
    expect((await pull(key)).got).toBe(true);
  });

  it('is sent again after status 507: there may be room later', async () => {
    let refusals = 3;
    fake.intercept = ({ method }, response) => {
      if (method !== 'PUT' || refusals === 0) return false;
      refusals -= 1;
      response.writeHead(507).end();
      return true;
    };
    const { one, key } = await push();
    expect(one.warnings).toEqual([]);
    expect((await pull(key)).got).toBe(true);
  });

  it.each([400, 413, 507])('is kept back after five files in a row that are answered by %i', async (status) => {
    fake.intercept = ({ method }, response) => {
      if (method !== 'PUT') return false;
      response.writeHead(status).end();
      return true;
    };
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`${index}.v`, `module m${index};`]));
    const { one } = await push(many);
    expect(one.codes).toEqual(['cache/remote-write', 'cache/remote-write']);
    expect(one.remote.writable).toBe(false);
    expect(one.remote.readable).toBe(true);
    // Those that were on their way, four attempts each, and no more.
    expect(fake.take().filter((one) => one.startsWith('PUT')).length).toBeLessThanOrEqual(4 * (5 + 8));
  });

  it('is not sent elsewhere where the server redirects', async () => {
    fake.intercept = ({ method, url }, response) => {
      if (method !== 'PUT') return false;
      response.writeHead(307, { Location: `/moved${url}` }).end();
      return true;
    };
    const { one } = await push();
    expect(one.codes).toEqual(['cache/remote-write']);
    expect(one.warnings[0]?.message).toContain('redirects what is written');
  });
});

describe('time', () => {
  const options = (port: number) => ({
    url: new URL(`http://127.0.0.1:${port}/ac/x`),
    headers: {},
    limit: 10,
    agent: false as const,
    signal: new AbortController().signal,
  });

  it('in which this process was busy is not the server’s', async () => {
    // The server answers, from another thread, when this one has begun to do something else for more than the time-out.
    const [came, blocked, sent] = [0, 1, 2];
    const cells = new Int32Array(new SharedArrayBuffer(12));
    const server = new Worker(
      `const { createServer } = require('node:http');
       const { parentPort, workerData: cells } = require('node:worker_threads');
       const tell = (cell) => { Atomics.store(cells, cell, 1); Atomics.notify(cells, cell); };
       const server = createServer((_, response) => {
         tell(0);
         Atomics.wait(cells, 1, 0);
         response.end('there', () => tell(2));
       });
       server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
      { eval: true, workerData: cells },
    );
    const [port] = (await once(server, 'message')) as [number];
    const timeoutMs = 3000;
    const answer = request({ ...options(port), method: 'GET', timeoutMs });
    while (Atomics.load(cells, came) === 0) await new Promise((resolve) => setImmediate(resolve));
    Atomics.store(cells, blocked, 1);
    Atomics.notify(cells, blocked);
    Atomics.wait(cells, sent, 0);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeoutMs + 300);
    expect(Buffer.from((await answer).body).toString()).toBe('there');
    await server.terminate();
  });

  it('counts before there is a connection too', async () => {
    // A server that accepts nobody: once its queue is full the system lets further ones wait.
    const server = new Worker(
      `const { createServer } = require('node:net');
       const { parentPort } = require('node:worker_threads');
       const server = createServer();
       server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
         parentPort.postMessage(server.address().port);
         setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
       });`,
      { eval: true },
    );
    const [port] = (await once(server, 'message')) as [number];
    const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    const body = { size: 10_000_000, content: Buffer.alloc(100) };
    const answer = request({ ...options(port), method: 'PUT', body, timeoutMs: 50 });
    await expect(answer).rejects.toBeInstanceOf(TimedOut);
    for (const socket of waiting) socket.destroy();
    await server.terminate();
  });

  it('that a server asks for is given, in seconds', async () => {
    const { key } = await push();
    let busy = true;
    const other = createHttpServer((incoming, response) => {
      if (busy) response.writeHead(429, { 'Retry-After': '1' }).end();
      else response.end(wanted(incoming));
      busy = false;
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const one = machine({}, `http://127.0.0.1:${(other.address() as AddressInfo).port}`);
    expect(await one.remote.pullStep('codegen', key)).toBe(true);
    other.close();
  });
});
