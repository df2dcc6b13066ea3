import { describe, expect, it } from 'vitest';
import {
  cnv,
  concatSplit,
  embedding,
  espcn,
  gw1d,
  mobilenetV1,
  quantAvgPool,
  resnet8,
  resnet50,
  transposed,
  vgg10Radioml,
} from '../../recipes/networks/index.mjs';
import { check } from '../../src/ir/check.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { readModel } from '../../src/onnx/import.ts';
import type { Feed } from '../../src/passes/clean/surround.ts';
import { passes } from '../../src/passes/index.ts';
import { verifyLayout, verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { frameOf, readVectors } from '../../src/steps/verify/vectors.ts';
import { rational } from '../../src/util/rational.ts';
import { fed, run } from '../helpers/networks.ts';

type Dialect = 'qonnx' | 'finn';
type Make = (dialect: Dialect) => { readonly model: Uint8Array };

const pixels: Feed = { datatype: 'UINT8', scale: [rational(1n, 255n)] };
const centred: Feed = { datatype: 'UINT8', scale: [rational(2n, 255n)], bias: [rational(-1n)] };
const bytes: Feed = { datatype: 'UINT8', scale: [rational(1n)] };
const samples: Feed = { datatype: 'INT8', scale: [rational(1n, 128n)] };
const words: Feed = { datatype: 'UINT6', scale: [rational(1n)] };

/** The networks of finn-examples and their kin, at reduced sizes, and the layers that they must become. */
const cases: readonly (readonly [name: string, make: Make, feed: Feed, layers: readonly string[]])[] = [
  ['CNV w1a1', (dialect) => cnv({ dialect, width: 16 }), pixels, ['ConvolutionInputGenerator', 'StreamingMaxPool']],
  [
    'GTSRB w2a2',
    (dialect) => cnv({ dialect, width: 16, weights: 2, activations: 2, classes: 44 }),
    pixels,
    ['ConvolutionInputGenerator', 'StreamingMaxPool'],
  ],
  [
    'MobileNet-v1',
    (dialect) => mobilenetV1({ dialect, resolution: 32, width: 0.25, classes: 100 }),
    pixels,
    ['VVAU', 'FMPadding', 'GlobalAccPool'],
  ],
  ['ResNet-8', (dialect) => resnet8({ dialect, width: 8 }), centred, ['AddStreams', 'DuplicateStreams']],
  [
    'ResNet-8, branches of unequal scale',
    (dialect) => resnet8({ dialect, width: 8, joins: 'free' }),
    centred,
    ['AddStreams', 'DuplicateStreams'],
  ],
  [
    'ResNet-50',
    (dialect) => resnet50({ dialect, resolution: 64, width: 8, classes: 100 }),
    bytes,
    ['Pool', 'AddStreams', 'DuplicateStreams', 'GlobalAccPool'],
  ],
  [
    'ResNet-50, branches of unequal scale',
    (dialect) =>
      resnet50({ dialect, resolution: 32, width: 8, blocks: [1, 1, 1, 1], weights: 2, pool: 'global', joins: 'free' }),
    bytes,
    ['Pool', 'AddStreams', 'DuplicateStreams', 'GlobalAccPool'],
  ],
  [
    'VGG10 N,C,W',
    (dialect) => vgg10Radioml({ dialect, length: 256, width: 16 }),
    samples,
    ['FMPadding', 'StreamingMaxPool'],
  ],
  [
    'VGG10 N,C,W,1',
    (dialect) => vgg10Radioml({ dialect, layout: 'NCW1', length: 256, width: 16 }),
    samples,
    ['FMPadding', 'StreamingMaxPool'],
  ],
  ['ESPCN nearest', (dialect) => espcn({ dialect, resolution: 12, width: 8 }), pixels, ['UpsampleNearestNeighbour']],
  [
    'ESPCN transposed',
    (dialect) => espcn({ dialect, resolution: 12, width: 8, enlarge: 'transposed' }),
    pixels,
    ['FMPadding_Pixel'],
  ],
  [
    'ESPCN subpixel',
    (dialect) => espcn({ dialect, resolution: 12, width: 8, enlarge: 'subpixel' }),
    pixels,
    ['DepthToSpace'],
  ],
  ['transposed convolutions', (dialect) => transposed({ dialect }), pixels, ['FMPadding_Pixel']],
  ['concat and split', (dialect) => concatSplit({ dialect }), pixels, ['StreamingConcat', 'StreamingSplit']],
  ['embedding, dense', (dialect) => embedding({ dialect }), words, ['Lookup']],
  ['embedding, convolution', (dialect) => embedding({ dialect, head: 'conv' }), words, ['Lookup']],
  ['QuantAvgPool2d', (dialect) => quantAvgPool({ dialect }), pixels, ['Pool', 'GlobalAccPool']],
  ['gravitational waves', (dialect) => gw1d({ dialect, length: 256 }), samples, ['ConvolutionInputGenerator']],
];

describe.each(cases)('%s', (_name, make, feed, wanted) => {
  it.each(['qonnx', 'finn'] as const)('in %s is layers that compute the same', (dialect) => {
    const read = passes.import.splitBias(passes.import.splitGemm(readModel(make(dialect).model)));
    const network = passes.import.feedInput(read, feed);
    const parts = passes.streamline.split(network);
    check(parts.core, 'split');
    const { inputs } = readVectors(network, {});
    const size = inputs.data.length / inputs.shape[0]!;
    const vectors = {
      inputs: { ...inputs, shape: [2, ...inputs.shape.slice(1)], data: inputs.data.slice(0, 2 * size) },
    };
    const verdict = verifyStreamline(network, parts, vectors, true);
    expect(verdict.elements).toBeGreaterThan(0);
    const laidOut = passes.streamline.layOut(parts);
    check(laidOut.core, 'layOut');
    verifyLayout(parts, laidOut, vectors);
    const { graph, diagnostics } = passes.lower.toLayers(laidOut.core, { standaloneThresholds: false });
    expect(diagnostics.map(({ message }) => message)).toEqual([]);
    check(graph, 'toLayers');
    const names = new Set(nodesOf(graph).map(({ op }) => op.name));
    for (const name of wanted) expect(names).toContain(name);
    for (const i of [0, 1]) {
      const x = fed(laidOut, frameOf(vectors.inputs, i, network.inputs[0]!.type.shape));
      const shaped = (shape: readonly number[]) => ({ ...x, shape });
      const right = run(laidOut.core, shaped(laidOut.core.inputs[0]!.type.shape));
      expect(run(graph, shaped(graph.inputs[0]!.type.shape)).data).toEqual(right.data);
    }
  });
});
