import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Artifact, definePlugin, step } from 'finn';
import { shapeOf } from './shape.ts';

/** A plug-in whose steps are those of a graph: they digest their inputs and a file of src/ in the folder. */
export function graphPlugin(count: number, folder: string) {
  const { reads } = shapeOf(count);
  const artifacts = reads.map(
    (_, i): Artifact<string> => ({
      kind: 'artifact',
      name: `a${i}`,
      doc: 'a digest',
      encode: (text) => ({ 'digest.txt': Buffer.from(text) }),
      decode: (files) => Buffer.from(files['digest.txt']!).toString(),
    }),
  );
  const steps = reads.map((inputs, i) =>
    step({
      name: `s${i}`,
      doc: 'digests its inputs',
      per: 'network',
      needs: Object.fromEntries(inputs.map((j) => [`a${j}`, artifacts[j]!])),
      makes: { digest: artifacts[i]! },
      config: () => null,
      sources: async (_, host) => ({ source: await host.read(join(folder, `src/${i}.txt`)) }),
      run: async (texts, { sources }) => ({
        digest: createHash('sha256')
          .update([Buffer.from(sources['source']!).toString(), ...Object.values(texts)].join(''))
          .digest('hex'),
      }),
    }),
  );
  return definePlugin({ name: 'graph', steps });
}
