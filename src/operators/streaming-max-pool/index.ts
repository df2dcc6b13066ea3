import { completes, reductionCost, reductionDepth, reductionPeriod, reductionVerilog } from '../../hdl/reduction.ts';
import { BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { lowerMaxPool } from './lower.ts';
import { type MaxPoolAttrs, pixelsToDivide, reductionOf, unfitPixels } from './sizes.ts';

const name = 'StreamingMaxPool';

/**
 * Greatest of each channel in windows that lie side by side, x[1, H, W, C] → [1, ⌊H/kh⌋, ⌊W/kw⌋, C]. A beat in every cycle, so
 * that a convolution in front keeps its pace: the greatest so far of a row of windows wait in a memory. (FINN's
 * StreamingMaxPool stops its input while it gives a row.)
 */
export const streamingMaxPool: Operator<MaxPoolAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'The greatest element of each channel in windows that lie side by side; rows and columns left over are dropped.',
  fields: {
    pe: { doc: 'channels of a pixel in one cycle', type: 'integer', finn: 'PE' },
    pixels: {
      doc: 'pixels of a row in one cycle; more than one only with all channels',
      type: 'integer',
      finn: 'pixels',
    },
    memory: {
      doc: 'where the greatest so far of a row of windows wait',
      type: 'choice',
      choices: ['auto', 'register', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer([x], { kernel, pe, pixels }, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const [batch, height, width, channels] = shape as [number, number, number, number];
    if (shape.length !== 4 || batch !== 1)
      illegal(
        'layer/input',
        name,
        context,
        `its input [${shape.join(', ')}] is not one image of height × width × channels`,
      );
    if (kernel.length !== 2 || kernel.some((k, i) => !Number.isInteger(k) || k < 1 || k > [height, width][i]!))
      illegal(
        'layer/attribute',
        name,
        context,
        `kernel is [${kernel}], its input ${height}×${width}`,
        'use two integers up to that',
      );
    mustDivide(name, context, 'pe', pe, channels, 'channels');
    const unfit = unfitPixels(pixels, width, kernel[1]);
    if (unfit) illegal('layer/folding', name, context, `pixels is ${pixels}`, unfit);
    if (pixels > 1 && pe !== channels)
      illegal(
        'layer/folding',
        name,
        context,
        `pixels is ${pixels}, pe ${pe} of ${channels} channels`,
        `use pe ${channels}`,
      );
    return [{ dtype, shape: [1, Math.floor(height / kernel[0]), Math.floor(width / kernel[1]), channels] }];
  },
  evaluate([x], { kernel }, { types }) {
    const { dtype, shape } = types[0]!;
    const [, rows, columns, channels] = shape as [number, number, number, number];
    const width = x!.shape[2]!;
    const out = allocate(dtype, sizeOf(shape)).fill(-Infinity);
    for (let y = 0; y < rows * kernel[0]; y += 1)
      for (let i = 0; i < columns * kernel[1]; i += 1) {
        const to = (Math.floor(y / kernel[0]) * columns + Math.floor(i / kernel[1])) * channels;
        const from = (y * width + i) * channels;
        for (let c = 0; c < channels; c += 1) out[to + c] = Math.max(out[to + c]!, x!.data[from + c]!);
      }
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerMaxPool(streamingMaxPool, node),
  parallel({ inputs: [x], attrs: { kernel } }) {
    const [, , columns = 1, channels = 1] = x!.type.shape;
    return { pe: channels, pixels: pixelsToDivide(columns, kernel[1]) };
  },
  streams({ inputs: [x], attrs: { pe, pixels, kernel }, types }) {
    return [
      streamPort('s_axis_0', 'in', x!.type, pe * pixels),
      streamPort('m_axis_0', 'out', types[0]!, pe * Math.max(1, pixels / kernel[1])),
    ];
  },
  cycles: ({ inputs: [x], attrs: { pe, pixels } }) => sizeOf(x!.type.shape) / (pe * pixels),
  schedule(layer) {
    const { walk, lanes } = reductionOf(layer);
    return {
      interval: streamingMaxPool.cycles(layer),
      period: reductionPeriod(walk),
      takes: () => true,
      gives: (_port, t) => completes(walk, t),
      depth: reductionDepth({ walk, lanes }),
    };
  },
  resources: (layer, device) => reductionCost(reductionOf(layer), device),
  refuse(layer, { family }) {
    if (family !== 'ice40' || layer.attrs.memory !== 'lut') return undefined;
    return "ice40 has no memory in LUTs; set `memory` to 'register' or 'block'";
  },
  rtl(layer, device, top) {
    const streams = streamingMaxPool.streams(layer);
    const source = reductionVerilog(reductionOf(layer), device, top, streams);
    return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
  },
  finn({ inputs: [x], attrs }) {
    const [, height = 1, width = 1, channels = 1] = x!.type.shape;
    return {
      opType: 'StreamingMaxPool_hls',
      attributes: {
        ImgDim: `[${height}, ${width}]`,
        PoolDim: `[${attrs.kernel.join(', ')}]`,
        NumChannels: channels,
        PE: attrs.pe,
        CeilMode: 0,
        dataType: x!.type.dtype.name,
      },
    };
  },
  samples,
};

function samples(): Layer<MaxPoolAttrs>[] {
  const sample = (
    dtype: DataType,
    [height, width, channels]: readonly [number, number, number],
    kernel: readonly [number, number],
    attrs: Partial<MaxPoolAttrs>,
  ) => {
    const x = input('x', { dtype, shape: [1, height, width, channels] });
    return layerOf<MaxPoolAttrs>(streamingMaxPool, [x], { kernel, pe: 1, pixels: 1, memory: 'auto', ...attrs }, [
      'sample',
    ]);
  };
  return [
    sample(BIPOLAR, [4, 4, 4], [2, 2], { pe: 4 }),
    sample(uint(4), [6, 6, 4], [2, 2], { pe: 2 }),
    sample(int(3), [5, 7, 3], [2, 3], {}),
    sample(TERNARY, [7, 5, 2], [3, 2], { pe: 2 }),
    sample(uint(2), [9, 1, 6], [2, 1], { pe: 3 }),
    sample(int(8), [8, 1, 1], [4, 1], {}),
    sample(uint(3), [1, 9, 2], [1, 4], {}),
    sample(int(5), [3, 3, 2], [1, 1], {}),
    sample(uint(8), [4, 24, 8], [2, 2], { pe: 8 }),
    sample(int(4), [4, 8, 2], [2, 1], { pe: 2, memory: 'register' }),
    sample(int(4), [4, 12, 2], [3, 2], { pe: 2, pixels: 4 }),
    sample(BIPOLAR, [4, 12, 3], [2, 4], { pe: 3, pixels: 2 }),
    sample(uint(4), [2, 6, 2], [2, 6], { pe: 2, pixels: 6 }),
    sample(uint(2), [3, 7, 2], [3, 7], { pe: 1, memory: 'block' }),
  ];
}
