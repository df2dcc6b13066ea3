import { FLOAT64, int, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { finn, onnx, qonnx } from '../ops.ts';
import { refuseAutoPad } from './auto-pad.ts';
import { combine, type Integers, isZero, mapped, perChannel, type Range } from './carried.ts';
import { constantTensor } from './constants.ts';
import { absorbAffine } from './elementwise.ts';
import { isPlain } from './real.ts';
import { onHost, type Rule } from './rule.ts';
import { signed } from './signs.ts';
import { chainFunction, isMonotone, widensChannels } from './thresholds.ts';

const scaled = ({ min, max }: Range, count: number): Range => ({
  min: min.map((v) => v * count),
  max: max.map((v) => v * count),
});

const spatialOf = (node: Node): readonly number[] => node.inputs[0]!.type.shape.slice(2);

/** The sum of integers over some of the tensor's elements, then one division, which the scale takes. */
function averaged(from: Integers, sums: Integers['base'], count: number): Integers {
  const scale = mapped(from.scale, (s) => s / count);
  return { ...from, base: sums, scale, range: scaled(from.range, count) };
}

/** What an average may look at: integers with nothing but scale and shift before them. */
const linear = (from: Integers): Integers | undefined => {
  const x = absorbAffine(from);
  return x.links.length === 0 ? x : undefined;
};

/** The mean of scale · q + offset is scale/count · Σq + offset. */
export const averagePoolRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  if (from.kind !== 'integers') return onHost(node, inputs, 'it averages reals');
  const x = linear(from);
  if (!x) return onHost(node, inputs, 'what lies before it is not quantised', 'quantise its input in front of it');
  const pads = (node.attrs['pads'] as readonly number[] | undefined) ?? [];
  const isPadded = pads.some((n) => n > 0);
  const kernel = node.attrs['kernel_shape'] as readonly number[];
  refuseAutoPad(node, kernel);
  if (isPadded && !Number(node.attrs['count_include_pad'] ?? 0))
    return onHost(
      node,
      inputs,
      `windows at its edges have fewer elements than others (pads [${pads.join(', ')}], count_include_pad 0)`,
      'set count_include_pad to 1 and train with it, or pool without pads',
    );
  if (isPadded && !isZero(x.offset))
    return onHost(node, inputs, 'it pads with zero, and its input has a shift', 'pool without pads');
  if (Number(node.attrs['ceil_mode'] ?? 0) && overhangs(node, kernel))
    return onHost(
      node,
      inputs,
      'its last windows have fewer elements than others (ceil_mode)',
      'set ceil_mode to 0, or pool windows that fill the image',
    );
  return [averaged(x, apply(finn('SumPool'), [x.base], node.attrs, node.origin), sizeOf(kernel))];
};

/** Does a window of a pool with ceil_mode reach beyond the padded image? */
function overhangs(node: Node, kernel: readonly number[]): boolean {
  const list = (name: string, otherwise: readonly number[]): readonly number[] =>
    (node.attrs[name] as readonly number[] | undefined) ?? otherwise;
  const size = spatialOf(node);
  const ones = size.map(() => 1);
  const [strides, dilations] = [list('strides', ones), list('dilations', ones)];
  const pads = list('pads', [...size, ...size].fill(0));
  return node.types[0]!.shape.slice(2).some((out, i) => {
    const reach = (out - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1;
    return reach > size[i]! + pads[i]! + pads[i + size.length]!;
  });
}

/** GlobalAveragePool; ReduceMean and ReduceSum over all spatial axes, or over the steps of a sequence. */
export const globalAverageRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  if (from.kind !== 'integers') return onHost(node, inputs, 'it averages reals');
  const { shape } = from.base.type;
  const reduces = node.op !== onnx('GlobalAveragePool');
  const isSum = node.op === onnx('ReduceSum');
  const given = reduces ? reducedAxes(node, shape.length) : shape.map((_, i) => i).slice(2);
  if (!given) return onHost(node, inputs, 'its axes depend on the input');
  const axes = [...given].sort((a, b) => a - b);
  const spatial = shape.length > 2 && axes.length === shape.length - 2 && axes.every((axis, i) => axis === i + 2);
  // Embeddings are batch × sequence × features, and are averaged over the sequence.
  const sequence = shape.length === 3 && axes.length === 1 && axes[0] === 1;
  if (!spatial && !sequence)
    return onHost(
      node,
      inputs,
      `it runs over axes [${axes.join(', ')}] of [${shape.join(', ')}], and circuits add up all spatial axes`,
      `reduce over axes [${shape
        .map((_, i) => i)
        .slice(2)
        .join(', ')}]`,
    );
  const x = linear(from);
  const perFeature = x && (sequence ? x.scale.data.length > 1 || x.offset.data.length > 1 : false);
  if (!x || perFeature)
    return onHost(
      node,
      inputs,
      'what lies before it is not quantised with one scale',
      'quantise its input in front of it, with one scale',
    );
  const keepdims = reduces ? Number(node.attrs['keepdims'] ?? 1) : 1;
  const list = constant(tensor(int(64), [axes.length], axes));
  const sums = apply(onnx('ReduceSum'), [x.base, list], { keepdims }, node.origin);
  const count = axes.reduce((n, axis) => n * shape[axis]!, 1);
  const mean = averaged(x, sums, count);
  const made = isSum ? { ...mean, scale: x.scale, offset: mapped(x.offset, (o) => o * count) } : mean;
  const flat = (t: Tensor): Tensor =>
    keepdims || t.data.length === 1 ? t : tensor(FLOAT64, [1, t.data.length], t.data);
  const range = sequence ? { min: made.range.min.slice(0, 1), max: made.range.max.slice(0, 1) } : made.range;
  return [{ ...made, scale: flat(made.scale), offset: flat(made.offset), range }];
};

