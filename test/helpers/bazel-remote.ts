import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FakeBazelRemote } from './fake-bazel-remote.ts';
import { freePort } from './nginx.ts';

/** How a bazel-remote is run, by its own options. */
export interface BazelOptions {
  readonly user?: { readonly user: string; readonly password: string } | undefined;
  readonly allow_unauthenticated_reads?: boolean;
  readonly disable_http_ac_validation?: boolean;
  readonly max_blob_size?: number;
  readonly storage_mode?: 'zstd' | 'uncompressed';
}

/** A bazel-remote that runs, real or a fake. */
export interface BazelRemote {
  readonly url: string;
  /** Loses the file of an object, of which its index still knows. */
  lose(object: string): void;
  /** Puts so much into it that all else that is in it has to go. */
  overflow(): Promise<void>;
  stop(): Promise<void>;
}

/** The fake, in this process. */
export async function fakeBazelRemote(options: BazelOptions): Promise<BazelRemote> {
  const fake = new FakeBazelRemote();
  const { user } = options;
  if (user) fake.authorization = `Basic ${Buffer.from(`${user.user}:${user.password}`).toString('base64')}`;
  fake.publicReads = options.allow_unauthenticated_reads ?? false;
  fake.validates = !options.disable_http_ac_validation;
  fake.maxBlobBytes = options.max_blob_size ?? Number.POSITIVE_INFINITY;
  fake.maxBytes = 1 << 23;
  await fake.start();
  return {
    url: fake.url,
    lose: (object) => void fake.lost.add(object),
    overflow: () => putZeros(fake.url, fake.maxBytes),
    stop: () => fake.stop(),
  };
}

/** The real one, of the PATH, in a temporary folder. */
export async function realBazelRemote({ user, ...options }: BazelOptions): Promise<BazelRemote> {
  const folder = mkdtempSync(join(tmpdir(), 'finn-bazel-remote-'));
  const port = await freePort();
  const files = join(folder, 'cache');
  const users = join(folder, 'users');
  if (user) {
    const password = createHash('sha1').update(user.password).digest('base64');
    writeFileSync(users, `${user.user}:{SHA}${password}\n`);
  }
  const given = Object.entries({ ...options, ...(user && { htpasswd_file: users }) }).filter(([, value]) => value);
  const child = spawn(
    'bazel-remote',
    [
      ...['--dir', files, '--max_size', '1', '--http_address', `127.0.0.1:${port}`, '--grpc_address', 'none'],
      ...given.flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, String(value)])),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await answers(url, child);
  } catch (cause) {
    throw new Error(`bazel-remote does not answer: ${(cause as Error).message}\n${said}`);
  }
  return {
    url,
    lose(object) {
      const below = join(files, 'cas.v2', object.slice(0, 2));
      for (const name of readdirSync(below)) if (name.startsWith(object)) rmSync(join(below, name));
    },
    // Room is made for the whole of what comes, before it is packed.
    overflow: () => putZeros(url, 2 ** 30 - 4096),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await gone;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Puts so many bytes of zeros. */
async function putZeros(url: string, size: number): Promise<void> {
  const zeros = new Uint8Array(1 << 20);
  const parts = function* (): Generator<Uint8Array> {
    for (let left = size; left > 0; left -= zeros.length) yield left < zeros.length ? zeros.subarray(0, left) : zeros;
  };
  const hash = createHash('sha256');
  for (const part of parts()) hash.update(part);
  const sent = request(`${url}/cas/${hash.digest('hex')}`, { method: 'PUT', headers: { 'Content-Length': size } });
  const [[response]] = await Promise.all([once(sent, 'response'), pipeline(parts, sent)]);
  response.resume();
  if (response.statusCode !== 200) throw new Error(`PUT of ${size} bytes: status ${response.statusCode}`);
}

/** Its status page needs no credentials. */
async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let left = 600; left > 0; left -= 1) {
    if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
    const there = await fetch(`${url}/status`).catch(() => undefined);
    await there?.arrayBuffer();
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nobody listens');
}
