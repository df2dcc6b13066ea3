import type { Graph } from '../ir/graph.ts';
import { readModel } from '../onnx/import.ts';
import type { Feed } from '../passes/clean/surround.ts';
import { passes } from '../passes/index.ts';
import { formatRational, parseRational, type Rational } from '../util/rational.ts';
import { importVerdict, model, network, vectors } from './artifacts.ts';
import { readNamed } from './model.ts';
import { networkStep } from './step.ts';
import { verifyImport } from './verify/import.ts';
import { readVectors } from './verify/vectors.ts';

const written = (list: readonly Rational[] | undefined): string[] | undefined => list?.map(formatRational);
const read = (list: readonly string[] | undefined): Rational[] | undefined => list?.map((text) => parseRational(text)!);

export const importNetwork = networkStep({
  name: 'import',
  doc: 'Reads the model, types it, and puts the recipe’s input and output around it.',
  needs: { model },
  makes: { network, vectors, importVerdict },
  aside: true,
  config: ({ network: { input, topK, verify }, recipe }) => ({
    input: input && {
      datatype: input.datatype,
      scale: written(input.scale),
      bias: written(input.bias),
      mean: written(input.mean),
      std: written(input.std),
    },
    topK,
    verify: recipe.verifyAt.includes('import'),
    minAccuracy: verify?.minAccuracy && formatRational(verify.minAccuracy),
  }),
  async sources({ network: { verify, at } }, host) {
    if (!verify) return {};
    const { input, expected, labels } = verify;
    return {
      'input.npy': await readNamed(host, input, at),
      ...(expected !== undefined && { 'expected.npy': await readNamed(host, expected, at) }),
      ...(labels !== undefined && { 'labels.npy': await readNamed(host, labels, at) }),
    };
  },
  async run({ model: { onnx, beside } }, { config, sources, note }) {
    let graph: Graph = passes.import.splitBias(passes.import.splitGemm(readModel(onnx, { folder: beside })));
    if (config.input) {
      const { datatype, scale, bias, mean, std } = config.input;
      const feed: Feed = { datatype, scale: read(scale)!, bias: read(bias), mean: read(mean), std: read(std) };
      graph = passes.import.feedInput(graph, feed);
    }
    if (config.topK !== undefined) graph = passes.import.appendTopK(graph, config.topK);
    const given = readVectors(graph, sources);
    const verdict = verifyImport(graph, given, config);
    if (verdict.accuracy !== undefined) note(`accuracy ${(100 * verdict.accuracy).toFixed(2)} %`);
    return { network: graph, vectors: given, importVerdict: verdict };
  },
});
