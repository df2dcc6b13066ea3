import { counterCost } from '../../hdl/counters.ts';
import { BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { type Border, borderOf, pixelsToDivide, type Sides, typeWith } from '../border.ts';
import { illegal, imageInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { PaddingAttrs } from './attrs.ts';
import { lowerPad } from './lower.ts';
import { paddingRtl } from './rtl.ts';

export type { PaddingAttrs };

const name = 'FMPadding';

/** The image and what is around it; a beat has `lanes` elements. */
function paddingBorder({ attrs, types }: Layer<PaddingAttrs>): Border {
  const [, height, width, channels] = types[0]!.shape as [number, number, number, number];
  return borderOf(height, width, attrs.pads, channels / (attrs.simd * attrs.pixels));
}

const lanesOf = ({ attrs }: Layer<PaddingAttrs>): number => attrs.simd * attrs.pixels;

export const padding: Operator<PaddingAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'An image N×H×W×C with pixels of a constant `value` added on its four sides.',
  fields: {
    simd: { doc: 'channels in one cycle', type: 'integer', finn: 'SIMD' },
    pixels: { doc: 'pixels in one cycle, where simd is all channels', type: 'integer', finn: 'pixels' },
  },
  infer([x], attrs, context) {
    const { dtype, shape } = imageInput(name, context, x);
    const { pads, value, simd, pixels } = attrs;
    if (pads.length !== 4 || !pads.every((n) => Number.isInteger(n) && n >= 0))
      illegal('layer/attribute', name, context, `pads are [${pads.join(', ')}]`, 'use four integers, none negative');
    if (!Number.isInteger(value)) illegal('layer/attribute', name, context, `value is ${value}`, 'use an integer');
    mustDivide(name, context, 'simd', simd, shape[3]!, 'channels');
    const out = paddedShape(shape, pads);
    const extent = pixelsToDivide(out[1]!, out[2]!, pads);
    mustDivide(name, context, 'pixels', pixels, extent, 'pixels between the image’s edges in the stream');
    if (pixels > 1 && simd !== shape[3]) {
      const message = `pixels is ${pixels}, but simd ${simd} is not all ${shape[3]} channels`;
      illegal('layer/folding', name, context, message, `use simd ${shape[3]}, or pixels 1`);
    }
    const padded = typeWith(dtype, value);
    if (padded.bits > 64) illegal('layer/attribute', name, context, `no type holds both ${dtype.name} and ${value}`);
    return [{ dtype: padded, shape: out }];
  },
  evaluate([x], { pads, value }, { types }) {
    const { dtype, shape } = types[0]!;
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const [, rows, columns] = shape as [number, number, number, number];
    const out = allocate(dtype, sizeOf(shape)).fill(value);
    for (let n = 0; n < batch; n += 1)
      for (let y = 0; y < height; y += 1) {
        const from = (n * height + y) * width * channels;
        const to = ((n * rows + y + pads[0]) * columns + pads[1]) * channels;
        out.set(x!.data.subarray(from, from + width * channels), to);
      }
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerPad(padding, node),
  parallel({ attrs, types }) {
    const [, height, width, channels] = types[0]!.shape as [number, number, number, number];
    return { simd: channels, pixels: pixelsToDivide(height, width, attrs.pads) };
  },
  streams: (layer) => [
    streamPort('s_axis_0', 'in', layer.inputs[0]!.type, lanesOf(layer)),
    streamPort('m_axis_0', 'out', layer.types[0]!, lanesOf(layer)),
  ],
  cycles: (layer) => sizeOf(layer.types[0]!.shape) / lanesOf(layer),
  schedule(layer) {
    const border = paddingBorder(layer);
    return {
      interval: padding.cycles(layer),
      period: border.beats,
      // A frame begins with its first beat, which waits in a register where pixels are added in front of it.
      takes: (_, t) => {
        const at = t % border.beats;
        return border.first === 0 ? border.contains(at) : at === 0 || (border.contains(at) && at !== border.last);
      },
      gives: () => true,
      depth: 1,
    };
  },
  resources(layer) {
    const border = paddingBorder(layer);
    const { lut, ff } = counterCost(border.nest);
    const [from, to] = padding.streams(layer);
    const held = border.first > 0 ? from!.width : 0;
    return { lut: lut + 8, ff: ff + to!.width + held + 1, bram: 0, dsp: 0 };
  },
  rtl: (layer, _device, top) => paddingRtl(layer, paddingBorder(layer), layer.attrs.value, top, padding.streams(layer)),
  finn: ({ inputs: [x], attrs }) => ({
    opType: 'FMPadding_rtl',
    attributes: {
      ImgDim: `[${x!.type.shape[1]}, ${x!.type.shape[2]}]`,
      Padding: `[${attrs.pads.join(', ')}]`,
      NumChannels: x!.type.shape[3]!,
      SIMD: attrs.simd,
      inputDataType: x!.type.dtype.name,
    },
  }),
  samples,
};

const paddedShape = ([n, h, w, c]: readonly number[], [top, left, bottom, right]: Sides): number[] => [
  n!,
  h! + top + bottom,
  w! + left + right,
  c!,
];

function samples(): Layer<PaddingAttrs>[] {
  const sample = (shape: readonly number[], dtype: DataType, pads: Sides, value: number, simd: number, pixels = 1) =>
    layerOf(padding, [input('x', { dtype, shape })], { pads, value, simd, pixels }, ['sample']);
  return [
    sample([1, 4, 4, 4], int(4), [1, 1, 1, 1], 0, 2),
    sample([1, 3, 5, 6], uint(3), [2, 0, 1, 3], -3, 3),
    sample([1, 1, 1, 1], BIPOLAR, [0, 1, 0, 0], 1, 1),
    sample([1, 2, 3, 2], BIPOLAR, [1, 1, 1, 1], 0, 2),
    sample([1, 9, 1, 4], int(8), [3, 0, 2, 0], -128, 4),
    sample([1, 4, 8, 3], int(5), [1, 4, 1, 4], 7, 3, 4),
    sample([1, 3, 4, 2], TERNARY, [1, 0, 1, 0], 5, 2, 4),
    sample([1, 20, 24, 16], uint(4), [1, 1, 1, 1], 9, 16),
    sample([1, 8, 1, 3], uint(2), [0, 0, 4, 0], 0, 3, 4),
    sample([1, 2, 2, 2], int(3), [0, 0, 0, 0], 0, 1),
  ];
}
