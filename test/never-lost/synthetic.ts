// A process that builds for the tests to kill: many objects, families, native tools with children, a download, and gc.
// Arguments: folder, URL, variant (its bits say what of the parts is changed), how many bytes the cache may have.
import { join } from 'node:path';
import type { Artifact, Family, Files } from '../../src/engine/artifact.ts';
import { each, item } from '../../src/engine/artifact.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import type { Tool } from '../../src/engine/invocation.ts';
import { type AnyStep, step, unknownUntilRun } from '../../src/engine/step.ts';
import { openStore } from '../../src/engine/store.ts';
import { restoreTree } from '../../src/engine/trees.ts';
import { download } from '../../src/steps/download/download.ts';
import { readIfThere } from '../../src/util/files.ts';
import { contentHash, sha256 } from '../../src/util/hash.ts';
import { waitForLock } from '../../src/util/lock.ts';

const [folder = '', url = '', variant = '0', limit = '0', served = ''] = process.argv.slice(2);
const parts = 10;

/** Bytes that follow from a text, as many as it says. */
function bytesOf(seed: string): Uint8Array {
  const size = Number.parseInt(sha256(seed).slice(0, 4), 16);
  const pieces: Buffer[] = [];
  for (let i = 0; i * 32 < size; i += 1) pieces.push(Buffer.from(sha256(`${seed} ${i}`), 'hex'));
  return new Uint8Array(Buffer.concat(pieces).subarray(0, size));
}

const files = (name: string): Artifact<Files> => ({
  kind: 'artifact',
  name,
  doc: name,
  encode: (value) => value,
  decode: (value) => value,
});
const fetched = files('fetched');
const part: Family<Files> = { kind: 'family', name: 'parts', doc: '', scope: 'part', item: files('part') };
const worked = files('worked');
const tooled = files('tooled');
const joined = files('joined');

/** Waits, leaves a child behind that would run for minutes, and counts itself as the last thing it does. */
const fake: Tool = {
  name: 'fake',
  program: { kind: 'native', command: join(folder, 'fake-tool'), version: { args: ['--version'], pattern: /(\d+)/ } },
  log: [],
};

interface Settings {
  readonly variant: number;
}
const steps: readonly AnyStep[] = [
  step({
    name: 'fetch',
    doc: '',
    per: 'net',
    needs: {},
    makes: { fetched },
    config: () => ({}),
    async sources(_: Settings, host) {
      const downloads = join(folder, '.finn', 'downloads');
      const kept = readIfThere(join(downloads, served));
      if (kept && contentHash(kept) === served) return { kept };
      if (host.mode === 'plan') return unknownUntilRun('it is fetched');
      const at = { in: 'recipe', pointer: '' } as const;
      return { kept: await download(url, { folder: downloads, sha256: served, at, ...host }) };
    },
    run: async (_, { sources }) => ({ fetched: sources }),
  }),
  step({
    name: 'split',
    doc: '',
    per: 'net',
    needs: { fetched },
    makes: { parts: part },
    config: (settings: Settings) => ({ variant: settings.variant }),
    run: async ({ fetched: { kept } }, { config }) => ({
      parts: new Map(
        Array.from({ length: parts }, (_, i) => {
          const bit = (config.variant >> i) & 1;
          return [
            `p${i}`,
            { 'a.bin': bytesOf(`${i} ${bit} ${contentHash(kept!)}`), 'b.bin': bytesOf(`same ${i % 3}`) },
          ];
        }),
      ),
    }),
  }),
  step({
    name: 'work',
    doc: '',
    per: 'part',
    needs: { own: item(part) },
    makes: { worked },
    config: () => ({}),
    run: async ({ own }) => ({
      worked: Object.fromEntries(
        [0, 1, 2, 3].map((i) => {
          const bytes = bytesOf(`${i} ${contentHash(own['a.bin']!)}`);
          // One of them is mostly so large that it is written and restored in pieces.
          return [`deep/w${i}.bin`, i === 3 ? new Uint8Array(Buffer.concat(Array(10).fill(bytes))) : bytes];
        }),
      ),
    }),
  }),
  step({
    name: 'tool',
    doc: '',
    per: 'part',
    needs: { worked },
    makes: { tooled },
    config: () => ({}),
    tools: () => [fake],
    async run({ worked: input }, { call }) {
      const made = await call({
        tool: fake,
        args: [join(folder, 'count')],
        files: { 'in.bin': input['deep/w0.bin']! },
        outputs: { out: 'out.bin' },
        label: 'a fake',
      });
      return { tooled: { 'out.bin': made.out } };
    },
  }),
  step({
    name: 'join',
    doc: '',
    per: 'net',
    needs: { all: each(tooled), works: each(worked) },
    makes: { joined },
    config: () => ({}),
    run: async ({ all, works }) => ({
      joined: Object.fromEntries([
        ...[...all].map(([key, made]) => [`${key}.bin`, made['out.bin']!]),
        ...[...works].flatMap(([key, made]) => Object.entries(made).map(([path, bytes]) => [`${key}/${path}`, bytes])),
      ]),
    }),
  }),
] as AnyStep[];

const store = openStore(join(folder, '.finn'), (object) => console.error(`${object} was damaged`));
const executor = new LocalExecutor();
const engine = createEngine({
  steps,
  store,
  executor,
  jobs: 3,
  memory: 1000,
  finn: 'synthetic',
  place: variant,
  limit: Number(limit),
});
const scope = { kind: 'net', name: 'n', parent: undefined, settings: { variant: Number(variant) } };
const built = await engine.run(engine.graph([{ scope, artifact: joined }]), {
  display: (event) => {
    if (event.type === 'failed' || event.type === 'diagnostic') console.error(JSON.stringify(event));
  },
});
await executor.close();
const made = built.stored(scope, joined);
if (made) {
  const release = await waitForLock(join(folder, 'out.lock'));
  await restoreTree(store.objects, join(folder, 'out'), made);
  release();
}
process.exitCode = built.ok ? 0 : 1;
