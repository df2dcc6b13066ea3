import { BIPOLAR, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { layerOf } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { SlidingWindowAttrs } from './sizes.ts';

const usual: SlidingWindowAttrs = {
  ...{ kernel: [3, 3], stride: [1, 1], dilation: [1, 1], depthwise: 0 },
  ...{ simd: 1, parallelWindow: 0, pixels: 1, memory: 'auto' },
};

/** A window generator over x[1, height, width, channels]. */
export const windowLayer = (
  op: Operator<SlidingWindowAttrs>,
  dtype: DataType,
  [height, width, channels]: readonly [number, number, number],
  attrs: Partial<SlidingWindowAttrs>,
): Layer<SlidingWindowAttrs> =>
  layerOf(op, [input('x', { dtype, shape: [1, height, width, channels] })], { ...usual, ...attrs }, ['sample']);

export function samplesOf(op: Operator<SlidingWindowAttrs>): Layer<SlidingWindowAttrs>[] {
  const sample = (dtype: DataType, image: readonly [number, number, number], attrs: Partial<SlidingWindowAttrs>) =>
    windowLayer(op, dtype, image, attrs);
  return [
    sample(int(3), [5, 4, 2], {}),
    sample(uint(4), [6, 5, 4], { simd: 2 }),
    sample(int(2), [5, 7, 1], { kernel: [1, 1], stride: [2, 2] }),
    sample(uint(2), [7, 8, 3], { simd: 3, kernel: [2, 3], stride: [2, 2] }),
    sample(int(4), [7, 6, 2], { simd: 2, dilation: [2, 1], stride: [1, 2], memory: 'block' }),
    sample(BIPOLAR, [12, 1, 4], { simd: 2, kernel: [5, 1] }),
    sample(int(5), [1, 11, 2], { kernel: [1, 3], dilation: [1, 2], stride: [1, 3] }),
    sample(int(3), [5, 5, 4], { depthwise: 1 }),
    sample(uint(3), [6, 4, 4], { depthwise: 1, simd: 2, stride: [2, 1], memory: 'lut' }),
    sample(int(4), [4, 6, 2], { depthwise: 1, simd: 2, kernel: [2, 2], stride: [2, 2], memory: 'block' }),
    sample(uint(8), [3, 3, 4], { simd: 2 }),
    sample(uint(4), [3, 4, 6], { depthwise: 1, simd: 2, kernel: [3, 4] }),
    sample(int(8), [12, 12, 4], { simd: 4 }),
    sample(uint(2), [14, 10, 6], { depthwise: 1, simd: 3, memory: 'block' }),
    sample(int(3), [6, 5, 2], { simd: 2, parallelWindow: 1 }),
    sample(uint(2), [8, 7, 3], { simd: 3, parallelWindow: 1, kernel: [3, 2], stride: [2, 2], dilation: [1, 2] }),
    sample(uint(3), [7, 8, 4], { depthwise: 1, simd: 2, parallelWindow: 1, memory: 'block' }),
    sample(int(4), [5, 6, 6], { depthwise: 1, simd: 1, parallelWindow: 1, kernel: [2, 3], stride: [1, 2] }),
    sample(BIPOLAR, [20, 1, 4], { simd: 4, parallelWindow: 1, kernel: [5, 1], stride: [2, 1] }),
    sample(uint(2), [4, 3, 2], { simd: 2, parallelWindow: 1, kernel: [4, 3] }),
    sample(int(2), [5, 5, 1], { parallelWindow: 1, kernel: [1, 1], stride: [2, 2] }),
    sample(int(3), [6, 8, 2], { simd: 2, parallelWindow: 1, pixels: 2 }),
    sample(uint(2), [9, 12, 1], { parallelWindow: 1, kernel: [3, 5], stride: [2, 1], pixels: 4, memory: 'block' }),
    sample(int(2), [24, 1, 2], { simd: 2, parallelWindow: 1, kernel: [3, 1], dilation: [2, 1], pixels: 4 }),
    sample(uint(3), [5, 8, 3], { depthwise: 1, simd: 3, parallelWindow: 1, kernel: [2, 3], pixels: 2 }),
  ];
}
