import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { listTree } from '../../src/util/files.ts';
import { sha256 } from '../../src/util/hash.ts';
import { writerOf } from '../../src/util/process-mark.ts';
import type { Random } from '../../src/util/random.ts';
import { readTree } from '../helpers/read-tree.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** How many kills a test does: FINN_KILLS, or fewer for every change. */
export const kills = (usual: number): number => Number(process.env['FINN_KILLS'] ?? usual);

/** A temporary folder, removed with all that was made in it. */
export const temporary = (name: string): string => mkdtempSync(join(tmpdir(), `finn-${name}-`));
export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });

/** The synthetic build as one file, which starts quickly and wherever it may be read. */
export function compileSynthetic(folder: string): string {
  const path = join(folder, 'synthetic.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('./synthetic.ts', import.meta.url))],
    outfile: path,
    bundle: true,
    // execa is CommonJS in part.
    banner: { js: "import { createRequire as of } from 'node:module'; const require = of(import.meta.url);" },
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return path;
}

/** A copy of the compiled finn, whose own code does not change while a test runs; the path of its start.cjs. */
export function copyProgram(folder: string): string {
  for (const name of ['dist', 'schema', 'boards', 'package.json'])
    cpSync(join(root, name), join(folder, 'finn', name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'finn', 'node_modules'));
  return join(folder, 'finn/dist/start.cjs');
}

/**
 * Writes a program that stands for a native tool: it waits, leaves a child that would run for minutes, makes out.bin of
 * in.bin, and writes a line into the file that is its first argument.
 */
export function writeFakeTool(path: string, seconds = 0.03): void {
  const lines = [
    '#!/bin/sh',
    'if [ "$1" = --version ]; then echo fake 1; exit 0; fi',
    'echo began >> "$1"',
    'sleep 300 > /dev/null 2>&1 &',
    `sleep ${seconds}`,
    'sha256sum < in.bin > out.bin',
    'echo ended >> "$1"',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
}

/** Serves one content, in pieces, and the rest of it to who has a part. */
export async function serve(content: Uint8Array): Promise<{ url: string; close(): void }> {
  const etag = `"${sha256(content).slice(0, 8)}"`;
  const server: Server = createServer((request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      etag,
      'accept-ranges': 'bytes',
      'content-length': content.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    const piece = Math.ceil(content.length / 16);
    const send = (at: number): void => {
      if (at >= content.length) response.end();
      else response.write(content.subarray(at, at + piece), () => setTimeout(send, 4, at + piece));
    };
    send(from);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A program that was started, with what it said. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly out: string; readonly err: string }>;
}

/** Starts node with a script, or a program that does so (`before`). */
export function start(
  cwd: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
): Started {
  const { FINN_CACHE: _, FINN_JOBS: __, FORCE_COLOR: ___, ...inherited } = process.env;
  const [command = '', ...words] = [...before, process.execPath, ...args];
  const child = spawn(command, words, {
    cwd,
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  // Children that outlive it keep the pipes open: its own end is what counts.
  const ended = once(child, 'exit').then(async ([status]) => {
    await Promise.race([once(child, 'close'), sleep(50)]);
    return { status: status as number | null, out, err };
  });
  return { child, ended };
}

/** Kills the process after so many milliseconds, if it has not ended by then; whether it was killed. */
export async function killAfter({ child, ended }: Started, milliseconds: number): Promise<boolean> {
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  await ended;
  clearTimeout(timer);
  return child.signalCode === 'SIGKILL';
}

/** How long builds take at the moment: a kill is to come at any instant of one, with the same chance. */
export class Usual {
  #milliseconds = 0;

  /** A build has taken so long. */
  ended(milliseconds: number): void {
    this.#milliseconds = this.#milliseconds === 0 ? milliseconds : 0.6 * this.#milliseconds + 0.4 * milliseconds;
  }

  /** Starts a build and kills it somewhere in the time that one takes; false where it had ended before. */
  async kill(build: () => Started, chance: Random): Promise<boolean> {
    const begun = performance.now();
    const killed = await killAfter(build(), chance.float() * this.#milliseconds);
    if (!killed) this.ended(performance.now() - begun);
    // Where most builds are killed, what is known gets old, and builds may have become slower.
    else this.#milliseconds *= 1.05;
    return killed;
  }
}

/** Which file lies at each path of the records of a cache: one that is written again is another. */
export function recordsIn(cache: string): Map<string, number> {
  return new Map(
    ['steps', 'calls'].flatMap((kind) =>
      listTree(join(cache, kind))
        .filter((path) => path.endsWith('.json'))
        .map((path) => [`${kind}/${path}`, statSync(join(cache, kind, path)).ino] as const),
    ),
  );
}

/** The records that were there and were written again since. */
export function writtenAgain(before: ReadonlyMap<string, number>, cache: string): string[] {
  const now = recordsIn(cache);
  return [...before].flatMap(([path, file]) => (now.has(path) && now.get(path) !== file ? [path] : []));
}

/** What processes that are gone left behind in a cache and below a folder: files, and programs that still run. */
export function leftovers(cache: string, folder: string): string[] {
  const files = listTree(cache).filter(
    (path) => writerOf(path) !== undefined || /^(leases\/|work\/(scratch|lock)-)/.test(path),
  );
  const others = listTree(folder).filter((path) => writerOf(path) !== undefined);
  return [...files, ...others, ...programsOf(folder)];
}

/** Programs that run in scratch folders below a folder. */
export function programsOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`FINN_SCRATCH=${folder}`);
    } catch {
      return false;
    }
  });
}

/** Contents of a folder as text, to be compared. */
export const image = (folder: string, keep: (path: string) => boolean = () => true): Record<string, string> =>
  Object.fromEntries(
    Object.entries(readTree(folder))
      .filter(([path]) => keep(path))
      .map(([path, bytes]) => [path, sha256(bytes)]),
  );
