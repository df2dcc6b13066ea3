import { readFileSync } from 'node:fs';
import { streamChain } from '../../../src/hdl/stream-chain.ts';
import { int, uint } from '../../../src/ir/datatype.ts';
import { type Attrs, apply, input } from '../../../src/ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../../src/ir/tensor.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../../../src/operators/layer.ts';
import type { Layer, Operator } from '../../../src/operators/operator.ts';

export interface TemplateAttrs extends Attrs {
  /** Channels in one cycle. */
  readonly pe: number;
}

const name = 'Template';

/** The circuit of one beat, beside this file. */
const verilog = readFileSync(new URL('./template.sv', import.meta.url), 'utf8');

export const template: Operator<TemplateAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Each element becomes its magnitude.',
  fields: { pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' } },

  // Meaning: the types of the outputs, and their values. The circuit is right if it agrees with `evaluate`.
  infer([x], { pe }, context) {
    const { dtype, shape } = integerInput(name, context, x);
    mustDivide(name, context, 'pe', pe, shape.at(-1)!, 'channels');
    if (dtype !== int(dtype.bits))
      illegal('layer/input', name, context, `its input is ${dtype.name}`, 'use INT2…INT64');
    return [{ dtype: uint(dtype.bits), shape }];
  },
  evaluate([x], _attrs, { types }) {
    const { dtype, shape } = types[0]!;
    const out = allocate(dtype, sizeOf(shape));
    for (let i = 0; i < out.length; i += 1) out[i] = Math.abs(x!.data[i]!);
    return [tensor(dtype, shape, out)];
  },

  // Which nodes of the integer network become this layer. Refuse, with the reason, what is yours but cannot be built.
  lower(node) {
    if (node.op.domain !== '' || node.op.name !== 'Abs') return undefined;
    const [x] = node.inputs;
    if (!x?.type.dtype.integer) return { refused: 'its input is not integer' };
    return { value: apply(template, [x], { pe: 1 }, node.origin) };
  },

  // Parallelism and time: what folding may raise, the beats of a frame, its cycles, and when beats move.
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ inputs: [x], attrs: { pe }, types }) => [
    streamPort('s_axis_0', 'in', x!.type, pe),
    streamPort('m_axis_0', 'out', types[0]!, pe),
  ],
  cycles: ({ attrs: { pe }, types }) => sizeOf(types[0]!.shape) / pe,
  schedule: (layer) => ({ interval: template.cycles(layer), takes: () => true, gives: () => true, depth: 1 }),

  // Cost and circuit.
  resources: ({ attrs: { pe }, types }) => {
    const bits = pe * types[0]!.dtype.bits;
    return { lut: 2 * bits + 2, ff: bits + 1, bram: 0, dsp: 0 };
  },
  rtl(layer, _device, top) {
    const streams = template.streams(layer);
    const { lanes, bits, width } = streams[0]!;
    const module = `template #(.LANES(${lanes}), .BITS(${bits}))`;
    const sources = { [`${top}.v`]: streamChain(top, [{ module, width }], width), 'template.sv': verilog };
    return { top, sources, memories: {}, streams };
  },
  finn: ({ attrs: { pe } }) => ({ opType: 'Template_rtl', attributes: { PE: pe } }),
  samples,
};

/** Small legal layers: the conformance test simulates each, with stalls, and holds it to every member above. */
function samples(): Layer<TemplateAttrs>[] {
  const sample = (shape: readonly number[], bits: number, pe: number) =>
    layerOf(template, [input('x', { dtype: int(bits), shape })], { pe }, ['sample']);
  return [sample([2, 6], 4, 1), sample([2, 6], 4, 3), sample([1, 8], 9, 8), sample([3, 4], 2, 2)];
}
