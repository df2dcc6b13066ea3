import { describe, expect, it } from 'vitest';
import { int, uint } from '../../ir/datatype.ts';
import { input, type Node, type NodeValue, type Op, type Value } from '../../ir/graph.ts';
import { pooling } from '../../onnx/ops/pooling.ts';
import { layerOf } from '../layer.ts';
import type { Layer, Lowering } from '../operator.ts';
import { streamingMaxPool } from './index.ts';
import { type MaxPoolAttrs, pixelsToDivide, unfitPixels } from './sizes.ts';

const alone: Lowering = { options: { standaloneThresholds: false }, sole: () => true };
const pool = pooling.find((op) => op.name === 'MaxPoolNHWC') as Op;
const x = input('x', { dtype: int(4), shape: [1, 6, 7, 2] });
const nodeOf = (attrs: Record<string, unknown>, of: Value = x): Node => ({
  op: pool,
  inputs: [of],
  attrs,
  types: pool.infer([of], attrs, { origin: ['pool'], outputs: 1 }),
  origin: ['pool'],
});
const layer = (attrs: Partial<MaxPoolAttrs>, of: Value = x): Layer<MaxPoolAttrs> =>
  layerOf<MaxPoolAttrs>(streamingMaxPool, [of], { kernel: [2, 2], pe: 1, pixels: 1, memory: 'auto', ...attrs }, ['p']);

describe('lower', () => {
  const refusal = (attrs: Record<string, unknown>) =>
    (streamingMaxPool.lower!(nodeOf(attrs), alone) as { refused: string }).refused;
  it('takes windows side by side, what is left over dropped', () => {
    const lowered = streamingMaxPool.lower!(nodeOf({ kernel_shape: [2, 3], strides: [2, 3] }), alone);
    const { node } = (lowered as { value: NodeValue }).value;
    expect(node.op).toBe(streamingMaxPool);
    expect(node.attrs).toMatchObject({ kernel: [2, 3], pe: 1 });
    expect(node.types[0]).toEqual({ dtype: int(4), shape: [1, 3, 2, 2] });
  });
  it('says why it cannot', () => {
    expect(refusal({ kernel_shape: [2, 2] })).toMatch(/pool cannot .* windows overlap.*strides \[1,1\]/);
    expect(refusal({ kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] })).toMatch(
      /padding .*pads \[1,1,1,1\]/,
    );
    expect(refusal({ kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 })).toMatch(/beyond the image, 6×7 to 3×4/);
  });
});

describe('several pixels in a beat', () => {
  it('hold whole windows or parts of one', () => {
    expect(unfitPixels(4, 12, 2)).toBeUndefined();
    expect(unfitPixels(2, 12, 4)).toBeUndefined();
    expect(unfitPixels(3, 12, 2)).toMatch('multiple or a divisor of the window’s 2'.replace('’', "'"));
    expect(unfitPixels(8, 12, 2)).toMatch('divide the 12 columns');
    for (const [columns, kernel] of [
      [24, 2],
      [36, 3],
      [24, 4],
      [10, 3],
      [7, 1],
    ] as const) {
      const whole = pixelsToDivide(columns, kernel);
      for (let n = 1; n <= whole; n += 1) if (whole % n === 0) expect(unfitPixels(n, columns, kernel)).toBeUndefined();
    }
    expect(pixelsToDivide(24, 2)).toBe(8);
  });
  it('need all channels', () => {
    const wide = input('x', { dtype: uint(4), shape: [1, 4, 8, 6] });
    expect(() => layer({ pixels: 4, pe: 3 }, wide)).toThrow('pixels is 4, pe 3 of 6 channels');
    expect(
      streamingMaxPool.streams(layer({ pixels: 4, pe: 6 }, wide)).map(({ lanes, beats }) => [lanes, beats]),
    ).toEqual([
      [24, 8],
      [12, 4],
    ]);
  });
});

it('takes a beat in every cycle', () => {
  const { interval, takes } = streamingMaxPool.schedule(layer({ pe: 2 })) as {
    interval: number;
    takes: (p: number, t: number) => boolean;
  };
  expect(interval).toBe(42);
  expect(Array.from({ length: interval }, (_, t) => takes(0, t))).not.toContain(false);
});
