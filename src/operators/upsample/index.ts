import { counterCost } from '../../hdl/counters.ts';
import {
  blocksOf,
  flipFlopsOfMemory,
  lutsOfMemory,
  type Memory,
  memoryFor,
  refusedPlacement,
} from '../../hdl/stream-memory.ts';
import { BIPOLAR, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { log2Ceil } from '../../util/maths.ts';
import { illegal, imageInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Device, Layer, Operator } from '../operator.ts';
import type { UpsampleAttrs } from './attrs.ts';
import { lowerResize } from './lower.ts';
import { repeatRtl, rowBufferRtl } from './rtl.ts';
import { nestOf, sizesOf, sourceOf } from './sizes.ts';

export type { UpsampleAttrs };

const name = 'UpsampleNearestNeighbour';

const memoryOf = (layer: Layer<UpsampleAttrs>, device: Device): Memory =>
  memoryFor(device, sizesOf(layer).kept, layer.attrs.simd * layer.types[0]!.dtype.bits, layer.attrs.memory);

export const upsample: Operator<UpsampleAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'An image N×H×W×C with each pixel repeated in both directions. While a row goes out for the last time, the next one takes its place.',
  fields: {
    simd: { doc: 'channels in one cycle', type: 'integer', finn: 'SIMD' },
    memory: {
      doc: 'where the row that is repeated lies',
      type: 'choice',
      choices: ['auto', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer([x], { scales, simd }, context) {
    const { dtype, shape } = imageInput(name, context, x);
    if (scales.length !== 2 || !scales.every((n) => Number.isInteger(n) && n >= 1))
      illegal('layer/attribute', name, context, `scales are [${scales.join(', ')}]`, 'use two positive integers');
    const [n, h, w, c] = shape as [number, number, number, number];
    mustDivide(name, context, 'simd', simd, c, 'channels');
    return [{ dtype, shape: [n, h * scales[0], w * scales[1], c] }];
  },
  evaluate([x], { scales }, { types }) {
    const { dtype, shape } = types[0]!;
    const [, height, width, channels] = x!.shape as [number, number, number, number];
    const [batch, rows, columns] = shape as [number, number, number, number];
    const out = allocate(dtype, sizeOf(shape));
    let to = 0;
    for (let n = 0; n < batch; n += 1)
      for (let y = 0; y < rows; y += 1)
        for (let i = 0; i < columns; i += 1, to += channels) {
          const row = n * height + Math.floor(y / scales[0]);
          const from = (row * width + Math.floor(i / scales[1])) * channels;
          out.set(x!.data.subarray(from, from + channels), to);
        }
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerResize(upsample, node),
  parallel: ({ types }) => ({ simd: types[0]!.shape[3]! }),
  streams: ({ inputs: [x], attrs, types }) => [
    streamPort('s_axis_0', 'in', x!.type, attrs.simd),
    streamPort('m_axis_0', 'out', types[0]!, attrs.simd),
  ],
  cycles: ({ attrs, types }) => sizeOf(types[0]!.shape) / attrs.simd,
  schedule(layer) {
    const s = sizesOf(layer);
    const [from, to] = upsample.streams(layer);
    if (s.kept === 1) {
      return {
        interval: to!.beats,
        period: s.across,
        takes: (_, t) => t % s.across === 0,
        gives: () => true,
        depth: 1,
      };
    }
    return {
      kind: 'buffered',
      inputs: from!.beats,
      outputs: to!.beats,
      needs: (j) => sourceOf(s, j).beat + 1,
      keeps: (j) => sourceOf(s, j).first,
      capacity: s.kept,
      depth: 1,
    };
  },
  resources(layer, device) {
    const s = sizesOf(layer);
    const { lut, ff } = counterCost(nestOf(s).nest);
    const width = upsample.streams(layer)[1]!.width;
    if (s.kept === 1) return { lut: lut + 4, ff: ff + width + 1, bram: 0, dsp: 0 };
    // The write address, and two counters that go up and down.
    const bits = log2Ceil(s.kept);
    const memory = memoryOf(layer, device);
    return {
      lut: lut + 8 * bits + 14 + lutsOfMemory(device.family, memory),
      ff: ff + 4 * bits + 5 + flipFlopsOfMemory(memory),
      ...blocksOf(device.family, [memory]),
    };
  },
  refuse: ({ attrs }, { family }) => refusedPlacement(attrs.memory, family),
  rtl(layer, device, top) {
    const s = sizesOf(layer);
    const streams = upsample.streams(layer);
    return s.kept === 1 ? repeatRtl(s, top, streams) : rowBufferRtl(s, memoryOf(layer, device), top, streams);
  },
  finn: ({ inputs: [x], attrs, types }) => ({
    opType: 'UpsampleNearestNeighbour_hls',
    attributes: {
      HI: x!.type.shape[1]!,
      WI: x!.type.shape[2]!,
      HO: types[0]!.shape[1]!,
      WO: types[0]!.shape[2]!,
      NumChannels: x!.type.shape[3]!,
      SIMD: attrs.simd,
      inputDataType: x!.type.dtype.name,
    },
  }),
  samples,
};

function samples(): Layer<UpsampleAttrs>[] {
  const sample = (
    shape: readonly number[],
    dtype: DataType,
    scales: readonly [number, number],
    simd: number,
    memory: UpsampleAttrs['memory'] = 'auto',
  ): Layer<UpsampleAttrs> => layerOf(upsample, [input('x', { dtype, shape })], { scales, simd, memory }, ['sample']);
  return [
    sample([1, 3, 4, 4], int(4), [2, 2], 2),
    sample([1, 3, 4, 4], int(4), [2, 2], 4),
    sample([1, 2, 3, 6], uint(3), [3, 1], 2),
    sample([1, 3, 2, 6], BIPOLAR, [1, 3], 2),
    sample([1, 7, 1, 4], int(8), [2, 1], 4),
    sample([1, 5, 1, 4], int(3), [3, 1], 2),
    sample([1, 2, 2, 1], uint(2), [2, 3], 1),
    sample([1, 4, 33, 8], int(4), [2, 2], 8, 'block'),
    sample([1, 1, 2, 2], int(3), [4, 2], 1),
    sample([1, 2, 3, 3], int(3), [1, 1], 1),
  ];
}
