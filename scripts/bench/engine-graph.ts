// A whole process as `finn build` is one, whose steps are those of a graph: node engine-graph.js <steps> <folder>.
import { join } from 'node:path';
import { bug } from '../../src/diagnostics/diagnostic.ts';
import type { Artifact } from '../../src/engine/artifact.ts';
import { createEngine } from '../../src/engine/engine.ts';
import { type AnyStep, type Scope, step } from '../../src/engine/step.ts';
import { openStore } from '../../src/engine/store.ts';
import { sha256 } from '../../src/util/hash.ts';
import { shapeOf } from './shape.ts';

const [count, folder] = [Number(process.argv[2]), process.argv[3]!];
const { reads } = shapeOf(count);
const scope: Scope<string> = { kind: 'graph', name: 'bench', settings: folder };

const artifacts = reads.map(
  (_, i): Artifact<string> => ({
    kind: 'artifact',
    name: `a${i}`,
    doc: 'a digest',
    encode: (text) => ({ 'digest.txt': Buffer.from(text) }),
    decode: (files) => Buffer.from(files['digest.txt']!).toString(),
  }),
);
const steps = reads.map(
  (inputs, i): AnyStep =>
    step({
      name: `s${i}`,
      doc: 'digests its inputs',
      per: scope.kind,
      needs: Object.fromEntries(inputs.map((j) => [`a${j}`, artifacts[j]!])),
      makes: { digest: artifacts[i]! },
      config: () => null,
      sources: async (at: string, host) => ({ source: await host.read(join(at, `src/${i}.txt`)) }),
      run: async (texts, { sources }) => ({
        digest: sha256([Buffer.from(sources['source']!).toString(), ...Object.values(texts)].join('')),
      }),
    }),
);

const engine = createEngine({
  steps,
  store: openStore(join(folder, '.finn')),
  executor: {
    version: async () => bug('no tool is called'),
    execute: async () => bug('no tool is called'),
    close: async () => {},
  },
  jobs: 2,
  memory: 1000,
});
const built = await engine.run(engine.graph([{ scope, step: `s${count - 1}` }]));
const ran = built.outcomes.filter(({ how }) => how === 'ran').length;
console.log(`${ran} ran, ${built.outcomes.length - ran} fresh`);
process.exitCode = built.ok ? 0 : 1;
