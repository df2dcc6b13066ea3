import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact, Family, Files } from '../../src/engine/artifact.ts';
import { createEngine, type Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { EngineEvent } from '../../src/engine/events.ts';
import type { Executed, Executor } from '../../src/engine/executor.ts';
import type { Invocation, Tool } from '../../src/engine/invocation.ts';
import type { Remote } from '../../src/engine/remote.ts';
import type { AnyStep, Scope } from '../../src/engine/step.ts';
import { openStore, type Store } from '../../src/engine/store.ts';

/** A text as an artifact. */
export const text = (name: string): Artifact<string> => ({
  kind: 'artifact',
  name,
  doc: name,
  encode: (value): Files => ({ 'value.txt': Buffer.from(value) }),
  decode: (files) => new TextDecoder().decode(files['value.txt']),
});

/** Texts by key. */
export const texts = (name: string, scope: string): Family<string> => ({
  kind: 'family',
  name,
  doc: name,
  scope,
  item: text(`${name}-item`),
});

export type Settings = Readonly<Record<string, string>>;
export const scope = (kind: string, name: string, settings: Settings = {}, parent?: Scope): Scope<Settings> => ({
  kind,
  name,
  parent,
  settings,
});

/** A real store in a temporary folder, a scripted executor, and a record of all that happened. */
export class Rig {
  readonly folder: string;
  readonly events: EngineEvent[] = [];
  /** Steps that ran, as 'step scope', in the order in which they began. */
  readonly ran: string[] = [];
  /** Labels of the calls that the executor got. */
  readonly executed: string[] = [];
  finn = 'code-1';
  jobs = 4;
  version = '1.0';
  timeLimit: (step: string) => number | undefined = () => undefined;
  /** A cache that others share, if any. */
  remote: ((store: Store) => Remote) | undefined;
  /** A line that every tool writes as it starts, if any. */
  says: string | undefined;
  execute: (invocation: Invocation, directory: string, signal: AbortSignal) => Promise<Partial<Executed>> = async (
    invocation,
  ) => ({ outputs: Object.fromEntries(Object.keys(invocation.outputs).map((name) => [name, Buffer.from(name)])) });

  constructor(folder = mkdtempSync(join(tmpdir(), 'finn-engine-'))) {
    this.folder = folder;
  }

  get store(): Store {
    return openStore(join(this.folder, '.finn'));
  }

  get executor(): Executor {
    return {
      version: async () => this.version,
      close: async () => {},
      execute: async (invocation, { directory, signal, onLine }) => {
        this.executed.push(invocation.label);
        if (this.says !== undefined) onLine(this.says);
        const made = await this.execute(invocation, directory, signal);
        for (const line of (made.log ?? '').split('\n')) onLine(line);
        return { exit: 0, outputs: {}, log: '', seconds: 0.5, ...made };
      },
    };
  }

  engine(steps: readonly AnyStep[], options: Partial<EngineOptions> = {}): Engine {
    const { store, executor, jobs, finn, timeLimit } = this;
    const remote = this.remote?.(store);
    return createEngine({ steps, store, executor, remote, jobs, memory: 1000, finn, timeLimit, ...options });
  }

  readonly display = (event: EngineEvent): void => {
    this.events.push(event);
    if (event.type === 'started') this.ran.push([event.id.step, ...event.id.scope].join(' '));
  };

  /** What ran since the last time this was asked, sorted. */
  take(): string[] {
    return this.ran.splice(0).sort();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const tool = (name: string): Tool => ({
  name,
  program: { kind: 'native', command: name, version: { args: ['-V'], pattern: /(.*)/ } },
  log: [
    { pattern: /^ERROR: (?<message>.*)/, severity: 'error' },
    { pattern: /^Warning: (?<message>.*)/, severity: 'warning' },
  ],
});

/** A promise that the test settles. */
export function held(): { readonly promise: Promise<void>; release(): void } {
  let release = (): void => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release: () => release() };
}
