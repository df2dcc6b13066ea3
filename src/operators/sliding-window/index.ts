import type { StreamPort } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { type Memory, memoryFor, refusedPlacement } from '../../hdl/stream-memory.ts';
import { Im2Col } from '../../onnx/ops/windows.ts';
import { streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { bufferSchedule, capacityOf } from './buffer.ts';
import { bufferRtl } from './buffer-rtl.ts';
import { inferWindows, legalPixels } from './infer.ts';
import { lowerWindows } from './lower.ts';
import { parallelPlan, parallelSchedule } from './parallel.ts';
import { parallelRtl } from './parallel-rtl.ts';
import { bufferResources, parallelResources } from './resources.ts';
import { samplesOf } from './samples.ts';
import { type SlidingWindowAttrs, sizesOf } from './sizes.ts';

const name = 'ConvolutionInputGenerator';

const bufferMemory = (layer: Layer<SlidingWindowAttrs>, device: Device): Memory => {
  const s = sizesOf(layer);
  return memoryFor(device, capacityOf(s), s.simd * s.bits, layer.attrs.memory);
};

const list = (pair: readonly number[]): string => `[${pair.join(', ')}]`;

export const slidingWindow: Operator<SlidingWindowAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'The windows of an image one after the other, for a convolution: rows wait in a buffer until no window needs them.',
  fields: {
    simd: { doc: 'channels in one cycle', type: 'integer', finn: 'SIMD' },
    parallelWindow: { doc: '1: all positions of a window in one cycle', type: 'integer', finn: 'parallel_window' },
    memory: {
      doc: 'where rows wait',
      type: 'choice',
      choices: ['auto', 'lut', 'block', 'ultra'],
      finn: 'ram_style',
    },
    pixels: { doc: 'windows in one cycle', type: 'integer', finn: 'M' },
  },
  infer: ([x], attrs, context) => [inferWindows(name, x, attrs, context)],
  evaluate: ([x], { kernel, stride, dilation }, context) =>
    Im2Col.evaluate([x], { kernel_size: kernel, stride, dilations: dilation }, context),
  lower: (node) => lowerWindows(slidingWindow, node),
  parallel: ({ inputs: [x] }) => ({ simd: x!.type.shape.at(-1)! }),
  // The order of a depthwise window is its reader's, who demands what it needs.
  beyond({ inputs: [x], attrs, types }) {
    const { shape } = x!.type;
    if (attrs.depthwise === 1 || attrs.simd !== shape[3]) return [];
    const pixels = legalPixels(
      attrs,
      shape.slice(1, 3) as [number, number],
      types[0]!.shape.slice(1, 3) as [number, number],
    );
    return pixels.map((n) => ({ parallelWindow: 1, pixels: n }));
  },
  streams({ inputs: [x], attrs, types }) {
    const { kernel, simd, parallelWindow, pixels } = attrs;
    const positions = kernel[0] * kernel[1];
    const given = streamPort('m_axis_0', 'out', types[0]!, pixels * simd * (parallelWindow === 1 ? positions : 1));
    const out: StreamPort = attrs.depthwise === 1 ? { ...given, interleave: { positions, group: simd } } : given;
    return [streamPort('s_axis_0', 'in', x!.type, pixels * simd), out];
  },
  cycles(layer) {
    const { inputs, outputs } = sizesOf(layer);
    return Math.max(inputs, outputs);
  },
  schedule: (layer) => (layer.attrs.parallelWindow === 1 ? parallelSchedule : bufferSchedule)(sizesOf(layer)),
  resources(layer, device) {
    const s = sizesOf(layer);
    if (layer.attrs.parallelWindow === 0) return bufferResources(s, bufferMemory(layer, device), device);
    return parallelResources(s, parallelPlan(s, device, layer.attrs.memory), device);
  },
  refuse: ({ attrs }, { family }) => refusedPlacement(attrs.memory, family),
  rtl(layer, device, top) {
    const s = sizesOf(layer);
    const streams = slidingWindow.streams(layer);
    if (layer.attrs.parallelWindow === 0) return bufferRtl(s, bufferMemory(layer, device), top, streams);
    return parallelRtl(s, parallelPlan(s, device, layer.attrs.memory), top, streams);
  },
  finn: ({ inputs: [x], attrs, types }) => ({
    opType: `${name}_rtl`,
    attributes: {
      ConvKernelDim: list(attrs.kernel),
      IFMChannels: x!.type.shape[3]!,
      IFMDim: list(x!.type.shape.slice(1, 3)),
      OFMDim: list(types[0]!.shape.slice(1, 3)),
      SIMD: attrs.simd,
      Stride: list(attrs.stride),
      Dilation: list(attrs.dilation),
      inputDataType: x!.type.dtype.name,
      outputDataType: types[0]!.dtype.name,
      depthwise: attrs.depthwise,
      parallel_window: attrs.parallelWindow,
      M: attrs.pixels,
      is1D: x!.type.shape[1] === 1 || x!.type.shape[2] === 1 ? 1 : 0,
      ram_style: { auto: 'auto', lut: 'distributed', block: 'block', ultra: 'ultra' }[attrs.memory],
    },
  }),
  samples: () => samplesOf(slidingWindow),
};
