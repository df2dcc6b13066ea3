import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { treeContent } from '../../src/engine/content.ts';
import { digest, type Fingerprint } from '../../src/engine/fingerprint.ts';
import { type HttpRemote, httpRemote } from '../../src/engine/remote/http.ts';
import { openStore, type Store } from '../../src/engine/store.ts';
import { random } from '../../src/util/random.ts';
import { authorization, Nginx } from '../../test/helpers/nginx.ts';

/** Pulling a recipe's results, beside curl fetching the same bytes from the same nginx of this machine. */
export interface RemoteSpeed {
  readonly bytes: number;
  readonly files: number;
  readonly finnSeconds: number;
  readonly curlSeconds: number;
}

/** Files of one step: what a network of some layers has, 200 MB over twenty steps. */
const step = [5_000_000, ...Array<number>(3).fill(1_000_000), ...Array<number>(100).fill(20_000)];
const steps = 20;

/**
 * Seconds of a pull of 200 MB in 2100 files, and of curl with as many connections, each the best of three: in turns,
 * since other work disturbs both.
 */
export async function remoteSpeed(scratch: string): Promise<RemoteSpeed> {
  const folder = join(scratch, 'remote');
  const nginx = await new Nginx().start();
  try {
    const first = remoteOf(nginx, openStore(join(folder, 'first')));
    const keys = Array.from({ length: steps }, (_, index) => addStep(first.store, index));
    for (const key of keys) first.remote.pushStep('bench', key);
    await first.remote.settled();
    const names = readdirSync(join(nginx.files, 'cas'));
    const bytes = names.reduce((sum, name) => sum + statSync(join(nginx.files, 'cas', name)).size, 0);
    const finn: number[] = [];
    const curl: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      // Always into new folders: file systems are slow where files have just been deleted.
      finn.push(await pull(nginx, keys, join(folder, `second-${attempt}`)));
      curl.push(fetchAll(nginx.url, names, join(folder, `curl-${attempt}`)));
    }
    return { bytes, files: names.length, finnSeconds: Math.min(...finn), curlSeconds: Math.min(...curl) };
  } finally {
    await nginx.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function remoteOf(nginx: Nginx, store: Store): { readonly store: Store; readonly remote: HttpRemote } {
  const warn = ({ message }: { message: string }): never => {
    throw new Error(message);
  };
  const options = { url: nginx.url, authorization, mode: 'read-write', timeoutMs: 10_000 } as const;
  return { store, remote: httpRemote({ ...options, store, warn }) };
}

async function pull(nginx: Nginx, keys: readonly string[], folder: string): Promise<number> {
  const { remote, store } = remoteOf(nginx, openStore(folder));
  const from = performance.now();
  const got = await Promise.all(keys.map((key) => remote.pullStep('bench', key)));
  const took = (performance.now() - from) / 1000;
  store.close();
  if (got.includes(false)) throw new Error('a result is missing');
  return took;
}

function fetchAll(url: string, names: readonly string[], folder: string): number {
  mkdirSync(folder, { recursive: true });
  const list = join(folder, 'list');
  writeFileSync(list, names.map((name) => `url = "${url}/cas/${name}"\noutput = "${join(folder, name)}"\n`).join(''));
  const from = performance.now();
  const { status, stderr, error } = spawnSync('curl', ['-sSf', '-Z', '--parallel-max', '16', '-K', list]);
  const took = (performance.now() - from) / 1000;
  if (status !== 0) throw new Error(`curl: ${error?.message ?? stderr}`);
  return took;
}

function addStep(store: Store, index: number): string {
  const source = random(index);
  const files = step.map((size, place) => {
    const words = Uint32Array.from({ length: Math.ceil(size / 4) }, () => source.uint32());
    return [`file-${place}`, store.objects.write(new Uint8Array(words.buffer))] as const;
  });
  const config = { index };
  const fingerprint: Fingerprint = { format: 1, step: 'bench', needs: {}, sources: {}, tools: {}, config, finn: '' };
  const makes = { out: treeContent(Object.fromEntries(files)) };
  const key = digest(fingerprint);
  store.records.writeStep('bench', key, { fingerprint, makes, calls: [], diagnostics: [], seconds: 0 });
  return key;
}
