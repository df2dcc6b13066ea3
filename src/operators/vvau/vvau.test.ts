import { describe, expect, it } from 'vitest';
import { FLOAT32, int, uint } from '../../ir/datatype.ts';
import { constant, input, type NodeValue, node, type Op, output, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { MultiThreshold } from '../../onnx/ops/multi-threshold.ts';
import { DepthwiseMatMul } from '../../onnx/ops/windows.ts';
import type { Lowering } from '../operator.ts';
import { vvau } from './index.ts';
import { type VvauAttrs, vvauOf } from './layer.ts';
import { sampleLayer } from './samples.ts';

const alone: Lowering = { options: { standaloneThresholds: false }, sole: () => true };
const made = (op: Op, inputs: Value[], attrs: Record<string, unknown>): NodeValue =>
  output(node(op, inputs, attrs, [op.name]));
const lowered = (value: NodeValue, lowering = alone) => vvau.lower!(value.node, lowering);
const x = input('x', { dtype: uint(2), shape: [1, 2, 1, 6] });
const weights = constant(tensor(int(8), [3, 2], [1, -2, 0, 3, 2, -1]));
const product = made(DepthwiseMatMul, [x, weights], {});

describe('lower', () => {
  it('takes products of windows, and the thresholds behind them', () => {
    const { value: sums } = lowered(product) as { value: NodeValue };
    expect(sums.node.op).toBe(vvau);
    expect(sums.type.shape).toEqual([1, 2, 1, 2]);
    const steps = constant(tensor(int(8), [2, 3], [1, 2, 5, -3, 0, 3]));
    const attrs = { data_layout: 'NHWC', out_dtype: 'INT2', out_bias: -2 };
    const threshold = made(MultiThreshold, [sums, steps], attrs);
    const { value } = lowered(threshold) as { value: NodeValue };
    expect(value.node.attrs).toMatchObject({ bias: -2, scale: 1, output: 'INT2' });
    expect(value.node.origin).toEqual(['DepthwiseMatMul', 'MultiThreshold']);
    const given = tensor(uint(2), [1, 2, 1, 6], [3, 1, 0, 2, 1, 3, 0, 0, 1, 3, 2, 2]);
    const context = { origin: [], outputs: 1 };
    const [products] = DepthwiseMatMul.evaluate([given, weights.tensor], {}, { ...context, types: product.node.types });
    const [due] = MultiThreshold.evaluate([products, steps.tensor], attrs, { ...context, types: threshold.node.types });
    const constants = [weights.tensor, steps.tensor];
    const [ours] = vvau.evaluate([given, ...constants], value.node.attrs as VvauAttrs, {
      ...context,
      types: value.node.types,
    });
    expect([...ours!.data]).toEqual([...due!.data]);
    expect(lowered(threshold, { ...alone, sole: () => false })).toBeUndefined();
    expect(lowered(threshold, { ...alone, options: { standaloneThresholds: true } })).toBeUndefined();
  });
  it('says why it cannot', () => {
    const real = input('x', { dtype: FLOAT32, shape: [1, 2, 1, 6] });
    expect(lowered(made(DepthwiseMatMul, [real, weights], {}))).toMatchObject({
      refused: 'DepthwiseMatMul cannot become a VVAU: its input is FLOAT32, not integers',
    });
    const computed = input('w', { dtype: int(4), shape: [3, 2] });
    expect(lowered(made(DepthwiseMatMul, [x, computed], {}))).toMatchObject({ refused: /computed, not constant/ });
  });
});

const layer = sampleLayer(vvau, {
  ...{
    name: 'depthwise',
    channels: 6,
    positions: 9,
    pe: 3,
    simd: 9,
    x: uint(4),
    w: int(8),
    out: uint(4),
    image: [4, 5],
  },
});

it('asks for windows in groups of its PE', () => {
  expect(vvau.demands!(layer)).toEqual({ simd: 3, parallelWindow: 1 });
  expect(vvau.streams(layer)[0]).toMatchObject({ lanes: 27, interleave: { positions: 9, group: 3 }, beats: 40 });
  expect(vvau.cycles(layer)).toBe(40);
});

it('names the legal foldings', () => {
  const fold = (attrs: Partial<VvauAttrs>) => () => node(vvau, layer.inputs, { ...layer.attrs, ...attrs }, ['conv2']);
  expect(fold({ pe: 4 })).toThrow('layer/folding: conv2 (VVAU): pe 4 does not divide its 6 channels');
  expect(fold({ simd: 2 })).toThrow('simd 2 does not divide its 9 positions of a window');
});

it('narrow keeps the function', () => {
  const small = vvau.narrow!(layer);
  expect(vvauOf(small).weights.dtype.bits).toBeLessThanOrEqual(8);
  const values = Array.from({ length: 4 * 5 * 54 }, (_, i) => (i * 7919) % 16);
  const given = tensor(uint(4), [1, 4, 5, 54], values);
  const run = (of: typeof layer) =>
    vvau.evaluate(
      [given, ...of.inputs.slice(1).map((c) => (c?.kind === 'constant' ? c.tensor : undefined))],
      of.attrs,
      {
        ...{ origin: [], outputs: 1, types: of.types },
      },
    )[0]!.data;
  expect([...run(small)]).toEqual([...run(layer)]);
});

it('counts multiplications and parameters as FINN does', () => {
  expect(vvau.counts!(layer)).toEqual({ op_mac_4bx8b: 9 * 6 * 20, param_weight_8b: 54, param_threshold_14b: 6 });
});
