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
import { sizeOf } from '../../ir/tensor.ts';
import { DepthToSpace } from '../../onnx/ops/windows.ts';
import { log2Ceil, sum } from '../../util/maths.ts';
import { illegal, imageInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Device, Layer, Operator } from '../operator.ts';
import type { DepthToSpaceAttrs } from './attrs.ts';
import { lowerDepthToSpace } from './lower.ts';
import { nestsOf, passRtl, queuesRtl } from './rtl.ts';
import { inOrder, limitOf, placesOf, sizesOf, sourceOf } from './sizes.ts';

export type { DepthToSpaceAttrs };

const name = 'DepthToSpace';

const memoryOf = (layer: Layer<DepthToSpaceAttrs>, device: Device): Memory =>
  memoryFor(device, sum(placesOf(sizesOf(layer))), layer.attrs.simd * layer.types[0]!.dtype.bits, layer.attrs.memory);

export const depthToSpace: Operator<DepthToSpaceAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Channels to pixels, N×H×W×(b·b·C) → N×(b·H)×(b·W)×C; of the channels the block’s row is slowest, then its column. Each of the b rows waits in a queue of its own, as deep as a full pipeline needs.',
  fields: {
    simd: { doc: 'channels of the output in one cycle', type: 'integer', finn: 'SIMD' },
    memory: {
      doc: 'where the rows wait',
      type: 'choice',
      choices: ['auto', 'lut', 'block', 'ultra'],
      finn: 'ram_style',
    },
  },
  infer([x], { blocksize, simd }, context) {
    const { dtype, shape } = imageInput(name, context, x);
    if (!Number.isInteger(blocksize) || blocksize < 1)
      illegal('layer/attribute', name, context, `its blocksize is ${blocksize}`, 'use a positive integer');
    const [n, h, w, c] = shape as [number, number, number, number];
    const block = blocksize ** 2;
    if (c % block !== 0)
      illegal('layer/input', name, context, `${c} channels are no blocks of ${blocksize}×${blocksize} pixels`);
    mustDivide(name, context, 'simd', simd, c / block, 'channels');
    return [{ dtype, shape: [n, h * blocksize, w * blocksize, c / block] }];
  },
  evaluate: ([x], { blocksize }, context) => DepthToSpace.evaluate([x], { blocksize }, context),
  lower: (node) => lowerDepthToSpace(depthToSpace, node),
  parallel: ({ types }) => ({ simd: types[0]!.shape[3]! }),
  streams: ({ inputs: [x], attrs, types }) => [
    streamPort('s_axis_0', 'in', x!.type, attrs.simd),
    streamPort('m_axis_0', 'out', types[0]!, attrs.simd),
  ],
  cycles: ({ attrs, types }) => sizeOf(types[0]!.shape) / attrs.simd,
  schedule(layer) {
    const s = sizesOf(layer);
    const beats = depthToSpace.cycles(layer);
    if (inOrder(s)) return { interval: beats, period: 1, takes: () => true, gives: () => true, depth: 1 };
    // Of several queues, how far the input may go says as much as which places are free.
    const places = placesOf(s);
    const capacity = limitOf(s, places, 0);
    return {
      kind: 'buffered',
      inputs: beats,
      outputs: beats,
      needs: (j) => sourceOf(s, j) + 1,
      keeps: (j) => limitOf(s, places, j) - capacity,
      capacity,
      depth: 1,
    };
  },
  resources(layer, device) {
    const s = sizesOf(layer);
    const width = depthToSpace.streams(layer)[1]!.width;
    if (inOrder(s)) return { lut: 4, ff: width + 1, bram: 0, dsp: 0 };
    const { put, get } = nestsOf(s);
    const { lut, ff } = counterCost([...put.nest, ...get.nest]);
    const places = placesOf(s);
    const counts = sum(places.map((n) => log2Ceil(n + 1)));
    const address = log2Ceil(sum(places));
    const memory = memoryOf(layer, device);
    return {
      lut: lut + 3 * counts + 2 * address * (s.block + 2) + 4 * s.block + lutsOfMemory(device.family, memory),
      ff: ff + counts + 2 * address * s.block + 2 * s.block + 1 + flipFlopsOfMemory(memory),
      ...blocksOf(device.family, [memory]),
    };
  },
  refuse: ({ attrs }, { family }) => refusedPlacement(attrs.memory, family),
  rtl(layer, device, top) {
    const s = sizesOf(layer);
    const streams = depthToSpace.streams(layer);
    return inOrder(s) ? passRtl(top, streams) : queuesRtl(s, memoryOf(layer, device), top, streams);
  },
  finn: ({ inputs: [x], attrs, types }) => ({
    opType: 'DepthToSpace_hls',
    attributes: {
      IFMDim: `[${x!.type.shape[1]!}, ${x!.type.shape[2]!}]`,
      BlockSize: attrs.blocksize,
      NumChannels: types[0]!.shape[3]!,
      SIMD: attrs.simd,
      inputDataType: x!.type.dtype.name,
    },
  }),
  samples,
};

function samples(): Layer<DepthToSpaceAttrs>[] {
  const sample = (
    [height, width, channels]: readonly [number, number, number],
    dtype: DataType,
    blocksize: number,
    simd: number,
    memory: DepthToSpaceAttrs['memory'] = 'auto',
  ): Layer<DepthToSpaceAttrs> => {
    const shape = [1, height, width, channels * blocksize ** 2];
    return layerOf(depthToSpace, [input('x', { dtype, shape })], { blocksize, simd, memory }, ['sample']);
  };
  return [
    sample([3, 4, 2], int(4), 2, 1),
    sample([3, 4, 2], int(4), 2, 2),
    sample([2, 3, 1], uint(3), 3, 1),
    sample([2, 5, 3], BIPOLAR, 2, 3),
    sample([4, 1, 2], int(8), 3, 1),
    sample([2, 33, 4], int(8), 2, 4, 'block'),
    sample([2, 2, 1], uint(8), 4, 1),
    sample([3, 3, 2], int(3), 1, 1),
    sample([1, 2, 4], uint(2), 2, 2),
    sample([2, 40, 2], int(5), 3, 2),
  ];
}
