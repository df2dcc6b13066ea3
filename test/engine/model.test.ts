import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Artifact, Files } from '../../src/engine/artifact.ts';
import type { AnyStep } from '../../src/engine/step.ts';
import { listTree } from '../../src/util/files.ts';
import { canonicalJson, sha256 } from '../../src/util/hash.ts';
import { Rig, scope, text } from './rig.ts';

/** A step of a random graph: reads some earlier ones; a coarse one makes only one of three results. */
interface Shape {
  readonly reads: readonly number[];
  readonly coarse: boolean;
}
type Edit =
  | { readonly kind: 'set'; readonly step: number; readonly value: number }
  | { readonly kind: 'lose'; readonly share: number }
  | { readonly kind: 'fail'; readonly step: number }
  | { readonly kind: 'abort'; readonly step: number }
  | { readonly kind: 'wipe' };

const shapes: fc.Arbitrary<Shape[]> = fc
  .array(fc.record({ reads: fc.array(fc.nat(1000), { maxLength: 3 }), coarse: fc.boolean() }), {
    minLength: 2,
    maxLength: 9,
  })
  .map((list) =>
    list.map(({ reads, coarse }, i) => ({
      reads: i === 0 ? [] : [...new Set(reads.map((n) => n % i))],
      coarse,
    })),
  );
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('set' as const), step: fc.nat(20), value: fc.nat(3) }) },
    fc.record({ kind: fc.constant('lose' as const), share: fc.integer({ min: 2, max: 6 }) }),
    fc.record({ kind: fc.constant('fail' as const), step: fc.nat(20) }),
    fc.record({ kind: fc.constant('abort' as const), step: fc.nat(20) }),
    fc.record({ kind: fc.constant('wipe' as const) }),
  ),
  { minLength: 1, maxLength: 8 },
);

const compute = (shape: Shape, config: number, inputs: readonly string[]): string => {
  const hash = sha256(canonicalJson([config, inputs]));
  return shape.coarse ? String(Number.parseInt(hash.slice(0, 8), 16) % 3) : hash;
};

it('random graphs, edits, failures, kills and losses: results of a clean build, and nothing runs in vain', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, edits, fc.nat(), async (graph, changes, seed) => {
      const rig = new Rig();
      try {
        await check(rig, graph, changes, seed);
      } finally {
        rig.remove();
      }
    }),
    { numRuns: 30 },
  );
});

