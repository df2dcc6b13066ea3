import { streamModule } from '../../hdl/stream-module.ts';
import { range } from '../../hdl/verilog.ts';
import { BIPOLAR, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { sizeOf } from '../../ir/tensor.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { Pixels } from '../pixels.ts';
import { onPixels } from '../pixels.ts';

export interface DuplicateStreamsAttrs extends Pixels {
  /** Readers of the input, two at least; each has an output of its own. */
  readonly outputs: number;
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
}

const name = 'DuplicateStreams';

const widthOf = ({ attrs, types }: Layer<DuplicateStreamsAttrs>): number => attrs.pe * types[0]!.dtype.bits;

export const duplicateStreams: Operator<DuplicateStreamsAttrs> = onPixels<DuplicateStreamsAttrs>({
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Every beat goes to each of the outputs as soon as its reader takes it; the next comes when all have it.',
  fields: { pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' } },
  infer([x], { outputs, pe }, context) {
    const type = integerInput(name, context, x);
    mustDivide(name, context, 'pe', pe, type.shape.at(-1)!, 'channels');
    if (!(Number.isInteger(outputs) && outputs >= 2 && outputs <= 32))
      illegal('layer/attribute', name, context, `outputs is ${outputs}`, 'use 2 to 32');
    return Array.from({ length: outputs }, () => type);
  },
  evaluate: ([x], { outputs }) => Array.from({ length: outputs }, () => x!),
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ attrs: { pe, outputs }, types }) => [
    streamPort('s_axis_0', 'in', types[0]!, pe),
    ...Array.from({ length: outputs }, (_, i) => streamPort(`m_axis_${i}`, 'out', types[i]!, pe)),
  ],
  cycles: ({ attrs: { pe }, types }) => sizeOf(types[0]!.shape) / pe,
  schedule: (layer) => ({
    interval: duplicateStreams.cycles(layer),
    period: 1,
    takes: () => true,
    gives: () => true,
    depth: 1,
  }),
  resources: (layer) => {
    const { outputs } = layer.attrs;
    return { lut: Math.ceil(1.5 * outputs) + 1, ff: widthOf(layer) + outputs, bram: 0, dsp: 0 };
  },
  rtl(layer, _device, top) {
    const { outputs } = layer.attrs;
    const streams = duplicateStreams.streams(layer);
    const source = streamModule(top, streams, (w) => {
      w.line(`reg ${range(widthOf(layer))} beat;`).line(`reg ${range(outputs)} waiting;`);
      const ready = Array.from({ length: outputs }, (_, i) => `m_axis_${outputs - 1 - i}_tready`).join(', ');
      w.line(`wire ${range(outputs)} left = waiting & ~{${ready}};`);
      w.line('wire move = ~|left;').line('assign s_axis_0_tready = move;');
      w.line('always @(posedge ap_clk) if (move) beat <= s_axis_0_tdata;');
      w.line(`always @(posedge ap_clk) if (!ap_rst_n) waiting <= ${outputs}'d0;`);
      w.line(`else waiting <= move ? {${outputs}{s_axis_0_tvalid}} : left;`);
      for (let i = 0; i < outputs; i += 1)
        w.line(`assign m_axis_${i}_tdata = beat;`).line(`assign m_axis_${i}_tvalid = waiting[${i}];`);
    });
    return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
  },
  finn: ({ attrs, types }) => {
    const { dtype, shape } = types[0]!;
    const channels = shape.at(-1)!;
    return {
      opType: 'DuplicateStreams_hls',
      attributes: {
        NumChannels: channels,
        NumOutputStreams: attrs.outputs,
        PE: attrs.pe,
        inputDataType: dtype.name,
        numInputVectors: sizeOf(shape) / channels,
      },
    };
  },
  samples() {
    const sample = (dtype: DataType, shape: readonly number[], outputs: number, pe: number) =>
      layerOf(duplicateStreams, [input('x', { dtype, shape })], { outputs, pe }, ['sample']);
    return [
      sample(int(4), [1, 2, 3, 6], 2, 2),
      sample(BIPOLAR, [1, 8], 3, 4),
      sample(uint(2), [3, 5], 2, 5),
      sample(uint(8), [1, 4, 1, 3], 5, 1),
    ];
  },
});
