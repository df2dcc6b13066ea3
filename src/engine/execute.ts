import { bug, type Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Aside } from './aside.ts';
import { type Content, isFamily } from './content.ts';
import type { EngineEvent } from './events.ts';
import { ownerOf } from './forsaken.ts';
import type { Instance } from './graph.ts';
import type { Invocation } from './invocation.ts';
import type { Invoker } from './invoke.ts';
import type { Judged, World } from './judge.ts';
import type { Known, Result } from './known.ts';
import { make, type StoredInputs, storedArtifacts } from './make.ts';
import type { CallMade, StepRecord } from './records.ts';
import type { Remote } from './remote.ts';
import type { AnyStep, Context, Sources } from './step.ts';
import { LostContent, type ValueCache } from './values.ts';

/** What running steps needs beside what judging them does. */
export interface Workshop extends World {
  readonly values: ValueCache;
  readonly invoker: Invoker;
  readonly remote?: Remote | undefined;
  /** Where steps run that say `aside`; they run here if there is no such place. */
  readonly aside?: Aside | undefined;
  /** Tells the recipe from others that use the same store: its path. */
  readonly place: string;
  /** Seconds that one call of a tool may take in a step of this name; no limit if undefined. */
  timeLimit?(step: string): number | undefined;
  /** Threads and MB that steps may take at once. */
  readonly jobs: number;
  readonly memory: number;
  /** Reads all files of a result: are they whole? */
  intact(result: Result): boolean;
}

export interface ExecuteOptions {
  readonly forced: boolean;
  readonly signal: AbortSignal;
  /** Seconds that one call of a tool may take; no limit if undefined. */
  readonly timeLimit?: number | undefined;
  emit(event: EngineEvent): void;
}

/** Runs one step, stores what it made, and then its record: a result exists whole or not at all. */
export async function execute(
  instance: Instance,
  judged: Judged,
  known: Known,
  workshop: Workshop,
  options: ExecuteOptions,
): Promise<Result> {
  const { step, id } = instance;
  const { store, values } = workshop;
  const inputs: StoredInputs = Object.fromEntries(
    [...instance.needs].map(([name, source]) => [
      name,
      known.contents(source) ?? bug(`'${source.handle.name}' is not there`),
    ]),
  );
  store.records.removeStep(step.name, judged.key);
  const started = performance.now();
  const calls = new Map<string, CallMade>();
  const diagnostics: Diagnostic[] = [];
  const context: Context<unknown> = {
    config: judged.config,
    sources: judged.sources,
    signal: options.signal,
    async call(invocation) {
      const { tool } = invocation as Invocation;
      if (!Object.hasOwn(judged.fingerprint.tools, tool.name)) {
        bug(`step '${step.name}' calls ${tool.name}, which is not among its tools`);
      }
      const called = await workshop.invoker.call(invocation, {
        id,
        signal: options.signal,
        force: options.forced,
        timeLimit: options.timeLimit,
        owner: ownerOf(workshop.place, instance),
        emit: options.emit,
      });
      calls.set(called.made.key, called.made);
      diagnostics.push(...called.diagnostics);
      return called.outputs as never;
    },
    note: (text) => options.emit({ type: 'note', id, text }),
    report: (diagnostic) => diagnostics.push(diagnostic),
  };
  const { aside } = workshop;
  const makes =
    step.aside && aside?.isWorth(bytesRead(step, inputs, judged.sources), store.records.readLast(id)?.seconds)
      ? await aside.make(step, inputs, context, store.objects)
      : await make(step, inputs, context, values);
  const record: StepRecord = {
    fingerprint: judged.fingerprint,
    makes,
    // By key, since calls may end in any order.
    calls: [...calls.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    diagnostics,
    seconds: (performance.now() - started) / 1000,
  };
  store.records.writeStep(step.name, judged.key, record);
  return { key: judged.key, record };
}

/** Bytes of all that a step reads. */
function bytesRead(step: AnyStep, inputs: StoredInputs, sources: Sources): number {
  const stored = storedArtifacts(step, inputs).flatMap(([, { files }]) => Object.values(files).map(([, size]) => size));
  const given = Object.values(sources).map(({ length }) => length);
  return [...stored, ...given].reduce((sum, size) => sum + size, 0);
}

/** Are all files of these contents whole? Reads them. */
export function wholeIn(values: ValueCache, contents: Iterable<Content>): boolean {
  try {
    for (const content of contents) {
      for (const tree of isFamily(content) ? content.items.map(([, item]) => item) : [content]) values.files(tree);
    }
    return true;
  } catch (error) {
    if (error instanceof LostContent) return false;
    throw error;
  }
}
