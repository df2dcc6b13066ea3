import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  cnv,
  concatSplit,
  embedding,
  espcn,
  gw1d,
  mlp,
  mobilenetV1,
  networks,
  quantAvgPool,
  resnet8,
  resnet50,
  transposed,
  vgg10Radioml,
} from '../recipes/networks/index.mjs';
import { pictures, Random } from '../recipes/networks/random.mjs';
import { evaluate } from '../src/ir/evaluate.ts';
import type { Graph } from '../src/ir/graph.ts';
import { type Tensor, tensor } from '../src/ir/tensor.ts';
import { nodesOf } from '../src/ir/traverse.ts';
import { readModel } from '../src/onnx/import.ts';
import { decodeModel, encodeModel } from '../src/onnx/proto.ts';

type Made = { readonly model: Uint8Array; readonly shape: readonly number[] };
type Dialect = 'qonnx' | 'finn';

/** Reduced sizes of every network in both dialects, and how values 0…1 become its input. */
const cases: readonly (readonly [string, (dialect: Dialect, seed?: number) => Made, ((v: number) => number)?])[] = [
  ['cnv w1a1', (dialect, seed) => cnv({ dialect, seed, width: 16 })],
  ['cnv w1a2', (dialect, seed) => cnv({ dialect, seed, width: 16, activations: 2 })],
  ['cnv w2a2 for GTSRB', (dialect, seed) => cnv({ dialect, seed, width: 16, weights: 2, activations: 2, classes: 44 })],
  [
    'mobilenet-v1',
    (dialect, seed) => mobilenetV1({ dialect, seed, resolution: 32, width: 0.25, classes: 100 }),
    (v) => v * 4 - 2,
  ],
  ['resnet8', (dialect, seed) => resnet8({ dialect, seed, width: 8 }), (v) => v * 2 - 1],
  ['resnet8, free scales', (dialect, seed) => resnet8({ dialect, seed, width: 8, joins: 'free' }), (v) => v * 2 - 1],
  [
    'resnet50 w1a2',
    (dialect, seed) => resnet50({ dialect, seed, resolution: 64, width: 8, classes: 100 }),
    (v) => v * 255,
  ],
  [
    'resnet50 w2a2, global average pool',
    (dialect, seed) =>
      resnet50({
        dialect,
        seed,
        resolution: 32,
        width: 8,
        blocks: [1, 1, 1, 1],
        weights: 2,
        pool: 'global',
        joins: 'free',
      }),
    (v) => v * 255,
  ],
  ['vgg10-radioml N,C,W', (dialect, seed) => vgg10Radioml({ dialect, seed, length: 256, width: 16 }), (v) => v * 2 - 1],
  [
    'vgg10-radioml N,C,W,1',
    (dialect, seed) => vgg10Radioml({ dialect, seed, layout: 'NCW1', length: 256, width: 16 }),
    (v) => v * 2 - 1,
  ],
  ['espcn nearest', (dialect, seed) => espcn({ dialect, seed, resolution: 12, width: 8 })],
  ['espcn transposed', (dialect, seed) => espcn({ dialect, seed, resolution: 12, width: 8, enlarge: 'transposed' })],
  ['espcn subpixel', (dialect, seed) => espcn({ dialect, seed, resolution: 12, width: 8, enlarge: 'subpixel' })],
  ['transposed', (dialect, seed) => transposed({ dialect, seed })],
  ['concat and split', (dialect, seed) => concatSplit({ dialect, seed })],
  ['concat of equal scales', (dialect, seed) => concatSplit({ dialect, seed, equal: true })],
  ['embedding, dense', (dialect, seed) => embedding({ dialect, seed }), (v) => v * 63],
  ['embedding, convolution', (dialect, seed) => embedding({ dialect, seed, head: 'conv' }), (v) => v * 63],
  ['quant-avg-pool', (dialect, seed) => quantAvgPool({ dialect, seed })],
  ['gravitational wave', (dialect, seed) => gw1d({ dialect, seed, length: 256 }), (v) => v * 2 - 1],
  ['mlp w1a1', (dialect, seed) => mlp({ dialect, seed, hidden: [64, 64] }), (v) => v * 2 - 1],
  [
    'mlp w4a4',
    (dialect, seed) => mlp({ dialect, seed, inputs: 100, hidden: [32], weights: 4, activations: 4, input: 8 }),
    (v) => v * 2 - 1,
  ],
];

/** Frames of the network's shape; indices where it takes integers. */
function framesFor(graph: Graph, from: (v: number) => number = (v) => v): Tensor[] {
  const { shape, dtype } = graph.inputs[0]!.type;
  const image = shape.length > 2 ? shape : [1, 1, ...shape.slice(1)];
  return pictures(new Random(11), 6, image).map((frame) =>
    tensor(
      dtype,
      shape,
      Float32Array.from(frame, (v) => (dtype.integer ? Math.round(from(v)) : from(v))),
    ),
  );
}