async function check(rig: Rig, graph: readonly Shape[], changes: readonly Edit[], seed: number): Promise<void> {
  rig.jobs = 1 + (seed % 4);
  const keepGoing = seed % 3 === 0;
  const artifacts = graph.map((_, i): Artifact<string> => text(`a${i}`));
  const config = graph.map(() => 0);
  const executed: number[] = [];
  let broken: { step: number; how: 'fail' | 'abort' } | undefined;
  let abort = new AbortController();
  const steps = graph.map(
    (shape, i) =>
      ({
        name: `s${i}`,
        doc: '',
        per: 'net',
        needs: Object.fromEntries(shape.reads.map((n) => [`i${n}`, artifacts[n]!])),
        makes: { out: artifacts[i]! },
        config: () => ({ value: config[i] }),
        run: async (inputs: Record<string, string>) => {
          await Promise.resolve();
          if (broken?.step === i) {
            if (broken.how === 'abort') abort.abort(new Error('killed'));
            throw new Error('broken');
          }
          executed.push(i);
          return {
            out: compute(
              shape,
              config[i]!,
              shape.reads.map((n) => inputs[`i${n}`]!),
            ),
          };
        },
      }) as AnyStep,
  );
  const net = scope('net', 'n');
  /** Keys that have a whole record in the store, as the model believes. */
  let have = new Set<string>();

  const build = async (): Promise<void> => {
    const values: string[] = [];
    const due = new Set<number>();
    const keys = graph.map((shape, i) => {
      const inputs = shape.reads.map((n) => values[n]!);
      values.push(compute(shape, config[i]!, inputs));
      const key = canonicalJson([i, config[i], inputs]);
      if (!have.has(key)) due.add(i);
      return key;
    });
    /** What is due or reads, however far, what is: all that a failure may cut off. */
    const behind = new Set<number>();
    for (const [i, { reads }] of graph.entries()) if (due.has(i) || reads.some((n) => behind.has(n))) behind.add(i);
    executed.length = 0;
    abort = new AbortController();
    const engine = rig.engine(steps);
    const built = await engine.run(engine.graph(artifacts.map((artifact) => ({ scope: net, artifact }))), {
      display: rig.display,
      seed,
      keepGoing,
      signal: abort.signal,
    });
    // Nothing twice, nothing that has a result; all that is due unless something broke.
    expect(new Set(executed).size).toBe(executed.length);
    for (const i of executed) expect(due.has(i)).toBe(true);
    const breaks = broken !== undefined && due.has(broken.step);
    expect(built.ok).toBe(!breaks);
    for (const i of executed) have.add(keys[i]!);
    for (const outcome of built.outcomes) {
      const i = Number(outcome.id.step.slice(1));
      if (outcome.how === 'failed' || outcome.how === 'skipped') {
        expect(breaks && behind.has(i)).toBe(true);
        expect(built.value(net, artifacts[i]!)).toBeUndefined();
      } else {
        expect(built.value(net, artifacts[i]!)?.value).toBe(values[i]);
      }
    }
    if (!breaks) expect(executed.length).toBe(due.size);
    else if (keepGoing && broken?.how === 'fail') {
      const cut = new Set<number>([broken.step]);
      for (const [i, { reads }] of graph.entries()) if (reads.some((n) => cut.has(n))) cut.add(i);
      expect(executed.toSorted()).toEqual([...due].filter((i) => !cut.has(i)).toSorted());
    }
  };

  await build();
  for (const change of changes) {
    broken = undefined;
    switch (change.kind) {
      case 'set':
        config[change.step % graph.length] = change.value;
        break;
      case 'fail':
      case 'abort':
        broken = { step: change.step % graph.length, how: change.kind };
        config[broken.step] = config[broken.step]! + 10;
        break;
      case 'wipe':
        rmSync(join(rig.folder, '.finn'), { recursive: true, force: true });
        have = new Set();
        break;
      case 'lose': {
        const records = join(rig.folder, '.finn', 'steps');
        for (const [n, path] of listTree(records).entries()) if (n % change.share === 0) rmSync(join(records, path));
        have = recorded(rig, have, graph);
        break;
      }
    }
    await build();
  }
  broken = undefined;
  await build();
  const clean: Files[] = [];
  const other = new Rig();
  try {
    const engine = other.engine(steps);
    const built = await engine.run(engine.graph(artifacts.map((artifact) => ({ scope: net, artifact }))));
    for (const artifact of artifacts) clean.push(built.files(net, artifact) ?? {});
    const mine = rig.engine(steps);
    const again = await mine.run(mine.graph(artifacts.map((artifact) => ({ scope: net, artifact }))));
    expect(artifacts.map((artifact) => again.files(net, artifact))).toEqual(clean);
    expect(again.outcomes.every(({ how }) => how === 'fresh')).toBe(true);
  } finally {
    other.remove();
  }
}

/** The keys of the model whose records are still there: found by asking the store for every fingerprint it has. */
function recorded(rig: Rig, have: ReadonlySet<string>, graph: readonly Shape[]): Set<string> {
  const left = new Set<string>();
  const byHash = new Map<string, string>();
  const store = rig.store;
  for (const key of have) {
    const [i, config, inputs] = JSON.parse(key) as [number, number, string[]];
    const value = compute(graph[i]!, config, inputs);
    byHash.set(sha256(canonicalJson({ 'value.txt': sha256(value) })), value);
  }
  for (const path of listTree(join(rig.folder, '.finn', 'steps'))) {
    const [step, file] = path.split('/') as [string, string];
    const record = store.records.readStep(step, file.replace('.json', ''));
    if (!record) continue;
    const i = Number(step.slice(1));
    const inputs = graph[i]!.reads.map((n) => byHash.get(String(record.fingerprint.needs[`i${n}`])));
    left.add(canonicalJson([i, (record.fingerprint.config as { value: number }).value, inputs]));
  }
  return left;
}
