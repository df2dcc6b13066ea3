import { thresholdCost, thresholdDepth } from '../../hdl/threshold-plan.ts';
import { admits, BIPOLAR, type DataType, int, parseDataType, TERNARY, uint } from '../../ir/datatype.ts';
import { constant, input } from '../../ir/graph.ts';
import { allocate, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { random } from '../../util/random.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { onPixels } from '../pixels.ts';
import { finnThresholding } from './finn.ts';
import { lowerThresholds } from './lower.ts';
import { thresholdingRtl } from './rtl.ts';
import { optionsOf, outputsOf, type ThresholdingAttrs } from './unit.ts';

const name = 'Thresholding';

export const thresholding: Operator<ThresholdingAttrs> = onPixels<ThresholdingAttrs>({
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'Each element becomes scale times the number of its channel’s thresholds that it reaches, plus bias.',
  fields: {
    pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' },
    memory: {
      doc: 'where thresholds lie that are not constants in logic',
      type: 'choice',
      choices: ['auto', 'lut', 'block'],
      finn: 'ram_style',
    },
  },
  infer([x, thresholds], attrs, context) {
    const type = integerInput(name, context, x);
    const channels = type.shape.at(-1)!;
    mustDivide(name, context, 'pe', attrs.pe, channels, 'channels');
    if (thresholds?.kind !== 'constant')
      return illegal('layer/input', name, context, 'its thresholds are not constant');
    const { shape } = thresholds.type;
    if (shape.length !== 2 || (shape[0] !== 1 && shape[0] !== channels)) {
      illegal('layer/input', name, context, `thresholds of shape [${shape}]`, `they must be [1 or ${channels}, steps]`);
    }
    const { sign } = attrs;
    if (sign && (sign.length !== channels || !sign.every((s) => s === 1 || s === -1))) {
      illegal('layer/attribute', name, context, `sign is not 1 or −1 for each of ${channels} channels`);
    }
    const dtype = outputType(attrs);
    const wrong = outputsOf(attrs, shape[1]!).find((value) => !dtype || !admits(dtype, value));
    if (!dtype || wrong !== undefined) {
      return illegal('layer/attribute', name, context, `it can give ${wrong}, which is no ${attrs.output}`);
    }
    return [{ dtype, shape: type.shape }];
  },
  evaluate([x, thresholds], attrs, { types }) {
    const type = types[0]!;
    const out = allocate(type.dtype, sizeOf(type.shape));
    const channels = type.shape.at(-1)!;
    const [rows, steps] = [thresholds!.shape[0]!, thresholds!.shape[1]!];
    const sorted = ascending(thresholds!).data;
    for (let i = 0; i < out.length; i += 1) {
      const channel = i % channels;
      const value = x!.data[i]! * (attrs.sign?.[channel] ?? 1);
      const from = rows === 1 ? 0 : channel * steps;
      out[i] = attrs.scale * reached(sorted, from, from + steps, value) + attrs.bias;
    }
    return [tensor(type.dtype, type.shape, out)];
  },
  lower: (node, lowering) => lowerThresholds(thresholding, node, lowering),
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ inputs: [x], attrs, types }) => [
    streamPort('s_axis_0', 'in', x!.type, attrs.pe),
    streamPort('m_axis_0', 'out', types[0]!, attrs.pe),
  ],
  cycles: ({ attrs, types }) => sizeOf(types[0]!.shape) / attrs.pe,
  schedule: (layer) => ({
    interval: thresholding.cycles(layer),
    period: 1,
    takes: () => true,
    gives: () => true,
    depth: depthOf(layer),
  }),
  resources(layer, device) {
    const unit = thresholdCost(optionsOf(layer, device));
    const depth = depthOf(layer);
    return { lut: unit.lut + depth + 8, ff: unit.ff + depth + 8, bram: unit.bram, dsp: 0 };
  },
  rtl: (layer, device, top) => thresholdingRtl(layer, device, top, thresholding.streams(layer)),
  finn: finnThresholding,
  samples,
});

/** Registers between input and output: those of the threshold unit, which are the same on every family. */
const depthOf = (layer: Layer<ThresholdingAttrs>): number => thresholdDepth(optionsOf(layer, { family: 'ice40' }));

/** How many of the ascending steps[from…to) are not greater than the value. */
function reached(steps: ArrayLike<number>, from: number, to: number, value: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - from;
}

const outputType = ({ output }: ThresholdingAttrs): DataType | undefined => {
  const dtype = parseDataType(output);
  return dtype?.integer ? dtype : undefined;
};

function samples(): Layer<ThresholdingAttrs>[] {
  const values = random('thresholding samples');
  const sample = (
    dtype: DataType,
    shape: readonly number[],
    steps: number,
    output: DataType,
    rest: Partial<ThresholdingAttrs>,
    perChannel = true,
  ) => {
    const rows = perChannel ? shape.at(-1)! : 1;
    const data = Array.from({ length: rows * steps }, () => values.int(dtype.min - 2, dtype.max + 2));
    return layerOf<ThresholdingAttrs>(
      thresholding,
      [input('x', { dtype, shape }), constant(ascending(tensor(int(32), [rows, steps], data)))],
      { pe: 1, memory: 'auto', scale: 1, bias: 0, output: output.name, ...rest },
      ['sample'],
    );
  };
  return [
    sample(int(8), [3, 8], 1, uint(1), { pe: 2 }),
    sample(int(6), [2, 4], 1, BIPOLAR, { pe: 4, scale: 2, bias: -1 }),
    sample(int(10), [1, 12], 3, uint(2), { pe: 3 }),
    sample(uint(8), [2, 2, 6], 7, int(4), { pe: 2, bias: -4 }),
    sample(int(9), [2, 6], 15, uint(4), { pe: 6 }),
    sample(uint(8), [4, 4], 255, int(8), { pe: 1, bias: -128, memory: 'block' }),
    sample(int(5), [2, 8], 6, uint(3), { pe: 2, sign: [1, -1, -1, 1, 1, 1, -1, 1] }),
    sample(BIPOLAR, [3, 4], 2, TERNARY, { pe: 2, bias: -1 }),
    sample(uint(4), [2, 6], 15, int(4), { pe: 3, bias: -8 }, false),
  ];
}

/** Rows in ascending order. */
function ascending(thresholds: Tensor): Tensor {
  const [, n] = thresholds.shape;
  const data = Float64Array.from(thresholds.data);
  for (let from = 0; from < data.length; from += n!) data.subarray(from, from + n!).sort();
  return tensor(thresholds.dtype, thresholds.shape, data);
}
