import { type Parts, partSelect, partSelectLuts, partsOf } from '../../hdl/parts.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { range } from '../../hdl/verilog.ts';
import { BIPOLAR, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { gcd, log2Ceil, sum } from '../../util/maths.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { lowerSplit, type StreamingSplitAttrs } from './lower.ts';

const name = 'StreamingSplit';

const partsIn = ({ attrs }: Layer<StreamingSplitAttrs>): Parts => partsOf(attrs.parts, attrs.simd);

export const streamingSplit: Operator<StreamingSplitAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Of each pixel, the first channels go to the first output, the next to the second, and so on.',
  fields: { simd: { doc: 'channels in one cycle; divides those of every output', type: 'integer', finn: 'SIMD' } },
  infer([x], { parts, simd }, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const channels = shape.at(-1)!;
    if (parts.length < 2 || !parts.every((n) => Number.isInteger(n) && n > 0) || sum(parts) !== channels)
      illegal('layer/attribute', name, context, `parts of ${parts.join(', ')} do not make ${channels} channels`);
    mustDivide(name, context, 'simd', simd, parts.reduce(gcd), `common channels of ${parts.join(', ')}`);
    return parts.map((n) => ({ dtype, shape: [...shape.slice(0, -1), n] }));
  },
  evaluate([x], { parts }, { types }) {
    const channels = sum(parts);
    let from = 0;
    return types.map(({ dtype, shape }, i) => {
      const out = allocate(dtype, sizeOf(shape));
      const length = parts[i]!;
      for (let at = 0; at < out.length; at += 1)
        out[at] = x!.data[Math.floor(at / length) * channels + from + (at % length)]!;
      from += length;
      return tensor(dtype, shape, out);
    });
  },
  lower: (node) => lowerSplit(streamingSplit, node),
  parallel: ({ attrs }) => ({ simd: attrs.parts.reduce(gcd) }),
  streams: ({ inputs: [x], attrs: { simd }, types }) => [
    streamPort('s_axis_0', 'in', x!.type, simd),
    ...types.map((type, i) => streamPort(`m_axis_${i}`, 'out', type, simd)),
  ],
  cycles: ({ inputs: [x], attrs: { simd } }) => sizeOf(x!.type.shape) / simd,
  schedule(layer) {
    const parts = partsIn(layer);
    return {
      interval: streamingSplit.cycles(layer),
      period: parts.total,
      takes: () => true,
      gives: (port, t) => parts.has(port, t),
      depth: 1,
    };
  },
  resources(layer) {
    const parts = partsIn(layer);
    const outputs = parts.beats.length;
    const width = layer.attrs.simd * layer.types[0]!.dtype.bits;
    const lut = partSelectLuts(parts) + 3 * outputs;
    return { lut, ff: width + outputs + log2Ceil(parts.total), bram: 0, dsp: 0 };
  },
  rtl(layer, _device, top) {
    const streams = streamingSplit.streams(layer);
    const parts = partsIn(layer);
    const outputs = parts.beats.length;
    const source = streamModule(top, streams, (w) => {
      partSelect(w, parts, 'move & s_axis_0_tvalid');
      const all = (text: (i: number) => string): string =>
        `{${parts.beats.map((_, i) => text(outputs - 1 - i)).join(', ')}}`;
      w.line(`reg ${range(outputs)} waiting;`).line(`reg ${range(streams[0]!.width)} beat;`);
      w.line(`wire move = ~|(waiting & ~${all((i) => `m_axis_${i}_tready`)});`);
      w.line('assign s_axis_0_tready = move;');
      w.line('always @(posedge ap_clk) if (move) beat <= s_axis_0_tdata;');
      w.line(`always @(posedge ap_clk) if (!ap_rst_n) waiting <= ${outputs}'d0;`);
      w.line(`else if (move) waiting <= {${outputs}{s_axis_0_tvalid}} & ${all((i) => `in_${i}`)};`);
      for (let i = 0; i < outputs; i += 1)
        w.line(`assign m_axis_${i}_tdata = beat;`).line(`assign m_axis_${i}_tvalid = waiting[${i}];`);
    });
    return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
  },
  finn: ({ attrs, types }) => ({
    opType: 'StreamingSplit_hls',
    attributes: {
      ChannelsPerStream: attrs.parts.join(','),
      SIMD: attrs.simd,
      inputDataType: types[0]!.dtype.name,
      numInputVectors: sizeOf(types[0]!.shape.slice(0, -1)),
    },
  }),
  samples() {
    const sample = (dtype: DataType, parts: readonly number[], pixels: readonly number[], simd: number) =>
      layerOf(streamingSplit, [input('x', { dtype, shape: [...pixels, sum(parts)] })], { parts, simd }, ['sample']);
    return [
      sample(uint(4), [6, 2], [1, 2, 3], 2),
      sample(int(5), [4, 8, 4], [3], 4),
      sample(BIPOLAR, [3, 5], [2], 1),
      sample(int(2), [6, 6], [1, 4], 6),
      sample(uint(8), [1, 9, 2, 4], [1, 3, 1], 1),
    ];
  },
};
