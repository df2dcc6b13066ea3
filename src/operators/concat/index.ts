import { extended } from '../../hdl/operand.ts';
import { type Parts, partSelect, partSelectLuts, partsOf } from '../../hdl/parts.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { concat, range } from '../../hdl/verilog.ts';
import { BIPOLAR, type DataType, int, smallest, TERNARY, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { ceilDiv, gcd, log2Ceil } from '../../util/maths.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { lowerConcat, type StreamingConcatAttrs } from './lower.ts';

const name = 'StreamingConcat';

const lengthsOf = ({ inputs }: Pick<Layer, 'inputs'>): number[] => inputs.map((value) => value!.type.shape.at(-1)!);
const partsIn = (layer: Layer<StreamingConcatAttrs>): Parts => partsOf(lengthsOf(layer), layer.attrs.simd);

export const streamingConcat: Operator<StreamingConcatAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Of each pixel, the channels of the first input, then those of the second, and so on, in the narrowest type that holds all.',
  fields: { simd: { doc: 'channels in one cycle; divides those of every input', type: 'integer', finn: 'SIMD' } },
  infer(inputs, { simd }, context) {
    const types = inputs.map((value) => integerInput(name, context, value));
    if (types.length < 2) illegal('layer/input', name, context, `it has ${types.length} inputs`, 'give two or more');
    const [first] = types;
    const { shape } = first!;
    types.forEach((type) => {
      if (type.shape.slice(0, -1).join() !== shape.slice(0, -1).join() || type.shape.length !== shape.length)
        illegal('layer/input', name, context, `[${shape}] and [${type.shape}] differ before the last axis`);
    });
    const channels = types.map((type) => type.shape.at(-1)!);
    mustDivide(name, context, 'simd', simd, channels.reduce(gcd), `common channels of ${channels.join(', ')}`);
    return [
      {
        dtype: commonType(types.map(({ dtype }) => dtype)),
        shape: [...shape.slice(0, -1), channels.reduce((a, b) => a + b)],
      },
    ];
  },
  evaluate(inputs, _attrs, { types }) {
    const { dtype, shape } = types[0]!;
    const out = allocate(dtype, sizeOf(shape));
    const rows = out.length / shape.at(-1)!;
    let at = 0;
    for (let row = 0; row < rows; row += 1) {
      for (const x of inputs) {
        const length = x!.data.length / rows;
        out.set(x!.data.subarray(row * length, (row + 1) * length), at);
        at += length;
      }
    }
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerConcat(streamingConcat, node),
  parallel: (layer) => ({ simd: lengthsOf(layer).reduce(gcd) }),
  streams: ({ inputs, attrs: { simd }, types }) => [
    ...inputs.map((value, i) => streamPort(`s_axis_${i}`, 'in', value!.type, simd)),
    streamPort('m_axis_0', 'out', types[0]!, simd),
  ],
  cycles: ({ attrs: { simd }, types }) => sizeOf(types[0]!.shape) / simd,
  schedule(layer) {
    const parts = partsIn(layer);
    return {
      interval: streamingConcat.cycles(layer),
      period: parts.total,
      takes: (port, t) => parts.has(port, t),
      gives: () => true,
      depth: 1,
    };
  },
  resources(layer, { family }) {
    const parts = partsIn(layer);
    const width = layer.attrs.simd * layer.types[0]!.dtype.bits;
    const inputs = family === 'ice40' || family === 'ecp5' ? 3 : 5;
    const mux = ceilDiv(2 * parts.beats.length - 1, inputs);
    const lut = width * mux + partSelectLuts(parts) + 2 * parts.beats.length;
    return { lut, ff: width + 1 + log2Ceil(parts.total), bram: 0, dsp: 0 };
  },
  rtl(layer, _device, top) {
    const streams = streamingConcat.streams(layer);
    const parts = partsIn(layer);
    const { simd } = layer.attrs;
    const { dtype } = layer.types[0]!;
    const width = simd * dtype.bits;
    const source = streamModule(top, streams, (w) => {
      partSelect(w, parts, 'move & take');
      const each = (text: (i: number) => string): string[] => parts.beats.map((_, i) => text(i));
      w.line('reg valid;').line(`reg ${range(width)} beat;`);
      w.line('wire move = m_axis_0_tready | ~valid;');
      w.line(`wire take = ${each((i) => `(in_${i} & s_axis_${i}_tvalid)`).join(' | ')};`);
      layer.inputs.forEach((value, i) => {
        const from = value!.type.dtype;
        const elements = Array.from({ length: simd }, (_, k) => converted(`s_axis_${i}_tdata`, k, from, dtype));
        w.line(`wire ${range(width)} part_${i} = ${concat(elements.reverse())};`);
        w.line(`assign s_axis_${i}_tready = move & in_${i};`);
      });
      w.line(
        `always @(posedge ap_clk) if (move) beat <= ${each((i) => `({${width}{in_${i}}} & part_${i})`).join(' | ')};`,
      );
      w.line("always @(posedge ap_clk) if (!ap_rst_n) valid <= 1'b0; else if (move) valid <= take;");
      w.line('assign m_axis_0_tdata = beat;').line('assign m_axis_0_tvalid = valid;');
    });
    return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
  },
  finn: (layer) => ({
    opType: 'StreamingConcat_hls',
    attributes: {
      ChannelsPerStream: lengthsOf(layer).join(','),
      SIMD: layer.attrs.simd,
      inputDataTypes: layer.inputs.map((value) => value!.type.dtype.name).join(','),
      numInputVectors: sizeOf(layer.types[0]!.shape.slice(0, -1)),
    },
  }),
  samples() {
    const sample = (parts: readonly (readonly [DataType, number])[], pixels: readonly number[], simd: number) =>
      layerOf(
        streamingConcat,
        parts.map(([dtype, channels], i) => input(`x${i}`, { dtype, shape: [...pixels, channels] })),
        { simd },
        ['sample'],
      );
    return [
      sample(
        [
          [uint(4), 6],
          [uint(4), 2],
        ],
        [1, 2, 3],
        2,
      ),
      sample(
        [
          [int(4), 4],
          [uint(6), 8],
          [BIPOLAR, 4],
        ],
        [3],
        4,
      ),
      sample(
        [
          [BIPOLAR, 3],
          [BIPOLAR, 5],
        ],
        [2],
        1,
      ),
      sample(
        [
          [TERNARY, 6],
          [TERNARY, 6],
        ],
        [1, 4],
        6,
      ),
      sample(
        [
          [uint(2), 1],
          [int(5), 9],
        ],
        [1, 3, 1],
        1,
      ),
    ];
  },
};

/** The type of all of them, or the narrowest that holds all. */
const commonType = (types: readonly DataType[]): DataType =>
  types.every((one) => one === types[0])
    ? types[0]!
    : smallest(Math.min(...types.map(({ min }) => min)), Math.max(...types.map(({ max }) => max)));

const converted = (vector: string, lane: number, from: DataType, to: DataType): string =>
  from === to ? `${vector}[${lane * from.bits} +: ${from.bits}]` : extended(vector, lane * from.bits, from, to.bits);
