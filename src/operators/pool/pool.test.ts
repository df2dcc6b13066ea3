import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { int, uint } from '../../ir/datatype.ts';
import { constant, input, type NodeValue, node, type Op, output, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { MultiThreshold } from '../../onnx/ops/multi-threshold.ts';
import { WindowMax, WindowSum } from '../../onnx/ops/windows.ts';
import { layerOf } from '../layer.ts';
import type { Lowering } from '../operator.ts';
import { pool } from './index.ts';
import { uniformSteps } from './lower.ts';
import { type PoolAttrs, reductionOf } from './sizes.ts';

const alone: Lowering = { options: { standaloneThresholds: false }, sole: () => true };
const x = input('x', { dtype: uint(4), shape: [1, 2, 2, 4 * 3] });
const made = (op: Op, inputs: Value[], attrs: Record<string, unknown>): NodeValue =>
  output(node(op, inputs, attrs, [op.name]));
const lowered = (value: NodeValue, lowering = alone) => pool.lower!(value.node, lowering);
const takenAs = (value: NodeValue, lowering = alone) => (lowered(value, lowering) as { value: NodeValue }).value;

describe('lower', () => {
  it('takes the greatest and the sum of windows', () => {
    const max = takenAs(made(WindowMax, [x], { channels: 3 }));
    expect([max.node.op, max.node.attrs, max.type]).toMatchObject([
      pool,
      { function: 'max', channels: 3 },
      { dtype: uint(4), shape: [1, 2, 2, 3] },
    ]);
    expect(takenAs(made(WindowSum, [x], { channels: 3 })).type.dtype).toBe(uint(6));
  });

  const thresholds = (rows: number[][]) => constant(tensor(int(16), [rows.length, rows[0]!.length], rows.flat()));
  const averaged = (rows: number[][], attrs: Record<string, unknown> = {}) => {
    const sums = takenAs(made(WindowSum, [x], { channels: 3 }));
    return made(MultiThreshold, [sums, thresholds(rows)], { data_layout: 'NHWC', out_dtype: 'UINT2', ...attrs });
  };
  it('fuses steps that are a power of two apart, the same in all channels, and rounds as they do', () => {
    for (const [first, step, bias, dtype] of [
      [4, 4, 0, 'UINT2'],
      [2, 4, 0, 'UINT2'],
      [-3, 8, -2, 'INT2'],
      [1, 1, 0, 'UINT4'],
    ] as const) {
      const rows = [[first, first + step, first + 2 * step]];
      const threshold = averaged(rows, { out_bias: bias, out_dtype: dtype });
      const average = takenAs(threshold);
      expect(average.node.op).toBe(pool);
      for (let sum = 0; sum <= 60; sum += 1) {
        const window = Array.from({ length: 12 }, (_, i) => Math.min(15, Math.max(0, sum - 15 * Math.floor(i / 3))));
        const given = tensor(uint(4), [1, 2, 2, 12], Array.from({ length: 4 }, () => window).flat());
        const sums = tensor(uint(6), [1, 2, 2, 3], new Array<number>(12).fill(sum));
        const context = { origin: [], outputs: 1 };
        const [ours] = pool.evaluate([given], average.node.attrs as PoolAttrs, {
          ...context,
          types: average.node.types,
        });
        const [due] = MultiThreshold.evaluate([sums, thresholds(rows).tensor], threshold.node.attrs, {
          ...context,
          types: threshold.node.types,
        });
        expect([...ours!.data]).toEqual([...due!.data]);
      }
    }
  });
  it('leaves other thresholds alone', () => {
    expect(lowered(averaged([[4, 8, 13]]))).toBeUndefined();
    expect(lowered(averaged([[3, 6, 9]]))).toBeUndefined();
    expect(
      lowered(
        averaged([
          [4, 8, 12],
          [4, 8, 12],
          [5, 9, 13],
        ]),
      ),
    ).toBeUndefined();
    expect(lowered(averaged([[4, 8, 12]]), { ...alone, sole: () => false })).toBeUndefined();
    expect(lowered(averaged([[4, 8, 12]], { out_scale: 2, out_dtype: 'UINT4' }))).toBeUndefined();
  });
  it('finds uniform steps in halves', () => {
    expect(uniformSteps(tensor(int(8), [1, 3], [1.5, 3.5, 5.5]))).toEqual({ first: 2, shift: 1, count: 3 });
    expect(uniformSteps(tensor(int(8), [1, 1], [4]))).toBeUndefined();
  });
});

it('asks for windows in groups of its PE', () => {
  const layer = layerOf<PoolAttrs>(pool, [x], { function: 'max', channels: 3, pe: 3, simd: 2 }, ['p']);
  expect(pool.demands!(layer)).toEqual({ simd: 3, parallelWindow: 1 });
  expect(pool.streams(layer)[0]).toMatchObject({ lanes: 6, interleave: { positions: 4, group: 3 }, beats: 8 });
  expect(pool.cycles(layer)).toBe(8);
});

it('sums are as wide as their range', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 40 }), (bits, positions) => {
      const wide = input('x', { dtype: int(bits + 1), shape: [1, 1, 1, positions] });
      const layer = layerOf<PoolAttrs>(pool, [wide], { function: 'sum', channels: 1, pe: 1, simd: 1 }, ['p']);
      expect(reductionOf(layer).bits).toBe(layer.types[0]!.dtype.bits);
    }),
  );
});
