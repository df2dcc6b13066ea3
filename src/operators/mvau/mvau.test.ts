import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../test/helpers/expression.ts';
import { BINARY, BIPOLAR, type DataType, FLOAT32, int, TERNARY, uint } from '../../ir/datatype.ts';
import { constant, input, type Node, node, type Op } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { random } from '../../util/random.ts';
import { constantProductBits, digits, inputCode, productBits, weightCode } from '../encoding.ts';
import type { Layer, Lowering } from '../operator.ts';
import { accumulatorRange, accumulatorType, finnWeightType, weightType } from '../widths.ts';
import { mvau } from './index.ts';
import { type MvauAttrs, mvauOf } from './layer.ts';
import { planOf } from './plan.ts';
import { mvauDepth } from './rtl.ts';
import { sampleLayer } from './samples.ts';

const types = [BINARY, BIPOLAR, TERNARY, uint(2), uint(4), int(2), int(3), int(5)] as const;
const element = (type: DataType) =>
  type === BIPOLAR ? fc.constantFrom(-1, 1) : fc.integer({ min: type.min, max: type.max });

/** The value of a layer for one input. */
function run(layer: Layer<MvauAttrs>, x: Tensor): Tensor {
  const constants = layer.inputs.slice(1).map((v) => (v?.kind === 'constant' ? v.tensor : undefined));
  return mvau.evaluate([x, ...constants], layer.attrs, { origin: [], outputs: 1, types: layer.types })[0]!;
}

function randomInput(layer: Layer<MvauAttrs>, seed: string): Tensor {
  const rng = random(seed);
  const { dtype, shape } = layer.inputs[0]!.type;
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: size }, () =>
    dtype === BIPOLAR ? (rng.chance() ? 1 : -1) : rng.int(dtype.min, dtype.max),
  );
  return tensor(dtype, shape, data);
}

