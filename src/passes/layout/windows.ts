import { smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node, type Value } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { finn, onnx, qonnx } from '../ops.ts';
import { list } from './form.ts';

type Pair = readonly [number, number];

/** How a kernel moves over an image of two axes; one-dimensional ones have a width of 1. */
export interface Geometry {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Rows above, columns before; rows below, columns behind. */
  readonly begin: Pair;
  readonly end: Pair;
}

const pairOf = (given: unknown, otherwise: readonly number[], one: number): Pair => {
  const values = (given as readonly number[] | undefined) ?? otherwise;
  return [values[0] ?? one, values[1] ?? one];
};

/** The geometry of a Conv or pool node, for the image's own size; what is left over at the end is read by no window. */
export function geometryOf(node: Node, kernelShape: readonly number[]): Geometry {
  const { shape } = node.inputs[0]!.type;
  const axes = shape.length - 2;
  const kernel = pairOf(kernelShape, kernelShape, 1);
  const stride = pairOf(node.attrs['strides'], new Array<number>(axes).fill(1), 1);
  const dilation = pairOf(node.attrs['dilations'], new Array<number>(axes).fill(1), 1);
  const pads = (node.attrs['pads'] as readonly number[] | undefined) ?? new Array<number>(2 * axes).fill(0);
  const begin: Pair = [pads[0]!, axes > 1 ? pads[1]! : 0];
  const out = node.types[0]!.shape;
  const end = [0, 1].map((i) => {
    if (i >= axes) return 0;
    const reach = (out[i + 2]! - 1) * stride[i]! + (kernel[i]! - 1) * dilation[i]! + 1;
    return Math.max(0, reach - shape[i + 2]! - begin[i]!);
  }) as unknown as Pair;
  return { kernel, stride, dilation, begin, end };
}

/** Rows and columns of `value` round an image, which is N×H×W×C. */
export function padded(
  x: Value,
  { begin, end }: Pick<Geometry, 'begin' | 'end'>,
  value: number,
  origin: readonly string[],
): Value {
  if ([...begin, ...end].every((n) => n === 0)) return x;
  const pads = list([0, begin[0], begin[1], 0, 0, end[0], end[1], 0]);
  const filling = constant(tensor(smallest(value, value), [], [value]));
  return apply(onnx('Pad'), [x, pads, filling], { mode: 'constant' }, [...origin, 'pad']);
}

/** The windows of a padded image; the image itself where each window is one pixel after the other. */
export function windowed(
  x: Value,
  { kernel, stride, dilation }: Geometry,
  depthwise: boolean,
  origin: readonly string[],
): Value {
  if ([...kernel, ...stride].every((n) => n === 1)) return x;
  const attrs = {
    kernel_size: [...kernel],
    stride: [...stride],
    dilations: [...dilation],
    pad_amount: [0, 0, 0, 0],
    input_shape: `(${x.type.shape.join(', ')})`,
    depthwise: depthwise ? 1 : 0,
  };
  return apply(qonnx('Im2Col'), [x], attrs, [...origin, 'window']);
}

/** Outputs whose weights are reordered together. */
const AT_ONCE = 16;

/** Weights [O, I, …k] as the matrix [k·I, O] that windows are multiplied by. */
export function denseMatrix(w: Tensor): Tensor {
  const [outputs, inputs] = w.shape as [number, number];
  const k = sizeOf(w.shape.slice(2));
  const data = new Float64Array(w.data.length);
  // Some outputs at a time: both what is read and what is written then stay in the cache.
  for (let from = 0; from < outputs; from += AT_ONCE)
    for (let i = 0; i < inputs; i += 1)
      for (let p = 0; p < k; p += 1)
        for (let o = from; o < Math.min(outputs, from + AT_ONCE); o += 1)
          data[(p * inputs + i) * outputs + o] = w.data[(o * inputs + i) * k + p]!;
  return tensor(w.dtype, [k * inputs, outputs], data);
}

/** Weights [C, 1, …k] as the matrix [k, C] of a depthwise convolution. */
export function depthwiseMatrix(w: Tensor): Tensor {
  const channels = w.shape[0]!;
  const k = sizeOf(w.shape.slice(2));
  const data = Float64Array.from(w.data, (_, at) => w.data[(at % channels) * k + Math.floor(at / channels)]!);
  return tensor(w.dtype, [k, channels], data);
}

/** Weights [I, O, …k] of a transposed convolution as the [O, I, …k] of the convolution that it is on spread pixels. */
export function flippedWeights(w: Tensor): Tensor {
  const [inputs, outputs] = w.shape as [number, number];
  const k = sizeOf(w.shape.slice(2));
  const data = new Float64Array(w.data.length);
  for (let i = 0; i < inputs; i += 1)
    for (let o = 0; o < outputs; o += 1)
      for (let p = 0; p < k; p += 1) data[(o * inputs + i) * k + (k - 1 - p)] = w.data[(i * outputs + o) * k + p]!;
  return tensor(w.dtype, [outputs, inputs, ...w.shape.slice(2)], data);
}

/** The sum of an image's pixels, channel by channel, N×1×1×C. */
export const summedImage = (x: Value, keepdims: 0 | 1, origin: readonly string[]): Value =>
  apply(onnx('ReduceSum'), [x, list([1, 2])], { keepdims }, origin);

export const spreadPixels = (x: Value, stride: Pair, origin: readonly string[]): Value =>
  stride.every((n) => n === 1) ? x : apply(finn('InsertPixels'), [x], { strides: [...stride] }, [...origin, 'pixels']);
