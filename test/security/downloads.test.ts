import { randomFillSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FinnError } from '../../src/diagnostics/diagnostic.ts';
import { reachOf } from '../../src/steps/download/addresses.ts';
import { type DownloadLimits, download, downloadLimits } from '../../src/steps/download/download.ts';
import { get, NoAnswer } from '../../src/steps/download/request.ts';
import { sha256 } from '../../src/util/hash.ts';

const at = { in: 'file', path: 'r.yaml', start: 0, end: 0 } as const;
const file = new Uint8Array(randomFillSync(Buffer.alloc(100_000)));

let folder: string;
let server: Server;
let origin: string;
let answer: RequestListener;
/** Path and range of every request. */
let asked: string[];

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'finn-download-')), 'downloads');
  asked = [];
  answer = (_, response) => void response.end(file);
  server = createServer((request, response) => {
    asked.push([request.url, request.headers.range].filter(Boolean).join(' '));
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

interface Options {
  readonly sha256?: string;
  readonly limits?: Partial<DownloadLimits>;
  readonly signal?: AbortSignal;
}
const fetched = (path: string, { sha256: hash, limits, signal = new AbortController().signal }: Options = {}) =>
  download(`${origin}${path}`, {
    folder,
    at,
    signal,
    sha256: hash,
    note: () => {},
    limits: { ...downloadLimits, ...limits },
  });

/** What is said, where nothing is given. */
async function said(path: string, options?: Options): Promise<string> {
  const cause = await fetched(path, options).then(
    () => new Error('nothing'),
    (thrown: unknown) => thrown,
  );
  if (!(cause instanceof FinnError)) throw cause;
  return cause.diagnostics.map(({ code, message }) => `${code}: ${message.replaceAll(origin, '')}`).join('\n');
}
const left = (): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Sends these bytes, which come behind so many others, and closes the connection when all of them have been taken in. */
function breakOff(response: ServerResponse, bytes: Uint8Array, behind: number): void {
  response.write(bytes);
  const timer = setInterval(() => {
    const part = left().find((name) => name.endsWith('.part'));
    if (part === undefined || statSync(join(folder, part)).size < behind + bytes.length) return;
    clearInterval(timer);
    response.destroy();
  }, 2);
}

/** A server that keeps a file under an ETag and can go on in the middle, but breaks off after so many bytes. */
function breaking(bytes: Uint8Array, after: number, etag = '"1"'): RequestListener {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const goesOn = from > 0 && request.headers['if-range'] === etag;
    const rest = goesOn ? bytes.subarray(from) : bytes;
    const headers = { etag, 'accept-ranges': 'bytes', 'content-length': rest.length };
    if (goesOn)
      response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` });
    else response.writeHead(200, headers);
    if (rest.length <= after) response.end(rest);
    else breakOff(response, rest.subarray(0, after), bytes.length - rest.length);
  };
}

describe('what is fetched', () => {
  test('is kept under its sha256, whole', async () => {
    expect(await fetched('/a')).toEqual(file);
    expect(left()).toEqual([sha256(file)]);
    expect(new Uint8Array(readFileSync(join(folder, sha256(file))))).toEqual(file);
  });

  test('must have the sha256 that is known', async () => {
    expect(await said('/a', { sha256: 'f'.repeat(64) })).toBe(
      `model/hash: /a has sha256 ${sha256(file)}, not ${'f'.repeat(64)}`,
    );
    expect(left()).toEqual([]);
  });

  test('is bounded, whatever the server declares', async () => {
    expect(await said('/a', { limits: { bytes: 50_000 } })).toBe('model/fetch: /a has more than 50000 bytes');
    answer = (_, response) => {
      const more = (): void => void response.write(file, (problem) => problem ?? more());
      more();
    };
    expect(await said('/endless', { limits: { bytes: 1_000_000 } })).toBe(
      'model/fetch: /endless has more than 1000000 bytes',
    );
    answer = (_, response) => response.writeHead(200, { 'content-length': '3000000000' }).write(file);
    expect(await said('/a')).toBe('model/fetch: /a has more than 2 GB');
    expect(left()).toEqual([]);
  });

  test('does not keep a build waiting', async () => {
    answer = () => {};
    expect(await said('/silent', { limits: { idle: 50 } })).toBe('model/fetch: /silent sends nothing for 0 s');
    answer = (_, response) => void response.write(file);
    expect(await said('/stuck', { limits: { idle: 50 } })).toMatch(
      /^model\/fetch: \/stuck broke off after \d+ bytes: sends nothing/,
    );
    // A byte now and then keeps a connection alive, but not for ever.
    const drips: ServerResponse[] = [];
    answer = (_, response) => void drips.push(response);
    const drip = setInterval(() => drips.map((response) => response.write('.')), 20);
    try {
      expect(await said('/drip', { limits: { idle: 10_000, total: 200 } })).toBe(
        'model/fetch: /drip is not there after 0.2 s',
      );
    } finally {
      clearInterval(drip);
    }
    expect(left()).toEqual([]);
  });

  test('ends with the build', async () => {
    const controller = new AbortController();
    answer = (_, response) => void response.write(file, () => controller.abort(new Error('Ctrl-C')));
    await expect(fetched('/a', { signal: controller.signal })).rejects.toThrow('Ctrl-C');
    expect(left()).toEqual([]);
  });
});

describe('a connection that breaks off', () => {
  test('goes on where it was, if the server can', async () => {
    answer = breaking(file, 40_000);
    expect(await fetched('/a')).toEqual(file);
    expect(asked).toEqual(['/a', '/a bytes=40000-', '/a bytes=80000-']);
    expect(left()).toEqual([sha256(file)]);
  });

  test('is given up where the server cannot go on, or does not', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': file.length });
      breakOff(response, file.subarray(0, 40_000), 0);
    };
    expect(await said('/a')).toMatch(/^model\/fetch: \/a broke off after 40000 bytes/);
    expect([asked, left()]).toEqual([['/a'], []]);
    answer = breaking(file, 10_000);
    expect(await said('/b')).toMatch(/^model\/fetch: \/b broke off after 40000 bytes/);
    expect(asked.slice(1)).toEqual(['/b', '/b bytes=10000-', '/b bytes=20000-', '/b bytes=30000-']);
  });

  test('leaves what the next attempt goes on from, where the hash is known', async () => {
    const hash = sha256(file);
    answer = breaking(file, 10_000);
    await said('/a', { sha256: hash });
    expect(left()).toEqual([expect.stringMatching(/\.part$/)]);
    answer = breaking(file, Number.POSITIVE_INFINITY);
    asked = [];
    expect(await fetched('/a', { sha256: hash })).toEqual(file);
    expect(asked).toEqual(['/a bytes=40000-']);
    expect(left()).toEqual([hash]);
  });

  test('begins anew where the file has changed in between', async () => {
    const newer = new Uint8Array(randomFillSync(Buffer.alloc(90_000)));
    let first = true;
    answer = (request, response) => {
      breaking(first ? file : newer, first ? 40_000 : 1e6, first ? '"1"' : '"2"')(request, response);
      first = false;
    };
    expect(await fetched('/a')).toEqual(newer);
    // A part that is none, of a server that says that nothing has changed.
    answer = breaking(file, 10_000);
    await said('/b', { sha256: sha256(newer) });
    answer = breaking(newer, 1e6);
    expect(await fetched('/b', { sha256: sha256(newer) })).toEqual(newer);
    // One that is shorter now.
    answer = breaking(file, 10_000);
    await said('/c', { sha256: sha256(newer) });
    answer = (request, response) =>
      void (request.headers.range ? response.writeHead(416).end() : breaking(newer, 1e6)(request, response));
    expect(await fetched('/c', { sha256: sha256(newer) })).toEqual(newer);
  });

  test('is not mended with another part than was asked for', async () => {
    let first = true;
    answer = (request, response) => {
      if (first) breaking(file, 40_000)(request, response);
      else response.writeHead(206, { 'content-range': `bytes 0-${file.length - 1}/${file.length}` }).end(file);
      first = false;
    };
    expect(await said('/a')).toBe(
      'model/fetch: /a answers with another part (bytes 0-99999/100000) than it was asked for',
    );
  });
});

describe('a coding around the file', () => {
  const packed = new Uint8Array(gzipSync(file));
  const coded =
    (bytes: Uint8Array, coding = 'gzip'): RequestListener =>
    (_, response) =>
      void response.writeHead(200, { 'content-encoding': coding }).end(bytes);

  test('is undone or kept, whatever has the hash', async () => {
    answer = coded(packed);
    expect(await fetched('/a', { sha256: sha256(file) })).toEqual(file);
    expect(await fetched('/a', { sha256: sha256(packed) })).toEqual(packed);
    expect(await said('/a', { sha256: 'f'.repeat(64) })).toContain(`has sha256 ${sha256(file)}`);
  });

  test('is undone where the hash is not known, but for files that are gzip by their names', async () => {
    answer = coded(packed);
    expect(await fetched('/model.onnx')).toEqual(file);
    expect(await fetched('/nets.tar.gz')).toEqual(packed);
    expect(await fetched('/nets.tgz')).toEqual(packed);
  });

  test('is no way around the bounds, and is not guessed', async () => {
    answer = coded(new Uint8Array(gzipSync(new Uint8Array(5_000_000))));
    expect(await said('/a', { limits: { bytes: 1_000_000 } })).toBe('model/fetch: /a has more than 1000000 bytes');
    answer = coded(file);
    expect(await said('/a')).toContain('/a says that it is gzip, but it is not');
    answer = coded(file, 'br');
    expect(await said('/a')).toBe("model/fetch: /a answers in the coding 'br', which it was not asked for");
  });
});

describe('redirects', () => {
  const to =
    (location: string): RequestListener =>
    (_, response) =>
      void response.writeHead(302, { location }).end();

  test.each([
    ['file:///etc/passwd', 'redirects to file:…; finn fetches from http and https'],
    ['data:text/plain,x', 'redirects to data:…; finn fetches from http and https'],
    ['http://user:secret@127.0.0.1/', 'redirects to an address with a user name in it'],
    ['http://169.254.169.254/latest/meta-data/', 'is at 169.254.169.254, an address of this link alone'],
    ['http://[::ffff:169.254.169.254]/', 'an address of this link alone'],
    ['http://2852039166/', 'is at 169.254.169.254'],
    ['http://[', "redirects to 'http://[', which is no address"],
  ])('to %s are refused', async (location, words) => {
    answer = to(location);
    expect(await said('/a')).toContain(words);
    expect([asked, left()]).toEqual([['/a'], []]);
  });

  test('end somewhere', async () => {
    answer = (request, response) => to(`${request.url}x`)(request, response);
    expect(await said('/a')).toBe('model/fetch: /a redirects more than 10 times');
    expect(asked).toHaveLength(11);
  });

  test('what is declared is held to the same', async () => {
    const options = { headers: {}, signal: new AbortController().signal, idle: 1000 };
    for (const url of [
      'ftp://127.0.0.1/x',
      'http://u:p@127.0.0.1/',
      'http://169.254.169.254/',
      'http://[fe80::1]/',
      'no',
    ])
      await expect(get(url, options)).rejects.toBeInstanceOf(NoAnswer);
  });
});

test.each([
  ['169.254.169.254', 'link'],
  ['::ffff:169.254.1.1', 'link'],
  ['::ffff:a9fe:a9fe', 'link'],
  ['64:ff9b::a9fe:a9fe', 'link'],
  ['fe80::1%eth0', 'link'],
  ['[fd00:ec2::254]', 'link'],
  ['127.0.0.1', 'local'],
  ['::1', 'local'],
  ['::ffff:127.0.0.1', 'local'],
  ['0.0.0.0', 'local'],
  ['10.1.2.3', 'local'],
  ['172.31.0.1', 'local'],
  ['192.168.1.1', 'local'],
  ['fd12::1', 'local'],
  ['172.32.0.1', 'public'],
  ['93.184.216.34', 'public'],
  ['2606:2800:220:1::1', 'public'],
])('%s is %s', (address, reach) => expect(reachOf(address)).toBe(reach));
