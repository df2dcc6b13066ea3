import { counterCost } from '../../hdl/counters.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { rigidStage } from '../../hdl/stream-stage.ts';
import { range } from '../../hdl/verilog.ts';
import { BIPOLAR, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { type Border, borderOf, pixelsToDivide, type Sides } from '../border.ts';
import { illegal, imageInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { CropAttrs } from './attrs.ts';
import { lowerSlice } from './lower.ts';

export type { CropAttrs };

const name = 'Crop';
const lanesOf = ({ attrs }: Layer<CropAttrs>): number => attrs.simd * attrs.pixels;

/** The image and what is left of it. Where no rows are left out they are all alike, and images are rows. */
function cropBorder(layer: Layer<CropAttrs>): Border {
  const [, height, width, channels] = layer.inputs[0]!.type.shape as [number, number, number, number];
  const { sides } = layer.attrs;
  const rows = sides[0] === 0 && sides[2] === 0 ? 1 : height;
  return borderOf(rows, width, sides, channels / lanesOf(layer));
}

export const crop: Operator<CropAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'An image N×H×W×C without some of its outer rows and columns.',
  fields: {
    simd: { doc: 'channels in one cycle', type: 'integer', finn: 'SIMD' },
    pixels: { doc: 'pixels in one cycle, where simd is all channels', type: 'integer', finn: 'pixels' },
  },
  infer([x], { sides, simd, pixels }, context) {
    const { dtype, shape } = imageInput(name, context, x);
    const [n, h, w, c] = shape as [number, number, number, number];
    const [top, left, bottom, right] = sides;
    if (sides.length !== 4 || !sides.every((s) => Number.isInteger(s) && s >= 0))
      illegal('layer/attribute', name, context, `sides are [${sides.join(', ')}]`, 'use four integers, none negative');
    const [height, width] = [h - top - bottom, w - left - right];
    if (height < 1 || width < 1)
      illegal('layer/attribute', name, context, `of ${h}×${w} pixels it leaves ${height}×${width}`);
    mustDivide(name, context, 'simd', simd, c, 'channels');
    const extent = pixelsToDivide(h, w, sides);
    mustDivide(name, context, 'pixels', pixels, extent, 'pixels between the image’s edges in the stream');
    if (pixels > 1 && simd !== c) {
      const message = `pixels is ${pixels}, but simd ${simd} is not all ${c} channels`;
      illegal('layer/folding', name, context, message, `use simd ${c}, or pixels 1`);
    }
    return [{ dtype, shape: [n, height, width, c] }];
  },
  evaluate([x], { sides }, { types }) {
    const { dtype, shape } = types[0]!;
    const [, height, width, channels] = x!.shape as [number, number, number, number];
    const [batch, rows, columns] = shape as [number, number, number, number];
    const out = allocate(dtype, sizeOf(shape));
    for (let n = 0; n < batch; n += 1)
      for (let y = 0; y < rows; y += 1) {
        const from = ((n * height + y + sides[0]) * width + sides[1]) * channels;
        out.set(x!.data.subarray(from, from + columns * channels), (n * rows + y) * columns * channels);
      }
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerSlice(crop, node),
  parallel({ inputs: [x], attrs }) {
    const [, height, width, channels] = x!.type.shape as [number, number, number, number];
    return { simd: channels, pixels: pixelsToDivide(height, width, attrs.sides) };
  },
  streams: (layer) => [
    streamPort('s_axis_0', 'in', layer.inputs[0]!.type, lanesOf(layer)),
    streamPort('m_axis_0', 'out', layer.types[0]!, lanesOf(layer)),
  ],
  cycles: (layer) => sizeOf(layer.inputs[0]!.type.shape) / lanesOf(layer),
  schedule(layer) {
    const { beats, contains } = cropBorder(layer);
    return {
      interval: crop.cycles(layer),
      period: beats,
      takes: () => true,
      gives: (_, t) => contains(t),
      depth: 1,
    };
  },
  resources(layer) {
    const { lut, ff } = counterCost(cropBorder(layer).nest);
    return { lut: lut + 4, ff: ff + crop.streams(layer)[1]!.width + 1, bram: 0, dsp: 0 };
  },
  rtl: (layer, _device, top) => cropRtl(cropBorder(layer), top, crop.streams(layer)),
  finn: ({ inputs: [x], attrs: { sides, simd } }) => ({
    opType: 'Crop_hls',
    attributes: {
      ImgDim: `[${x!.type.shape[1]}, ${x!.type.shape[2]}]`,
      NumChannels: x!.type.shape[3]!,
      CropNorth: sides[0],
      CropWest: sides[1],
      CropSouth: sides[2],
      CropEast: sides[3],
      SIMD: simd,
      numInputVectors: x!.type.shape[0]!,
      DataType: x!.type.dtype.name,
    },
  }),
  samples,
};

/** Every beat is taken; those inside reach the output register. */
function cropRtl(border: Border, top: string, streams: readonly StreamPort[]): Design {
  const source = streamModule(top, streams, (w) => {
    w.lines(rigidStage({ nest: border.nest, takes: "1'b1", gives: border.inside }));
    w.line(`reg ${range(streams[1]!.width)} data;`);
    w.line('always @(posedge ap_clk) if (move) data <= s_axis_0_tdata;');
    w.line('assign m_axis_0_tdata = data;');
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}

function samples(): Layer<CropAttrs>[] {
  const sample = (shape: readonly number[], dtype: DataType, sides: Sides, simd: number, pixels = 1) =>
    layerOf(crop, [input('x', { dtype, shape })], { sides, simd, pixels }, ['sample']);
  return [
    sample([1, 4, 5, 4], int(4), [1, 1, 1, 2], 2),
    sample([1, 6, 7, 6], uint(3), [2, 0, 3, 1], 6),
    sample([1, 9, 1, 4], int(8), [3, 0, 2, 0], 1),
    sample([1, 3, 8, 3], BIPOLAR, [0, 2, 0, 4], 3, 2),
    sample([1, 3, 4, 2], uint(2), [1, 0, 1, 0], 2, 4),
    sample([1, 20, 24, 16], int(4), [3, 2, 1, 0], 8),
    sample([1, 5, 5, 1], int(3), [2, 2, 2, 2], 1),
    sample([1, 2, 2, 2], int(3), [0, 0, 0, 0], 1),
  ];
}