/** What a network answers, and how many values each quantiser gave at most. */
function run(graph: Graph, frames: readonly Tensor[]) {
  const levels = new Map<string, Set<number>>();
  const answers = frames.map((x) =>
    [
      ...evaluate(graph, new Map([[graph.inputs[0]!.name, x]]), (node, [y]) => {
        if (!/Quant$|MultiThreshold/.test(node.op.name) || node.inputs[0]?.kind === 'constant') return;
        const seen = levels.get(node.origin[0]!) ?? new Set();
        for (const v of y!.data) seen.add(v);
        levels.set(node.origin[0]!, seen);
      }).values(),
    ].map((y) => [...y.data]),
  );
  return { levels, answers: answers.map(([y]) => y!) };
}

for (const [title, make, from] of cases)
  describe(title, () => {
    it.each(['qonnx', 'finn'] as const)('in the dialect %s is read, and its answers vary', (dialect) => {
      const { model, shape } = make(dialect);
      const graph = readModel(model);
      expect(graph.inputs.map(({ type }) => type.shape)).toEqual([shape]);
      const { levels, answers } = run(graph, framesFor(graph, from));
      expect(levels.size).toBeGreaterThan(0);
      for (const [name, seen] of levels) expect(seen.size, name).toBeGreaterThan(1);
      const typical = [...levels.values()].map(({ size }) => size).sort((a, b) => a - b);
      // Two levels where there is one bit, otherwise most of those that there are.
      expect(typical[typical.length >> 1]).toBeGreaterThanOrEqual(/w1a1/.test(title) ? 2 : 3);
      for (const y of answers) expect(y.every(Number.isFinite)).toBe(true);
      expect(new Set(answers.map(String)).size).toBe(answers.length);
      const classes = answers.map((y) => y.indexOf(Math.max(...y)));
      expect(new Set(classes).size).toBeGreaterThan(1);
      expect(Buffer.from(make(dialect).model).equals(model)).toBe(true);
    });

    it('is another network with another seed, and means the same in both dialects', () => {
      const first = make('qonnx', 1);
      expect(Buffer.from(make('qonnx', 2).model).equals(first.model)).toBe(false);
      const count = (graph: Graph, name: RegExp): number =>
        nodesOf(graph).filter(({ op }) => name.test(op.name)).length;
      const [qonnx, finn] = [readModel(first.model), readModel(make('finn', 1).model)];
      expect(count(finn, /^(Quant|BipolarQuant|Trunc)$/)).toBe(0);
      for (const op of [/^Conv$/, /^ConvTranspose$/, /^(MatMul|Gemm)$/, /^MaxPool$/, /^Concat$/])
        expect(count(finn, op)).toBe(count(qonnx, op));
    });
  });

it('the two dialects answer alike where no number lies on a threshold', () => {
  const [one, other] = [cnv({ width: 16 }), cnv({ width: 16, dialect: 'finn' })].map(({ model }) => readModel(model));
  const pixels = framesFor(one!);
  expect(run(one!, pixels).answers).toEqual(run(other!, pixels).answers);
  const [trunc, pool] = (['qonnx', 'finn'] as const).map((dialect) => readModel(resnet8({ dialect, width: 8 }).model));
  expect(nodesOf(trunc!).filter(({ op }) => op.name === 'Trunc')).toHaveLength(1);
  expect(nodesOf(pool!).filter(({ op }) => op.name === 'QuantAvgPool2d')).toHaveLength(1);
});

it('files are those that protobufjs writes', () => {
  const { model } = concatSplit();
  const decoded = decodeModel(model);
  expect(encodeModel(decoded).length).toBe(model.length);
  expect(decodeModel(encodeModel(decoded))).toEqual(decoded);
  expect(decoded.opset_import?.map(({ domain, version }) => [domain, Number(version)])).toEqual([
    ['', 13],
    ['qonnx.custom_op.general', 1],
  ]);
});

it('make.mjs writes them alone, as a recipe runs it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finn-networks-'));
  const script = fileURLToPath(new URL('../recipes/networks/make.mjs', import.meta.url));
  try {
    execFileSync(process.execPath, [script, 'cnv', 'width=16', 'activations=2', 'out.onnx'], { cwd: folder });
    expect(readFileSync(join(folder, 'out.onnx')).equals(cnv({ width: 16, activations: 2 }).model)).toBe(true);
    expect(() => execFileSync(process.execPath, [script, 'cmv', 'out.onnx'], { cwd: folder, stdio: 'pipe' })).toThrow(
      /usage: node make\.mjs cnv\|/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(Object.keys(networks)).toHaveLength(12);
});
