import { admits, type DataType, int, parseDataType, uint } from '../../ir/datatype.ts';
import { constant, input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { clamp } from '../../util/maths.ts';
import { random } from '../../util/random.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { onPixels } from '../pixels.ts';
import { type RequantAttrs, sumRange } from './layer.ts';
import { lowerRequant } from './lower.ts';
import { requantResources } from './resources.ts';
import { depthOf, requantRtl } from './rtl.ts';

const name = 'Requant';

export const requant: Operator<RequantAttrs> = onPixels<RequantAttrs>({
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Each element times its channel’s factor, plus its offset, divided by a power of two, rounded down and clipped.',
  fields: {
    pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' },
    memory: {
      doc: 'where factors and offsets lie that are not in logic',
      type: 'choice',
      choices: ['auto', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer([x, factors, offsets], attrs, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const channels = shape.at(-1)!;
    mustDivide(name, context, 'pe', attrs.pe, channels, 'channels');
    if (factors?.kind !== 'constant' || offsets?.kind !== 'constant')
      return illegal('layer/input', name, context, 'its factors and offsets are not constant');
    const [a, b] = [factors.tensor, offsets.tensor];
    if (a.shape.join() !== b.shape.join() || a.shape[1] !== 1 || (a.shape[0] !== 1 && a.shape[0] !== channels)) {
      const hint = `both must be [1 or ${channels}, 1]`;
      illegal('layer/input', name, context, `factors of shape [${a.shape}], offsets of [${b.shape}]`, hint);
    }
    const reach = Math.max(...sumRange(dtype, a.data, b.data).map(Math.abs));
    if (![...a.data, ...b.data].every(Number.isSafeInteger) || reach >= 2 ** 52)
      illegal('layer/input', name, context, 'its sums are no integers of 53 bits');
    const { shift, low, high } = attrs;
    if (!(Number.isInteger(shift) && shift >= 0 && shift <= 48)) {
      illegal('layer/attribute', name, context, `shift is ${shift}`, 'use 0 to 48');
    }
    const output = parseDataType(attrs.output);
    if (!output?.integer || !(low <= high) || !admits(output, low) || !admits(output, high))
      return illegal('layer/attribute', name, context, `${low} to ${high} are no ${attrs.output}`);
    return [{ dtype: output, shape }];
  },
  evaluate([x, factors, offsets], { shift, low, high }, { types }) {
    const { dtype, shape } = types[0]!;
    const out = allocate(dtype, sizeOf(shape));
    const channels = shape.at(-1)!;
    const rows = factors!.data.length;
    for (let i = 0; i < out.length; i += 1) {
      const row = rows === 1 ? 0 : i % channels;
      const sum = factors!.data[row]! * x!.data[i]! + offsets!.data[row]!;
      out[i] = clamp(Math.floor(sum / 2 ** shift), low, high);
    }
    return [tensor(dtype, shape, out)];
  },
  lower: (node, lowering) => lowerRequant(requant, node, lowering),
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ inputs: [x], attrs, types }) => [
    streamPort('s_axis_0', 'in', x!.type, attrs.pe),
    streamPort('m_axis_0', 'out', types[0]!, attrs.pe),
  ],
  cycles: ({ attrs, types }) => sizeOf(types[0]!.shape) / attrs.pe,
  schedule: (layer) => ({
    interval: requant.cycles(layer),
    period: 1,
    takes: () => true,
    gives: () => true,
    depth: depthOf(layer),
  }),
  resources: requantResources,
  rtl: (layer, device, top) => requantRtl(layer, device, top, requant.streams(layer)),
  finn({ attrs, types, inputs }) {
    const { shape, dtype } = types[0]!;
    const channels = shape.at(-1)!;
    return {
      // FINN makes thresholds of it, and names it so in its folding files.
      opType: 'Thresholding_rtl',
      attributes: {
        NumChannels: channels,
        PE: attrs.pe,
        inputDataType: inputs[0]!.type.dtype.name,
        outputDataType: dtype.name,
        narrow: 0,
        numInputVectors: sizeOf(shape) / channels,
      },
    };
  },
  samples,
});

function samples(): Layer<RequantAttrs>[] {
  const values = random('requant samples');
  const sample = (
    dtype: DataType,
    shape: readonly number[],
    output: DataType,
    shift: number,
    factors: readonly [min: number, max: number, rows?: number],
    rest: Partial<RequantAttrs>,
  ) => {
    const [min, max, rows = shape.at(-1)!] = factors;
    const list = (low: number, high: number) =>
      constant(
        tensor(
          int(32),
          [rows, 1],
          Array.from({ length: rows }, () => values.int(low, high)),
        ),
      );
    return layerOf<RequantAttrs>(
      requant,
      [input('x', { dtype, shape }), list(min, max), list(-(2 ** (shift + 2)), 2 ** (shift + 3))],
      { shift, low: output.min, high: output.max, output: output.name, pe: 1, memory: 'auto', ...rest },
      ['sample'],
    );
  };
  return [
    sample(int(12), [2, 6], uint(8), 8, [20, 40], { pe: 2 }),
    sample(int(14), [1, 2, 2, 4], int(8), 10, [17, 60], { pe: 4 }),
    sample(uint(10), [3, 4], uint(6), 5, [3, 3, 1], { pe: 2 }),
    sample(int(9), [2, 12], uint(8), 4, [-15, 15], { pe: 3 }),
    sample(int(16), [2, 4], int(8), 9, [1, 1, 1], { pe: 4 }),
    sample(int(20), [1, 300], uint(8), 12, [64, 64], { pe: 1, memory: 'block' }),
    sample(uint(4), [2, 3], int(5), 0, [2, 3], { pe: 3, low: -9, high: 11 }),
    sample(int(10), [1, 8], uint(8), 12, [5, 9], { pe: 1, low: 3, high: 200 }),
  ];
}
