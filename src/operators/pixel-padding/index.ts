import { counterCost } from '../../hdl/counters.ts';
import { BIPOLAR, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { typeWith } from '../border.ts';
import { illegal, imageInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { PixelPaddingAttrs } from './attrs.ts';
import { lowerInsertPixels } from './lower.ts';
import { pixelPaddingRtl } from './rtl.ts';
import { positionsOf } from './sizes.ts';

export type { PixelPaddingAttrs };

const name = 'FMPadding_Pixel';

export const pixelPadding: Operator<PixelPaddingAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'An image N×H×W×C with pixels of zeros between its own, as a transposed convolution needs it.',
  fields: { simd: { doc: 'channels in one cycle', type: 'integer', finn: 'SIMD' } },
  infer([x], { strides, simd }, context) {
    const { dtype, shape } = imageInput(name, context, x);
    if (strides.length !== 2 || !strides.every((n) => Number.isInteger(n) && n >= 1))
      illegal('layer/attribute', name, context, `strides are [${strides.join(', ')}]`, 'use two positive integers');
    const [n, h, w, c] = shape as [number, number, number, number];
    mustDivide(name, context, 'simd', simd, c, 'channels');
    return [{ dtype: typeWith(dtype, 0), shape: [n, (h - 1) * strides[0] + 1, (w - 1) * strides[1] + 1, c] }];
  },
  evaluate([x], { strides }, { types }) {
    const { dtype, shape } = types[0]!;
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const [, rows, columns] = shape as [number, number, number, number];
    const out = allocate(dtype, sizeOf(shape));
    for (let n = 0; n < batch; n += 1)
      for (let y = 0; y < height; y += 1)
        for (let i = 0; i < width; i += 1) {
          const from = ((n * height + y) * width + i) * channels;
          const to = ((n * rows + y * strides[0]) * columns + i * strides[1]) * channels;
          out.set(x!.data.subarray(from, from + channels), to);
        }
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerInsertPixels(pixelPadding, node),
  parallel: ({ types }) => ({ simd: types[0]!.shape[3]! }),
  streams: ({ inputs: [x], attrs, types }) => [
    streamPort('s_axis_0', 'in', x!.type, attrs.simd),
    streamPort('m_axis_0', 'out', types[0]!, attrs.simd),
  ],
  cycles: ({ attrs, types }) => sizeOf(types[0]!.shape) / attrs.simd,
  schedule(layer) {
    const { takes, beats } = positionsOf(layer);
    return {
      interval: pixelPadding.cycles(layer),
      period: beats,
      takes: (_, t) => takes(t % beats),
      gives: () => true,
      depth: 1,
    };
  },
  resources(layer) {
    const { lut, ff } = counterCost(positionsOf(layer).nest);
    return { lut: lut + 8, ff: ff + pixelPadding.streams(layer)[1]!.width + 1, bram: 0, dsp: 0 };
  },
  rtl: (layer, _device, top) => pixelPaddingRtl(layer, positionsOf(layer), top, pixelPadding.streams(layer)),
  finn: ({ inputs: [x], attrs }) => ({
    opType: 'FMPadding_Pixel_hls',
    attributes: {
      ImgDim: `[${x!.type.shape[1]}, ${x!.type.shape[2]}]`,
      Stride: `[${attrs.strides.join(', ')}]`,
      NumChannels: x!.type.shape[3]!,
      SIMD: attrs.simd,
      inputDataType: x!.type.dtype.name,
    },
  }),
  samples,
};

function samples(): Layer<PixelPaddingAttrs>[] {
  const sample = (
    shape: readonly number[],
    dtype: DataType,
    strides: readonly [number, number],
    simd: number,
  ): Layer<PixelPaddingAttrs> => layerOf(pixelPadding, [input('x', { dtype, shape })], { strides, simd }, ['sample']);
  return [
    sample([1, 3, 4, 4], int(4), [2, 2], 2),
    sample([1, 5, 7, 6], uint(3), [3, 2], 6),
    sample([1, 6, 1, 4], int(8), [4, 1], 1),
    sample([1, 2, 3, 2], BIPOLAR, [1, 2], 1),
    sample([1, 1, 4, 3], uint(2), [2, 3], 3),
    sample([1, 20, 20, 16], int(4), [2, 2], 8),
    sample([1, 1, 1, 2], int(3), [2, 2], 1),
    sample([1, 2, 2, 2], int(3), [1, 1], 2),
  ];
}
