import { readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { each, item } from '../../src/engine/artifact.ts';
import { evict } from '../../src/engine/gc.ts';
import type { AnyStep } from '../../src/engine/step.ts';
import { step } from '../../src/engine/step.ts';
import { listTree } from '../../src/util/files.ts';
import { Rig, scope, text, texts } from './rig.ts';

/** What a build is asked for: layers by name with what they are, and a library that all of them read. */
interface Wish {
  readonly layers: Readonly<Record<string, number>>;
  readonly library: number;
}

type Edit =
  | { readonly kind: 'layer'; readonly name: string; readonly value: number | undefined }
  | { readonly kind: 'library'; readonly value: number }
  /** Something happens to every so manieth file of a part of the cache. */
  | {
      readonly kind: 'harm';
      readonly how: 'truncate' | 'flip' | 'remove' | 'future';
      readonly part: string;
      readonly share: number;
    }
  | { readonly kind: 'evict'; readonly limit: number }
  | { readonly kind: 'kill'; readonly after: number };

const layer = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('layer' as const), name: layer, value: fc.option(fc.nat(5), { nil: undefined }) }),
    fc.record({ kind: fc.constant('library' as const), value: fc.nat(2) }),
    fc.record({
      kind: fc.constant('harm' as const),
      how: fc.constantFrom('truncate' as const, 'flip' as const, 'remove' as const, 'future' as const),
      part: fc.constantFrom('objects', 'steps', 'last', '.'),
      share: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ kind: fc.constant('evict' as const), limit: fc.nat(4000) }),
    fc.record({ kind: fc.constant('kill' as const), after: fc.nat(6) }),
  ),
  { minLength: 1, maxLength: 10 },
);

const library = text('library');
const layers = texts('layers', 'layer');
const netlist = text('netlist');
const top = text('top');

/** Equal of several values, so that changes are cut off. */
const netlistOf = (value: string, shared: string): string => `${Number(value) % 3}+${shared}`;
const topOf = (list: Iterable<readonly [string, string]>): string =>
  [...list].map(([name, made]) => `${name}=${made}`).join(' ');

const expected = ({ layers: wanted, library: shared }: Wish): string =>
  topOf(Object.entries(wanted).map(([name, value]) => [name, netlistOf(String(value), String(shared))]));

/** library and layers → a netlist for each layer → top. `began` is told of every step as it begins. */
const stepsFor = (wish: () => Wish, began: (name: string) => void): AnyStep[] =>
  [
    step({
      name: 'library',
      doc: '',
      per: 'build',
      needs: {},
      makes: { library },
      config: () => wish().library,
      run: async (_, { config }) => {
        began('library');
        return { library: String(config) };
      },
    }),
    step({
      name: 'fold',
      doc: '',
      per: 'build',
      needs: {},
      makes: { layers },
      // As a list: in the key of a record its order does not count.
      config: () => Object.entries(wish().layers),
      run: async (_, { config }) => {
        began('fold');
        return { layers: new Map(config.map(([name, value]) => [name, String(value)])) };
      },
    }),
    step({
      name: 'synthesize',
      doc: '',
      per: 'layer',
      needs: { value: item(layers), shared: library },
      makes: { netlist },
      config: () => ({}),
      run: async ({ value, shared }) => {
        began('synthesize');
        await Promise.resolve();
        return { netlist: netlistOf(value, shared) };
      },
    }),
    step({
      name: 'stitch',
      doc: '',
      per: 'build',
      needs: { netlists: each(netlist) },
      makes: { top },
      config: () => ({}),
      run: async ({ netlists }) => {
        began('stitch');
        return { top: topOf(netlists) };
      },
    }),
  ] as AnyStep[];

function harm(folder: string, { how, part, share }: Extract<Edit, { kind: 'harm' }>): void {
  const below = join(folder, '.finn', part);
  for (const [n, name] of listTree(below).entries()) {
    if (n % share !== 0) continue;
    const path = join(below, name);
    if (how === 'remove') rmSync(path);
    else if (how === 'future') utimesSync(path, 4e9, 4e9);
    else if (how === 'truncate') {
      rmSync(path);
      writeFileSync(path, '');
      truncateSync(path, 3);
    } else {
      const bytes = readFileSync(path);
      if (bytes.length > 0) bytes[bytes.length >> 1]! ^= 0x20;
      rmSync(path);
      writeFileSync(path, bytes);
    }
  }
}

it('whatever befalls the cache, a build gives what a clean one gives, and then there is nothing left to do', async () => {
  await fc.assert(
    fc.asyncProperty(edits, fc.nat(), async (changes, seed) => {
      const rig = new Rig();
      rig.jobs = 1 + (seed % 3);
      let wish: Wish = { layers: { a: 1, b: 2, c: 4 }, library: 0 };
      let left = Number.POSITIVE_INFINITY;
      let abort = new AbortController();
      let begun = 0;
      const steps = stepsFor(
        () => wish,
        () => {
          begun += 1;
          left -= 1;
          if (left < 0) abort.abort(new Error('killed'));
          abort.signal.throwIfAborted();
        },
      );
      const at = scope('build', 'b');
      const build = async () => {
        abort = new AbortController();
        begun = 0;
        const engine = rig.engine(steps);
        const built = await engine.run(engine.graph([{ scope: at, artifact: top }]), { seed, signal: abort.signal });
        return { ok: built.ok, value: () => built.value(at, top)?.value };
      };
      try {
        await build();
        for (const change of changes) {
          if (change.kind === 'layer') {
            const { [change.name]: _, ...others } = wish.layers;
            wish = {
              ...wish,
              layers: change.value === undefined ? others : { ...others, [change.name]: change.value },
            };
          } else if (change.kind === 'library') wish = { ...wish, library: change.value };
          else if (change.kind === 'harm') harm(rig.folder, change);
          else if (change.kind === 'evict') evict(join(rig.folder, '.finn'), change.limit);
          else {
            left = change.after;
            wish = { ...wish, library: wish.library + 10 };
            await build();
            left = Number.POSITIVE_INFINITY;
          }
          const built = await build();
          expect(built.ok).toBe(true);
          expect(built.value()).toBe(expected(wish));
          const again = await build();
          expect([again.ok, begun]).toEqual([true, 0]);
        }
      } finally {
        rig.remove();
      }
    }),
    { numRuns: Number(process.env['FINN_RUNS'] ?? 60) },
  );
});
