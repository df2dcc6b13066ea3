import { bug } from '../../diagnostics/diagnostic.ts';
import { int } from '../../ir/datatype.ts';
import { apply, constant, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import { constantTensor } from '../streamline/constants.ts';

/**
 * How a value of the network lies in the channels-last network. as-is: the same. image: N×C×H×W as N×H×W×C, N×C×W as
 * N×W×1×C. flat: N×K, whose element i is element order[i] of the network's.
 */
export type Form =
  | { readonly kind: 'as-is'; readonly value: Value }
  | { readonly kind: 'image'; readonly value: Value }
  | { readonly kind: 'flat'; readonly value: Value; readonly order: Int32Array };

export const asIs = (value: Value): Form => ({ kind: 'as-is', value });
export const image = (value: Value): Form => ({ kind: 'image', value });

/** A list of integers as ONNX's constant. */
export const list = (values: readonly number[]): Value => constant(tensor(int(64), [values.length], values));

/** N×H×W×C of a network's shape N×C×H×W or N×C×W. */
export const imageShape = (shape: readonly number[]): number[] => [shape[0]!, shape[2]!, shape[3] ?? 1, shape[1]!];

/** The value under another shape of equal size; itself where that is its own. */
export function viewed(value: Value, shape: readonly number[], origin: readonly string[]): Value {
  if (value.type.shape.join() === shape.join()) return value;
  // A view of a view looks through it.
  const from = value.kind === 'node' && value.node.op === onnx('Reshape') ? value.node.inputs[0]! : value;
  return from.type.shape.join() === shape.join() ? from : apply(onnx('Reshape'), [from, list(shape)], {}, origin);
}

/** Is moving axis 1 behind the others no more than another shape? */
const isShapeOnly = (shape: readonly number[]): boolean => shape[1] === 1 || sizeOf(shape.slice(2)) === 1;

/** A value that lies as in the network, of shape N×C×…, with the channels last. */
export function toImage(value: Value, origin: readonly string[]): Value {
  const { shape } = value.type;
  if (isShapeOnly(shape)) return viewed(value, imageShape(shape), origin);
  const perm = shape.length === 3 ? [0, 2, 1] : [0, 2, 3, 1];
  return viewed(apply(onnx('Transpose'), [value], { perm }, origin), imageShape(shape), origin);
}

/** An image as it lies in the network, in `shape` N×C×…. */
export function fromImage(value: Value, shape: readonly number[], origin: readonly string[]): Value {
  if (isShapeOnly(shape)) return viewed(value, shape, origin);
  const perm = shape.length === 3 ? [0, 2, 1] : [0, 3, 1, 2];
  const [n, h, w, c] = value.type.shape as [number, number, number, number];
  const there = viewed(value, shape.length === 3 ? [n, h * w, c] : [n, h, w, c], origin);
  return apply(onnx('Transpose'), [there], { perm }, origin);
}

/** Elements of the last axis picked by number. */
export const picked = (value: Value, order: ArrayLike<number>, origin: readonly string[]): Value =>
  apply(onnx('Gather'), [value, list(Array.from(order))], { axis: value.type.shape.length - 1 }, origin);

/** The order of the elements of an image's pixels and channels where the network flattens them channel by channel. */
export function flatOrder(shape: readonly number[]): Int32Array {
  const [channels, pixels] = [shape[1]!, sizeOf(shape.slice(2))];
  return Int32Array.from({ length: channels * pixels }, (_, i) => (i % channels) * pixels + Math.floor(i / channels));
}

export const isIdentity = (order: Int32Array): boolean => order.every((from, i) => from === i);

/** Inverse of an order. */
export function inverse(order: Int32Array): Int32Array {
  const back = new Int32Array(order.length);
  order.forEach((from, i) => {
    back[from] = i;
  });
  return back;
}

/** A constant that is broadcast over N×C×…, for the image. */
export function constantImage(t: Tensor, rank: number): Tensor {
  if (t.data.length === 1) return { ...t, shape: [] };
  const shape = [...new Array<number>(rank - t.shape.length).fill(1), ...t.shape];
  return constantTensor(toImage(constant({ ...t, shape }), [])) ?? bug('a constant in another order');
}

/** A node of several outputs, as values. */
export function outputsOf(
  op: Node['op'],
  inputs: readonly Value[],
  attrs: Node['attrs'],
  origin: readonly string[],
  count: number,
): Value[] {
  const made = makeNode(op, inputs, attrs, origin, count) as Node;
  return made.types.map((_, index) => output(made, index));
}