describe('encodings', () => {
  it('products are their bits and a correction that the input has no part in', () => {
    const pairs = fc
      .constantFrom(...types)
      .chain((x) =>
        fc
          .constantFrom(...types)
          .chain((w) =>
            fc.tuple(fc.constant(x), fc.array(element(w), { minLength: 1, maxLength: 6 }), element(x), fc.boolean()),
          ),
      );
    fc.assert(
      fc.property(pairs, ([type, weights, value, inLogic]) => {
        const code = inputCode(type);
        const w = weightCode(tensor(int(8), [weights.length, 1], weights), code.bits, inLogic);
        const u = (value - code.offset) / code.scale;
        const names = Array.from({ length: code.bits }, (_, k) => `u${k}`);
        const planes = Array.from({ length: w.bits }, (_, k) => `w${k}`);
        const bit = (text: string, weight: number): bigint => {
          const one = (of: bigint, k: number) => ({ value: (of >> BigInt(k)) & 1n, bits: 1 });
          const inputs = names.map((name, k) => [name, one(BigInt(u), k)] as const);
          const coded = planes.map((name, k) => [name, one(w.encode(weight), k)] as const);
          return evaluate(text, new Map([...inputs, ...coded])).value;
        };
        for (const weight of weights) {
          const bits = inLogic ? constantProductBits(weight, names) : productBits(w, names, planes);
          const total = bits.reduce((t, { expression, column }) => t + (bit(expression, weight) << BigInt(column)), 0n);
          expect(Number(total)).toBeLessThanOrEqual(w.most(weight));
          expect(code.scale * (Number(total) + w.correction(weight)) + code.offset * weight).toBe(weight * value + 0);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('signed digits make the number, no two beside each other', () => {
    fc.assert(
      fc.property(fc.integer({ min: -40000, max: 70000 }), (n) => {
        const list = digits(n);
        expect(list.reduce((t, { shift, sign }) => t + sign * 2 ** shift, 0)).toBe(n);
        expect(list.every((d, i) => i === 0 || d.shift - list[i - 1]!.shift >= 2)).toBe(true);
      }),
    );
  });
});

describe('widths', () => {
  it('ranges are exact', () => {
    const column = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(column, fc.constantFrom(BIPOLAR, TERNARY, uint(2), int(2)), (weights, type) => {
        const range = accumulatorRange(tensor(int(3), [weights.length, 1], weights), type);
        const values = [-2, -1, 0, 1, 2, 3].filter(
          (v) => v >= type.min && v <= type.max && (type !== BIPOLAR || v !== 0),
        );
        let sums = new Set([0]);
        for (const w of weights) sums = new Set([...sums].flatMap((s) => values.map((v) => s + w * v)));
        expect(range.min[0]).toBe(Math.min(...sums));
        expect(range.max[0]).toBe(Math.max(...sums));
      }),
    );
  });

  it('types carry FINN’s names', () => {
    expect(accumulatorType(0, 64).name).toBe('UINT7');
    expect(accumulatorType(-64, 63).name).toBe('INT7');
    expect(accumulatorType(-64, 64).name).toBe('INT8');
    const of = (...w: number[]) => tensor(int(8), [w.length, 1], w);
    expect(weightType(of(-1, 1)).name).toBe('BIPOLAR');
    expect(weightType(of(-1, 0, 1)).name).toBe('TERNARY');
    expect(weightType(of(0, 1)).name).toBe('BINARY');
    expect(weightType(of(-4, 3)).name).toBe('INT3');
    expect(finnWeightType(of(-1, 1)).name).toBe('INT2');
    expect(finnWeightType(of(-1, 0)).name).toBe('BIPOLAR');
    expect(finnWeightType(of(0, 5)).name).toBe('UINT3');
    expect(finnWeightType(of(-3, 3)).name).toBe('INT3');
  });
});

describe('MVAU', () => {
  for (const layer of mvau.samples()) {
    it(`${layer.origin[0]}: value, narrowing and the plan's ranges`, () => {
      const m = mvauOf(layer);
      const x = randomInput(layer, `in ${layer.origin[0]}`);
      const y = run(layer, x);
      expect(y.shape).toEqual(layer.types[0]!.shape);
      for (let i = 0; i < y.data.length; i += 1) {
        const j = i % m.mh;
        let sum = 0;
        for (let k = 0; k < m.mw; k += 1)
          sum += x.data[Math.floor(i / m.mh) * m.mw + k]! * m.weights.data[k * m.mh + j]!;
        let expected = sum;
        if (m.thresholds) {
          const [rows, steps] = m.thresholds.shape as [number, number];
          const row = rows === 1 ? 0 : j;
          const reached = m.thresholds.data.slice(row * steps, (row + 1) * steps).filter((t) => t <= sum).length;
          expected = m.scale * reached + m.bias;
        }
        expect(y.data[i]).toBe(expected);
      }
      const narrow = mvau.narrow!(layer);
      expect([...run(narrow, x).data]).toEqual([...y.data]);
      const [input_, output_] = mvau.streams(layer);
      expect([input_!.beats, output_!.beats]).toEqual([m.sf * m.vectors, m.nf * m.vectors]);
      const schedule = mvau.schedule(layer);
      if (schedule.kind === 'buffered') throw new Error('an MVAU is a pipeline');
      const { interval, takes, gives } = schedule;
      const count = (f: (port: number, t: number) => boolean) =>
        Array.from({ length: interval }, (_, t) => f(0, t)).filter(Boolean).length;
      expect([count(takes), count(gives)]).toEqual([input_!.beats, output_!.beats]);
    });
  }

  it('is built alike twice, and names everything after the layer', () => {
    const layer = mvau.samples()[1]!;
    const design = mvau.rtl(layer, { family: 'ice40' }, 'layer_7');
    expect(mvau.rtl(layer, { family: 'ice40' }, 'layer_7')).toEqual(design);
    const files = [...Object.keys(design.sources), ...Object.keys(design.memories)];
    expect(files.every((name) => name.startsWith('layer_7'))).toBe(true);
    const modules = Object.values(design.sources).flatMap((text) =>
      [...text.matchAll(/^module (\w+)/gm)].map((g) => g[1]!),
    );
    expect(modules).toContain('layer_7');
    expect(modules.every((name) => name.startsWith('layer_7'))).toBe(true);
  });

  it('has the same depth on every family', () => {
    for (const layer of mvau.samples()) {
      const m = mvauOf(layer);
      const fronts = (['ice40', 'ecp5', 'xc7', 'xcup'] as const).map((family) => planOf(m, { family }).front);
      expect(new Set(fronts).size).toBe(1);
      const depths = (['ice40', 'ecp5', 'xc7', 'xcup'] as const).map((family) => mvauDepth(m, { family }));
      expect(new Set(depths).size).toBe(1);
    }
  });

  it('refuses a folding that does not divide, with what would', () => {
    const sample = { name: 'bad', mw: 12, mh: 10, pe: 4, simd: 6, x: BIPOLAR, w: BIPOLAR } as const;
    expect(() => sampleLayer(mvau, sample)).toThrow('bad has 10 outputs; pe: 4 does not divide 10');
  });
});

describe('lowering', () => {
  const op = (name: string, shape: readonly number[], dtype: DataType): Op => ({
    name,
    domain: name === 'MatMul' ? '' : 'qonnx.custom_op.general',
    infer: () => [{ dtype, shape }],
    evaluate: () => [],
  });
  const lowering: Lowering = { options: { standaloneThresholds: false }, sole: () => true };
  const matmul = (x: DataType, w: Tensor): Node =>
    node(op('MatMul', [1, 3], int(32)), [input('x', { dtype: x, shape: [1, 2] }), constant(w)], {}, ['mm']);
  const weights = tensor(int(3), [2, 3], [1, -2, 3, 0, 1, -1]);

  it('takes MatMul with constant integer weights, and the thresholds behind it', () => {
    const lowered = mvau.lower!(matmul(uint(2), weights), lowering);
    if (!lowered || !('value' in lowered) || lowered.value.kind !== 'node') throw new Error('not lowered');
    expect(lowered.value.type).toEqual({ dtype: int(5), shape: [1, 3] });
    const thresholds = tensor(int(8), [3, 1], [0, 1, 2]);
    const attrs = { out_scale: 2, out_bias: -1, out_dtype: 'BIPOLAR' };
    const multi = node(op('MultiThreshold', [1, 3], BIPOLAR), [lowered.value, constant(thresholds)], attrs, ['mt']);
    const fused = mvau.lower!(multi, lowering);
    if (!fused || !('value' in fused) || fused.value.kind !== 'node') throw new Error('not fused');
    expect(fused.value.node.origin).toEqual(['mm', 'mt']);
    expect(fused.value.type.dtype).toBe(BIPOLAR);
    const layer = fused.value.node as unknown as Layer<MvauAttrs>;
    expect([...run(layer, tensor(uint(2), [1, 2], [1, 3])).data]).toEqual([1, 1, -1]);
    expect(mvau.lower!(multi, { ...lowering, options: { standaloneThresholds: true } })).toBeUndefined();
    expect(mvau.lower!(multi, { ...lowering, sole: () => false })).toBeUndefined();
  });

  it('says why not', () => {
    expect(mvau.lower!(matmul(FLOAT32, weights), lowering)).toEqual({
      refused: 'mm cannot become an MVAU: its input is FLOAT32, not integers',
    });
    const computed = node(
      op('MatMul', [1, 3], int(32)),
      [input('x', { dtype: uint(2), shape: [1, 2] }), input('w', { dtype: int(3), shape: [2, 3] })],
      {},
      ['mm'],
    );
    expect(mvau.lower!(computed, lowering)).toEqual({
      refused: 'mm cannot become an MVAU: its weights are computed, not constant',
    });
    const half = tensor(FLOAT32, [2, 3], [0.5, 1, 1, 1, 1, 1]);
    expect(mvau.lower!(matmul(uint(2), half), lowering)).toEqual({
      refused: 'mm cannot become an MVAU: its weights are not integers',
    });
  });
});
