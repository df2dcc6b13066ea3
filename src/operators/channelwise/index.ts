import { memoryFlipFlops, memoryLuts } from '../../hdl/memory.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { smallest } from '../../ir/datatype.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { illegal, integerInput, mustDivide, streamPort } from '../layer.ts';
import type { Operator } from '../operator.ts';
import { onPixels } from '../pixels.ts';
import { type ChannelwiseAttrs, type ChannelwiseFunction, channelwiseFunctions, planOf } from './functions.ts';
import { lowerChannelwise } from './lower.ts';
import { channelwiseRtl, laneLuts } from './rtl.ts';
import { channelwiseSamples } from './samples.ts';

const name = 'ChannelwiseOp';

/** FINN's names of the functions that it has. */
const finnFunctions: Partial<Record<ChannelwiseFunction, string>> = {
  Add: 'add',
  Mul: 'mul',
  LessOrEqual: 'cmp_le',
  GreaterOrEqual: 'cmp_ge',
};

export const channelwise: Operator<ChannelwiseAttrs> = onPixels<ChannelwiseAttrs>({
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'A function of each element and a constant, which is one for all or one for each channel.',
  fields: {
    pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' },
    memory: {
      doc: 'where constants lie that are not in logic',
      type: 'choice',
      choices: ['auto', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer([x, constants], attrs, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const channels = shape.at(-1)!;
    mustDivide(name, context, 'pe', attrs.pe, channels, 'channels');
    const fn = channelwiseFunctions[attrs.function];
    if (!fn) illegal('layer/attribute', name, context, `it has no function '${attrs.function}'`);
    if (constants?.kind !== 'constant') return illegal('layer/input', name, context, 'its constants are not constant');
    const { shape: rows, data } = constants.tensor;
    if (rows.length !== 2 || rows[1] !== 1 || (rows[0] !== 1 && rows[0] !== channels))
      illegal('layer/input', name, context, `constants of shape [${rows}]`, `they must be [1 or ${channels}, 1]`);
    if (!data.every(Number.isSafeInteger)) illegal('layer/input', name, context, 'its constants are not integers');
    let [min, max] = [Infinity, -Infinity];
    for (const c of data) {
      const [low, high] = fn.range([dtype.min, dtype.max], c);
      [min, max] = [Math.min(min, low), Math.max(max, high)];
    }
    const output = smallest(min, max);
    if (output.bits > 53) illegal('layer/input', name, context, `its output has ${output.bits} bits`, 'at most 53');
    return [{ dtype: output, shape }];
  },
  evaluate([x, constants], attrs, { types }) {
    const { dtype, shape } = types[0]!;
    const { value } = channelwiseFunctions[attrs.function];
    const out = allocate(dtype, sizeOf(shape));
    const rows = constants!.data.length;
    const channels = shape.at(-1)!;
    for (let i = 0; i < out.length; i += 1)
      out[i] = value(x!.data[i]!, constants!.data[rows === 1 ? 0 : i % channels]!);
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerChannelwise(channelwise, node),
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ inputs: [x], attrs: { pe }, types }) => [
    streamPort('s_axis_0', 'in', x!.type, pe),
    streamPort('m_axis_0', 'out', types[0]!, pe),
  ],
  cycles: ({ attrs: { pe }, types }) => sizeOf(types[0]!.shape) / pe,
  schedule: (layer) => ({
    interval: channelwise.cycles(layer),
    period: 1,
    takes: () => true,
    gives: () => true,
    depth: planOf(layer).rom ? 2 : 1,
  }),
  resources(layer, device) {
    const { pe } = layer.attrs;
    const { rom, block } = planOf(layer, device);
    const lanes = Array.from({ length: pe }, (_, i) => laneLuts(layer, i, device));
    const lut = Math.ceil(lanes.reduce((a, b) => a + b, 0)) + 4;
    const ff = pe * layer.types[0]!.dtype.bits + 1;
    if (!rom) return { lut, ff, bram: 0, dsp: 0 };
    const bits = Math.ceil(Math.log2(rom.depth));
    const held = ff + 1 + pe * layer.inputs[0]!.type.dtype.bits + bits;
    if (block) return { lut: lut + 2 * bits, ff: held, bram: romBlocks(device.family, rom), dsp: 0 };
    return {
      lut: lut + 2 * bits + memoryLuts(device.family, rom),
      ff: held + memoryFlipFlops(device.family, rom),
      bram: 0,
      dsp: 0,
    };
  },
  rtl: (layer, device, top) => channelwiseRtl(layer, device, top, channelwise.streams(layer)),
  finn(layer) {
    const { attrs, types, inputs } = layer;
    const { shape, dtype } = types[0]!;
    const channels = shape.at(-1)!;
    return {
      opType: 'ChannelwiseOp_hls',
      attributes: {
        Func: finnFunctions[attrs.function] ?? attrs.function.toLowerCase(),
        NumChannels: channels,
        PE: attrs.pe,
        inputDataType: inputs[0]!.type.dtype.name,
        outputDataType: dtype.name,
        paramDataType: planOf(layer).type.name,
        numInputVectors: sizeOf(shape) / channels,
      },
    };
  },
  samples: () => channelwiseSamples(channelwise),
});
