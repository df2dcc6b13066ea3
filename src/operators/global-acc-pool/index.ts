import { completes, reductionCost, reductionDepth, reductionVerilog } from '../../hdl/reduction.ts';
import { BIPOLAR, type DataType, int, smallest, TERNARY, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, tensor } from '../../ir/tensor.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { lowerSum } from './lower.ts';
import { type GlobalAccPoolAttrs, reductionOf } from './sizes.ts';

const name = 'GlobalAccPool';

/**
 * Sum of each channel over an image, x[1, H, W, C] → [1, 1, 1, C] or [1, C]. The sums leave while the last pixel is taken, so that the next
 * image follows at once. (FINN's GlobalAccPool gives them in C/PE cycles of their own.)
 */
export const globalAccPool: Operator<GlobalAccPoolAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'The sum of each channel over all rows and columns.',
  fields: {
    pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' },
    memory: {
      doc: 'where the sums so far wait',
      type: 'choice',
      choices: ['auto', 'register', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer([x], { pe, keepdims }, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const [batch, height, width, channels] = shape as [number, number, number, number];
    if (shape.length !== 4 || batch !== 1)
      illegal(
        'layer/input',
        name,
        context,
        `its input [${shape.join(', ')}] is not one image of height × width × channels`,
      );
    mustDivide(name, context, 'pe', pe, channels, 'channels');
    const count = height * width;
    const ends = [Math.min(0, dtype.min * count), Math.max(0, dtype.max * count)] as const;
    if (dtype.bits > 32)
      illegal('layer/input', name, context, `its input is ${dtype.name}`, 'at most 32 bits are possible');
    return [{ dtype: smallest(...ends), shape: keepdims ? [1, 1, 1, channels] : [1, channels] }];
  },
  evaluate([x], _attrs, { types }) {
    const { dtype, shape } = types[0]!;
    const channels = shape.at(-1)!;
    const out = allocate(dtype, channels);
    for (let i = 0; i < x!.data.length; i += 1) out[i % channels]! += x!.data[i]!;
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerSum(globalAccPool, node),
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ inputs: [x], attrs: { pe }, types }) => [
    streamPort('s_axis_0', 'in', x!.type, pe),
    streamPort('m_axis_0', 'out', types[0]!, pe),
  ],
  cycles: (layer) => globalAccPool.streams(layer)[0]!.beats,
  schedule(layer) {
    const { walk, lanes } = reductionOf(layer);
    return {
      interval: globalAccPool.cycles(layer),
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
    const streams = globalAccPool.streams(layer);
    const source = reductionVerilog(reductionOf(layer), device, top, streams);
    return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
  },
  finn({ inputs: [x], attrs }) {
    const { dtype, shape } = x!.type;
    return {
      opType: 'GlobalAccPool_hls',
      attributes: {
        NumChannels: shape.at(-1)!,
        PE: attrs.pe,
        inputDataType: dtype.name,
        numInputVectors: `[${shape.slice(0, -1).join(', ')}]`,
      },
    };
  },
  samples,
};

function samples(): Layer<GlobalAccPoolAttrs>[] {
  const sample = (
    dtype: DataType,
    image: readonly [number, number, number],
    pe: number,
    attrs: Partial<GlobalAccPoolAttrs> = {},
  ) => {
    const x = input('x', { dtype, shape: [1, ...image] });
    return layerOf<GlobalAccPoolAttrs>(globalAccPool, [x], { pe, keepdims: 1, memory: 'auto', ...attrs }, ['sample']);
  };
  return [
    sample(uint(4), [4, 4, 6], 2),
    sample(BIPOLAR, [3, 3, 4], 4, { keepdims: 0 }),
    sample(BIPOLAR, [2, 4, 4], 1),
    sample(int(4), [7, 1, 6], 3),
    sample(TERNARY, [2, 2, 2], 1, { memory: 'register' }),
    sample(int(8), [1, 1, 3], 1),
    sample(uint(2), [5, 3, 24], 1, { memory: 'block' }),
    sample(uint(8), [2, 3, 20], 4),
    sample(uint(1), [2, 2, 1], 1, { keepdims: 0 }),
  ];
}
