import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/ir/check.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { readModel } from '../../src/onnx/import.ts';
import { limits } from '../../src/onnx/ops/quant.ts';
import { insertFifos, matchWidths, narrow, sizeFifos } from '../../src/passes/fold/connect.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { split } from '../../src/passes/streamline/walk.ts';
import { verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { frameOf, readVectors } from '../../src/steps/verify/vectors.ts';
import {
  type ElementwiseSpec,
  type LayerSpec,
  type MlpSpec,
  type QuantSpec,
  qcdqMlp,
  qonnxMlp,
} from '../helpers/mlp.ts';
import { fed, run } from '../helpers/networks.ts';
import { model } from '../helpers/onnx-builder.ts';
import { foldedAtRandom } from '../helpers/random-folding.ts';

const scale = fc.constantFrom(0.125, 0.25, 0.5, 1, 2, 0.1, 0.37, 0.013, 1.7);
const real = fc.integer({ min: -40, max: 40 }).map((n) => n / 8);
const rounding = fc.constantFrom('ROUND', 'CEIL', 'FLOOR', 'UP', 'DOWN', 'HALF_UP', 'HALF_DOWN');

const uniformQuant = (bits: number, zero: fc.Arbitrary<number>): fc.Arbitrary<QuantSpec> =>
  fc
    .record({
      bits: fc.integer({ min: 1, max: bits }),
      signed: fc.boolean(),
      narrow: fc.boolean(),
      scale,
      zero,
      rounding,
    })
    .map((q) => ({
      ...q,
      narrow: q.narrow && q.bits > 1,
    }));
const bipolar: fc.Arbitrary<QuantSpec> = scale.map((s) => ({ bits: 1, signed: true, bipolar: true, scale: s }));

const activation: fc.Arbitrary<readonly ElementwiseSpec[]> = fc.oneof(
  fc.constant([]),
  fc.constantFrom('Relu', 'Sigmoid', 'Tanh', 'Selu', 'HardTanh', 'Softplus').map((op) => [{ op }]),
  fc.constant([{ op: 'LeakyRelu', attributes: { alpha: 0.25 } }]),
  fc.constant([{ op: 'Clip', inputs: [-1.5, 2] }]),
);

const vector = (n: number, of: fc.Arbitrary<number> = real): fc.Arbitrary<number[]> =>
  fc.array(of, { minLength: n, maxLength: n });

const affine = (n: number): fc.Arbitrary<readonly ElementwiseSpec[]> =>
  fc.oneof(
    fc.constant([]),
    vector(n).map((b) => [{ op: 'Add', inputs: [b] }]),
    fc.tuple(real, real).map(([a, b]) => [
      { op: 'Mul', inputs: [a] },
      { op: 'Sub', inputs: [b], swapped: true },
    ]),
    fc
      .tuple(vector(n), vector(n), vector(n), vector(n, scale))
      .map(([gamma, beta, mean, variance]) => [
        { op: 'BatchNormalization', inputs: [gamma, beta, mean, variance], attributes: { epsilon: 0.00001 } },
      ]),
  );

/** Integers of a matrix that the quantiser leaves as they are. */
function weightsFor(q: QuantSpec, rows: number, columns: number): fc.Arbitrary<number[][]> {
  const { min, max } = limits(q.bits, q.signed, q.narrow ?? false);
  const one = q.bits === 1 && q.signed ? fc.constantFrom(-1, 1) : fc.integer({ min, max });
  return fc.array(vector(columns, one), { minLength: rows, maxLength: rows });
}

const layer = (rows: number, columns: number, isLast: boolean): fc.Arbitrary<LayerSpec> =>
  fc
    .tuple(
      fc.oneof(bipolar, uniformQuant(8, fc.constant(0))),
      fc.boolean(),
      vector(columns, scale),
      affine(columns),
      activation,
      fc.oneof(bipolar, uniformQuant(4, fc.constantFrom(0, 0, 1, -2))),
      fc.boolean(),
    )
    .chain(([weight, each, scales, chain, act, quant, ends]) =>
      weightsFor(weight, rows, columns).map((weights) => ({
        weights,
        weight: { ...weight, rounding: 'ROUND', ...(each && { scale: scales }) },
        chain: [...chain, ...act],
        quant: isLast && ends ? undefined : quant,
      })),
    );

const spec: fc.Arbitrary<MlpSpec> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('BIPOLAR', 'BINARY', 'TERNARY', 'INT2', 'UINT4', 'INT8', 'UINT8'),
      uniformQuant(5, fc.constantFrom(0, 1)),
    ),
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }),
  )
  .chain(([input, widths]) =>
    fc
      .tuple(...widths.slice(1).map((n, i) => layer(widths[i]!, n, i === widths.length - 2)))
      .map((layers) => ({ inputs: widths[0]!, input, layers })),
  );

function holds(network: Graph, seed: number): void {
  check(network);
  const parts = split(network);
  for (const [name, graph] of Object.entries({ before: parts.before, core: parts.core, behind: parts.behind }))
    if (graph) check(graph, `split: ${name}`);
  const vectors = readVectors(network, {});
  verifyStreamline(network, parts, vectors, true);
  const frames = [0, 1, 2, 3, 4, 5].map((i) => fed(parts, frameOf(vectors.inputs, i, network.inputs[0]!.type.shape)));
  const right = frames.map((x) => run(parts.core, x).data);
  const { graph: layers, diagnostics } = toLayers(parts.core, { standaloneThresholds: seed % 2 === 1 });
  expect(diagnostics).toEqual([]);
  const folded = foldedAtRandom(layers, seed);
  const narrowed = narrow(folded);
  const matched = matchWidths(narrowed);
  const connected = insertFifos(matched, sizeFifos(matched).depths);
  for (const [pass, graph] of Object.entries({ layers, folded, narrowed, matched, connected })) {
    check(graph, pass);
    frames.forEach((x, i) => {
      expect({ pass, y: [...run(graph, x).data] }).toEqual({ pass, y: [...right[i]!] });
    });
  }
}

describe('random perceptrons', () => {
  it('in QONNX keep their function through every pass', () => {
    fc.assert(
      fc.property(spec, fc.nat(1e6), (one, seed) => holds(readModel(model(qonnxMlp(one))), seed)),
      { numRuns: 120, seed: 1 },
    );
  });

  it('in QCDQ keep their function through every pass', () => {
    fc.assert(
      fc.property(spec, fc.nat(1e6), (one, seed) => {
        const written = qcdqMlp(one);
        fc.pre(written !== undefined);
        holds(readModel(model(written)), seed);
      }),
      { numRuns: 60, seed: 2 },
    );
  });
});