function reducedAxes(node: Node, rank: number): number[] | undefined {
  const given = node.inputs[1] ? constantTensor(node.inputs[1]!)?.data : (node.attrs['axes'] as number[] | undefined);
  return given && Array.from(given, (axis) => (axis < 0 ? axis + rank : axis));
}

/**
 * The greatest of f(q) is f of the greatest q where f rises, and of the least where it falls: channels that fall are
 * negated in front. What lies before need not be quantised, but must only rise or only fall in each channel.
 */
export const maxPoolRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  if (from.kind !== 'integers') return onHost(node, inputs, 'it takes the greatest of reals');
  const { shape } = from.base.type;
  const attrs = { ...node.attrs };
  if (node.op === onnx('GlobalMaxPool')) Object.assign(attrs, { kernel_shape: spatialOf(node) });
  refuseAutoPad(node, attrs['kernel_shape'] as readonly number[]);
  const channels = shape[1]!;
  const rank = shape.length;
  const [scale, offset] = [perChannel(from.scale, rank, channels), perChannel(from.offset, rank, channels)];
  const chain = scale && offset && { channels, rank, scale, offset, links: from.links };
  if (!chain || widensChannels(chain))
    return onHost(node, inputs, 'what lies before it varies along another axis than the channels');
  const unproved = from.links.find((link) => !isMonotone(link));
  if (unproved)
    return onHost(
      node,
      inputs,
      `'${unproved.node.origin[0]}' (${unproved.node.op.name}) before it may not be monotone`,
    );
  const ends = new Float64Array(2 * channels);
  const bound = (list: Float64Array, c: number): number => list[list.length === 1 ? 0 : c]!;
  for (let c = 0; c < channels; c += 1) {
    ends[c] = bound(from.range.min, c);
    ends[channels + c] = bound(from.range.max, c);
  }
  const reals = chainFunction(chain)(ends);
  const signs = Int8Array.from({ length: channels }, (_, c) => (reals[channels + c]! < reals[c]! ? -1 : 1));
  if (signs.every((sign) => sign > 0))
    return [{ ...from, base: apply(onnx('MaxPool'), [from.base], attrs, node.origin) }];
  const by = tensor(FLOAT64, [1, channels, ...new Array<number>(rank - 2).fill(1)], Float64Array.from(signs));
  const turned = combine(
    by,
    from.scale.data.length === 1 ? from.scale : tensor(FLOAT64, by.shape, scale),
    (a, b) => a * b,
  )!;
  return [
    {
      ...from,
      base: apply(onnx('MaxPool'), [signed(from.base, signs)], attrs, node.origin),
      scale: turned,
      range: {
        min: Float64Array.from(signs, (sign, c) => (sign > 0 ? bound(from.range.min, c) : -bound(from.range.max, c))),
        max: Float64Array.from(signs, (sign, c) => (sign > 0 ? bound(from.range.max, c) : -bound(from.range.min, c))),
      },
    },
  ];
};

/** QuantAvgPool2d: the sum, then the steps of its shift as thresholds, which a Pool takes for the shift that they are. */
export const quantAveragePoolRule: Rule = (node, inputs) => {
  const from = inputs[0]!;
  if (from.kind !== 'integers' || !isPlain(from)) return onHost(node, inputs, 'it averages what is no integer');
  const kernel = Number(node.attrs['kernel']);
  const [ibits, obits] = [Number(node.attrs['ibits']), Number(node.attrs['obits'])];
  const sum = Math.ceil(Math.log2((2 ** ibits - 1) * kernel * kernel + 1));
  const shift = Math.max(0, sum - obits);
  const pool = {
    kernel_shape: [kernel, kernel],
    strides: [Number(node.attrs['stride']), Number(node.attrs['stride'])],
  };
  const origin = [...node.origin];
  const sums = apply(finn('SumPool'), [from.base], pool, [...origin, 'sum']);
  const range = scaled(from.range, kernel * kernel);
  const floor = (v: number): number => Math.floor(v / 2 ** shift);
  const [low, high] = [floor(Math.min(...range.min)), floor(Math.max(...range.max))];
  const steps = Float64Array.from({ length: high - low }, (_, j) => (low + 1 + j) * 2 ** shift);
  if (steps.length === 0) return onHost(node, inputs, `it gives ${low} for every input`);
  const thresholds = constant(tensor(smallest(Math.min(0, steps[0]!), steps.at(-1)!), [1, steps.length], steps));
  const dtype = smallest(low, high);
  const attrs = { out_dtype: dtype.name, out_scale: 1, out_bias: low, data_layout: 'NCHW' };
  const base = apply(qonnx('MultiThreshold'), [sums, thresholds], attrs, origin);
  return [{ ...from, base, range: { min: Float64Array.of(low), max: Float64Array.of(high) } }];
};
