import {
  type Attrs,
  allocate,
  apply,
  definePlugin,
  illegal,
  input,
  int,
  integerInput,
  type Layer,
  layerOf,
  type Operator,
  sizeOf,
  streamPort,
  tensor,
  uint,
} from 'finn';

interface PickAttrs extends Attrs {
  /** For each channel of the output, the channel of the input that it is. */
  readonly from: readonly number[];
}

const name = 'PickChannels';
/** Wider beats than this are hard to route. */
const widest = 4096;

const pickChannels: Operator<PickAttrs> = {
  name,
  domain: 'example.plugins',
  doc: 'Channels in another order, or only some of them: a register and wires.',
  fields: {},

  // Meaning: the type of the output, and its values. The circuit is right if it agrees with `evaluate`.
  infer([x], { from }, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const channels = shape.at(-1)!;
    const wrong = from.find((channel) => !(Number.isInteger(channel) && channel >= 0 && channel < channels));
    if (wrong !== undefined)
      illegal('layer/attribute', name, context, `there is no channel ${wrong}`, `use 0 to ${channels - 1}`);
    return [{ dtype, shape: [...shape.slice(0, -1), from.length] }];
  },
  evaluate([x], { from }, { types }) {
    const { dtype, shape } = types[0]!;
    const channels = x!.shape.at(-1)!;
    const out = allocate(dtype, sizeOf(shape));
    for (let i = 0; i < out.length; i += 1)
      out[i] = x!.data[Math.floor(i / from.length) * channels + from[i % from.length]!]!;
    return [tensor(dtype, shape, out)];
  },

  // A Gather of known channels, which finn itself leaves to the host or refuses, becomes this layer.
  lower({ op, inputs: [x, indices], attrs, origin }) {
    if (op.domain !== '' || op.name !== 'Gather' || indices?.kind !== 'constant') return undefined;
    if (!x?.type.dtype.integer || x.kind === 'constant' || indices.type.shape.length !== 1) return undefined;
    const { shape, dtype } = x.type;
    const axis = Number(attrs['axis'] ?? 0);
    if (axis !== -1 && axis !== shape.length - 1)
      return { refused: `it picks along axis ${axis}, which is not channels` };
    const channels = shape.at(-1)!;
    if (channels * dtype.bits > widest) return { refused: `${channels} channels of ${dtype.name} are too many wires` };
    const from = Array.from(indices.tensor.data, (index) => (index < 0 ? index + channels : index));
    return { value: apply(pickChannels, [x], { from }, origin) };
  },

  // All channels of a pixel are in one beat: there is nothing to fold.
  parallel: () => ({}),
  streams: ({ inputs: [x], types }) => [
    streamPort('s_axis_0', 'in', x!.type, x!.type.shape.at(-1)!),
    streamPort('m_axis_0', 'out', types[0]!, types[0]!.shape.at(-1)!),
  ],
  cycles: ({ types }) => sizeOf(types[0]!.shape.slice(0, -1)),
  schedule: (layer) => ({
    interval: pickChannels.cycles(layer),
    period: 1,
    takes: () => true,
    gives: () => true,
    depth: 1,
  }),

  resources: ({ attrs: { from }, types }) => ({ lut: 3, ff: from.length * types[0]!.dtype.bits + 1, bram: 0, dsp: 0 }),
  rtl(layer, _device, top) {
    const streams = pickChannels.streams(layer);
    const [taken, given] = streams;
    const { bits } = taken!;
    // The first channel is in the least significant bits.
    const picked = [...layer.attrs.from].reverse().map((channel) => `s_axis_0_tdata[${channel * bits} +: ${bits}]`);
    const verilog = `// Channels ${layer.attrs.from.join(', ')}.
module ${top} (
  input  wire ap_clk,
  input  wire ap_rst_n,
  input  wire [${taken!.width - 1}:0] s_axis_0_tdata,
  input  wire s_axis_0_tvalid,
  output wire s_axis_0_tready,
  output reg  [${given!.width - 1}:0] m_axis_0_tdata,
  output reg  m_axis_0_tvalid,
  input  wire m_axis_0_tready
);
  // Not every channel need be picked.
  wire unused = &{1'b0, s_axis_0_tdata};
  assign s_axis_0_tready = m_axis_0_tready | ~m_axis_0_tvalid;
  always @(posedge ap_clk)
    if (!ap_rst_n) m_axis_0_tvalid <= 1'b0;
    else if (s_axis_0_tready) m_axis_0_tvalid <= s_axis_0_tvalid;
  always @(posedge ap_clk)
    if (s_axis_0_tready) m_axis_0_tdata <= {${picked.join(', ')}};
endmodule
`;
    return { top, sources: { [`${top}.v`]: verilog }, memories: {}, streams };
  },
  finn: () => ({ opType: 'PickChannels_rtl', attributes: {} }),
  samples,
};

/** Small legal layers: finn's conformance test simulates each, with stalls, and holds it to every member above. */
function samples(): Layer<PickAttrs>[] {
  const sample = (shape: readonly number[], dtype = int(4), from: readonly number[]) =>
    layerOf(pickChannels, [input('x', { dtype, shape })], { from }, ['sample']);
  return [
    sample([1, 6], int(4), [5, 4, 3, 2, 1, 0]),
    sample([2, 3, 3, 4], uint(3), [0, 2, 1, 3]),
    sample([3, 8], uint(2), [7, 0]),
    sample([4, 2], int(9), [1, 1, 0]),
  ];
}

export const plugin = definePlugin({ name: 'pick-channels', operators: [pickChannels] });
