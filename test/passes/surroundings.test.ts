import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/ir/check.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { externalFiles } from '../../src/onnx/external.ts';
import { readModel } from '../../src/onnx/import.ts';
import { type Feed, feedInput } from '../../src/passes/clean/surround.ts';
import { split } from '../../src/passes/streamline/walk.ts';
import { modelFromSources, modelSources } from '../../src/steps/artifacts.ts';
import { verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { readVectors } from '../../src/steps/verify/vectors.ts';
import { parseRational, type Rational } from '../../src/util/rational.ts';
import { qonnxMlp } from '../helpers/mlp.ts';
import { type ModelParts, model, op } from '../helpers/onnx-builder.ts';
import { toySpec } from '../helpers/toy.ts';

const numbers = (...texts: string[]): Rational[] => texts.map((text) => parseRational(text)!);
const real = (): ModelParts => {
  const { annotations: _, ...parts } = qonnxMlp(toySpec);
  return parts;
};
const fedWith = (feed: Feed): Graph => feedInput(readModel(model(real())), feed);

describe('the recipe’s input in front of a matrix product', () => {
  const feeds: readonly (readonly [string, Feed])[] = [
    ['a scale of 1', { datatype: 'UINT4', scale: numbers('1') }],
    ['a scale', { datatype: 'UINT8', scale: numbers('1/255') }],
    ['a scale and a bias', { datatype: 'UINT8', scale: numbers('2/255'), bias: numbers('-1') }],
    ['mean and std', { datatype: 'UINT8', scale: numbers('1/255'), mean: numbers('0.485'), std: numbers('0.226') }],
    [
      'a mean for each channel',
      {
        datatype: 'UINT8',
        scale: numbers('1/255'),
        mean: numbers('0.485', '0.456', '0.406', '1/2'),
        std: numbers('0.226'),
      },
    ],
  ];
  it.each(feeds)('%s', (_, feed) => {
    const network = fedWith(feed);
    const parts = split(network);
    check(parts.core, 'split');
    expect(parts.before).toBeUndefined();
    expect(nodesOf(parts.core).map((node) => node.op.name)).toEqual(['MatMul', 'MultiThreshold', 'MatMul']);
    const verdict = verifyStreamline(network, parts, readVectors(network, {}), true);
    expect(verdict.vectors).toBe(16);
  });

  it('cannot scale every channel by another number, and says that it is the recipe’s `input`', () => {
    const network = fedWith({ datatype: 'UINT8', scale: numbers('1', '1/7', '1/11', '1/13') });
    expect(() => split(network)).toThrow(
      /`input` of the recipe scales every channel by another number, and MatMul 'MatMul_\d+'/,
    );
  });
});

describe('what hardware cannot do', () => {
  it('between layers is an error that names the node and why', () => {
    const parts = qonnxMlp(toySpec);
    const at = parts.nodes.findIndex((node) => node.op_type === 'Add');
    const nodes = parts.nodes.flatMap((node, i) => {
      if (i !== at) return [node];
      const [out] = node.output!;
      return [{ ...node, output: ['between'] }, op('soft', 'Softmax', ['between'], [out!], { axis: -1 })];
    });
    expect(() => split(readModel(model({ ...parts, nodes })))).toThrow(
      /'soft' \(Softmax\) stands between hardware layers and cannot be one: finn has no circuit for Softmax; 'Quant_\d+'/,
    );
  });

  it('at the end stays on the host, with its reason', () => {
    const parts = qonnxMlp(toySpec);
    const nodes = [...parts.nodes, op('soft', 'Softmax', [parts.outputs![0]!], ['z'], { axis: -1 })];
    const network = readModel(model({ ...parts, nodes, outputs: ['z'] }));
    const made = split(network);
    expect(made.onHost).toEqual([
      { node: 'soft', op: 'Softmax', side: 'behind', reason: 'finn has no circuit for Softmax' },
    ]);
    expect(verifyStreamline(network, made, readVectors(network, {}), true).nearTies).toBe(0);
  });
});

describe('external data', () => {
  it('lies in memory as it lay beside the model', () => {
    const folder = mkdtempSync(join(tmpdir(), 'finn-external-'));
    try {
      const parts = qonnxMlp(toySpec);
      const inside = readModel(model(parts));
      const [first, ...rest] = parts.initializers!;
      writeFileSync(join(folder, 'weights.bin'), Buffer.concat([Buffer.alloc(8), first!.raw_data!]));
      const { raw_data: bytes, ...bare } = first!;
      const entries = { location: './weights.bin', offset: '8', length: String(bytes!.length) };
      const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
      const onnx = model({ ...parts, initializers: [{ ...bare, data_location: 1, external_data }, ...rest] });
      const files = externalFiles(onnx, folder);
      expect([...files.keys()]).toEqual(['weights.bin']);
      const held = modelFromSources(modelSources(onnx, { 'weights.bin': Buffer.concat([Buffer.alloc(8), bytes!]) }));
      const read = readModel(held.onnx, { folder: held.beside });
      const vectors = readVectors(inside, {});
      expect(verifyStreamline(read, split(inside), vectors, true).elements).toBeGreaterThan(0);
      expect(() => readModel(onnx, { folder: {} })).toThrow(/outside the model/);
      const escaping = [{ key: 'location', value: '../weights.bin' }];
      const hostile = model({
        ...parts,
        initializers: [{ ...bare, data_location: 1, external_data: escaping }, ...rest],
      });
      expect(() => externalFiles(hostile, folder)).toThrow(/outside the folder/);
      expect(externalFiles(model(parts), folder).size).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
