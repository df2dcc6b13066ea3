import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineEvent } from '../../src/engine/events.ts';
import { type Ended, Rig } from '../cli/rig.ts';

const cli = fileURLToPath(new URL('../../dist/start.cjs', import.meta.url));

/** A temporary folder with a cache of its own, in which finn runs while the test goes on: builds that take minutes. */
export class Workplace extends Rig {
  /** Where FINN_CACHE says. */
  readonly cache = this.path('the-cache');

  /** Starts finn; its output comes line by line to `onLine`. */
  start(
    args: readonly string[],
    onLine: (line: string, child: ChildProcess) => void = () => {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const { NO_COLOR: _, FORCE_COLOR: __, FINN_JOBS: ___, ...inherited } = process.env;
    const child = spawn(process.execPath, [cli, ...args], {
      cwd: this.folder,
      env: { ...inherited, FINN_CACHE: this.cache, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err, rest] = ['', '', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) onLine(line, child);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk;
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve({ status, out, err }));
    });
  }

  /** Runs `finn build … --json`; what happened, event by event. */
  async build(...args: string[]): Promise<Ended & { readonly events: readonly EngineEvent[] }> {
    const ended = await this.start(['build', ...args, '--json']);
    return { ...ended, events: eventsOf(ended.out) };
  }

  json<T>(...path: string[]): T {
    return JSON.parse(this.read(join(...path))) as T;
  }
}

/** Lines of `--json` as events; a last line that a kill cut off does not count. */
export function eventsOf(out: string): EngineEvent[] {
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as EngineEvent);
}

/** 'synthesize MVAU_1': the steps that ran, without those that a result was found for. */
export const ran = (events: readonly EngineEvent[]): string[] =>
  events.flatMap((event) =>
    event.type === 'finished' && event.how === 'ran' ? [[event.id.step, ...event.id.scope.slice(2)].join(' ')] : [],
  );
