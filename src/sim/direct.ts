import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalExecutor } from '../engine/executors/local.ts';
import type { Invocation } from '../engine/invocation.ts';
import { canonicalJson, sha256 } from '../util/hash.ts';
import type { Call } from './simulation.ts';

/** An invocation that failed outside of a build: the end of its log is in the message. */
export class CallFailure extends Error {}

const root = fileURLToPath(new URL('../../node_modules/.cache/finn-calls', import.meta.url));

/**
 * A `call` for tests and benchmarks, which have no store: runs invocations on this machine and keeps what they made in
 * node_modules/.cache, by content, so that a second run of the same tests is fast. Throws CallFailure when a tool fails
 * or leaves an output out.
 */
export function testCall(executor: LocalExecutor = new LocalExecutor(), folder: string = root): Call {
  return async (invocation) => {
    const key = sha256(await keyText(executor, invocation));
    const place = join(folder, key.slice(0, 2), key);
    const names = Object.keys(invocation.outputs);
    const kept = await readAll(place, names);
    if (kept) return kept as never;
    const directory = await mkdtemp(join(tmpdir(), 'finn-call-'));
    try {
      const signal = new AbortController().signal;
      const done = await executor.execute(invocation, { signal, onLine: () => {}, directory, step: '', key });
      const missing = names.filter((name) => !done.outputs[name]);
      if (done.exit !== 0 || missing.length > 0) {
        const what = done.exit !== 0 ? `exit status ${done.exit}` : `no ${missing.join(', ')}`;
        throw new CallFailure(`${invocation.label}: ${invocation.tool.name}: ${what}\n${done.log.slice(-4000)}`);
      }
      await keep(place, done.outputs);
      return done.outputs as never;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  };
}

async function keyText(executor: LocalExecutor, invocation: Invocation): Promise<string> {
  const files = Object.entries(invocation.files).map(([name, content]) => [name, sha256(content)]);
  return canonicalJson({
    tool: invocation.tool.name,
    kind: invocation.tool.program.kind,
    version: await executor.version(invocation.tool),
    args: invocation.args,
    files: Object.fromEntries(files),
    outputs: invocation.outputs,
  });
}

async function readAll(place: string, names: readonly string[]): Promise<Record<string, Uint8Array> | undefined> {
  try {
    const contents = await Promise.all(names.map((name) => readFile(join(place, name))));
    await readFile(join(place, 'done'));
    return Object.fromEntries(names.map((name, i) => [name, new Uint8Array(contents[i]!)]));
  } catch {
    return undefined;
  }
}

/** Written aside and renamed into place: two test files may make the same thing at once. */
async function keep(place: string, outputs: Readonly<Record<string, Uint8Array>>): Promise<void> {
  await mkdir(join(place, '..'), { recursive: true });
  const aside = await mkdtemp(`${place}-`);
  for (const [name, content] of Object.entries(outputs)) await writeFile(join(aside, name), content);
  await writeFile(join(aside, 'done'), '');
  try {
    await rename(aside, place);
  } catch {
    await rm(aside, { recursive: true, force: true });
  }
}
