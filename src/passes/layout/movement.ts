import { FLOAT32 } from '../../ir/datatype.ts';
import { apply, constant, type Node, output, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { finn, onnx, qonnx } from '../ops.ts';
import { asIs, type Form, flatOrder, image, imageShape, isIdentity, list, picked, viewed } from './form.ts';
import type { Layout, LayoutRule } from './layout.ts';
import { constantOf, inOwnOrder, isImage, reordered } from './nodes.ts';
import { remade } from './remade.ts';

/** A part of the image. */
export const sliceLayout: LayoutRule = (node, layout) => {
  const from = layout.form(node.inputs[0]!);
  if (from.kind !== 'image') return inOwnOrder(node, layout);
  const rank = node.types[0]!.shape.length;
  const numbers = (position: number, name: string): number[] | undefined => {
    const value = node.inputs[position];
    return value ? [...constantOf(value, node).data] : (node.attrs[name] as number[] | undefined);
  };
  const starts = numbers(1, 'starts')!;
  const axes = (numbers(3, 'axes') ?? starts.map((_, i) => i)).map((a) => (a < 0 ? a + rank : a));
  const to = axes.map((a) => (a === 0 ? 0 : a === 1 ? 3 : a - 1));
  const steps = numbers(4, 'steps') ?? starts.map(() => 1);
  const inputs = [from.value, list(starts), list(numbers(2, 'ends')!), list(to), list(steps)];
  return [image(apply(node.op, inputs, {}, node.origin))];
};

/** Pixels round the image. */
export const padLayout: LayoutRule = (node, layout) => {
  const from = layout.form(node.inputs[0]!);
  const rank = node.types[0]!.shape.length;
  if (from.kind !== 'image') return inOwnOrder(node, layout);
  const pads = [...constantOf(node.inputs[1], node).data];
  const side = (at: number): number[] => [pads[at]!, pads[at + 2]!, rank === 4 ? pads[at + 3]! : 0, pads[at + 1]!];
  return [
    image(apply(node.op, [from.value, list([...side(0), ...side(rank)]), node.inputs[2]], node.attrs, node.origin)),
  ];
};

/** An image of another size. */
export const resizeLayout: LayoutRule = (node, layout) => {
  if (!isImage(node)) return inOwnOrder(node, layout);
  const x = layout.image(node.inputs[0]!);
  const to = imageShape(node.types[0]!.shape);
  const scales = constant({
    ...tensor(
      constantOf(node.inputs[2] ?? node.inputs[3], node).dtype,
      [4],
      to.map((n, i) => n / x.type.shape[i]!),
    ),
  });
  return [image(apply(node.op, [x, undefined, scales], node.attrs, node.origin))];
};

/** Pixels repeated over an image that was one pixel, row or column: as Resize repeats them. */
export const expandLayout: LayoutRule = (node, layout) => {
  const [value] = node.inputs;
  const [before, after] = [value!.type.shape, node.types[0]!.shape];
  if (!isImage(node) || before.length !== after.length || before[0] !== after[0] || before[1] !== after[1])
    return inOwnOrder(node, layout);
  const x = layout.image(value!);
  const scales = imageShape(after).map((n, i) => n / x.type.shape[i]!);
  if (scales.every((n) => n === 1)) return [image(x)];
  return [image(apply(onnx('Resize'), [x, undefined, constant(tensor(FLOAT32, [4], scales))], repeated, node.origin))];
};

/** How Resize gives each pixel of its input the same number of pixels. */
const repeated = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };

/** Channels to pixels, the block's position in the slow part of the channels. */
export const depthToSpaceLayout: LayoutRule = (node, layout) => {
  const x = layout.image(node.inputs[0]!);
  const block = Number(node.attrs['blocksize']);
  const all = x.type.shape[3]!;
  const inner = all / (block * block);
  const crd = node.attrs['mode'] === 'CRD';
  const order = Int32Array.from({ length: all }, (_, i) => (i % inner) * block * block + Math.floor(i / inner));
  const from = crd && !isIdentity(order) ? inOrder(x, order, node.origin) : x;
  return [image(apply(finn('DepthToSpace'), [from], { blocksize: block }, node.origin))];
};

/** An image with its channels in another order: what makes them makes them in that order, where constants decide. */
function inOrder(x: Value, order: Int32Array, origin: readonly string[]): Value {
  if (x.kind !== 'node') return picked(x, order, origin);
  const { node } = x;
  const [first, second] = node.inputs;
  if (node.op === onnx('MatMul') && second?.kind === 'constant') {
    const w = constant(reordered(second.tensor, 1, order), second.name);
    return output(remade(node, [first, w]));
  }
  if (node.op === qonnx('MultiThreshold') && second?.kind === 'constant') {
    const shared = second.tensor.shape[0] === 1;
    const steps = shared ? second : constant(reordered(second.tensor, 0, order), second.name);
    return output(remade(node, [inOrder(first!, order, origin), steps]));
  }
  return picked(x, order, origin);
}

/** Channels in another order, or only some of them: finn has no circuit for that, an operator of a plug-in may. */
export const gatherLayout: LayoutRule = (node, layout) => {
  const [value, indices] = node.inputs;
  const axis = Number(node.attrs['axis'] ?? 0);
  const rank = value!.type.shape.length;
  const isList = indices?.kind === 'constant' && indices.type.shape.length === 1;
  if (!isImage(node) || !isList || (axis + rank) % rank !== 1 || layout.form(value!).kind !== 'image')
    return inOwnOrder(node, layout);
  return [image(apply(node.op, [layout.image(value!), indices], { ...node.attrs, axis: 3 }, node.origin))];
};

/** Another order of axes: an image may have been meant, or what lies last already. */
export const transposeLayout: LayoutRule = (node, layout) => {
  const value = node.inputs[0]!;
  const from = layout.form(value);
  const { shape } = value.type;
  const perm = (node.attrs['perm'] as readonly number[] | undefined) ?? shape.map((_, i) => shape.length - 1 - i);
  const toLast = shape.length === 4 ? '0,2,3,1' : '0,2,1';
  const toFirst = shape.length === 4 ? '0,3,1,2' : '0,2,1';
  if (from.kind === 'image' && perm.join() === toLast)
    return [asIs(viewed(from.value, node.types[0]!.shape, node.origin))];
  if (
    from.kind === 'as-is' &&
    value.kind !== 'constant' &&
    (shape.length === 3 || shape.length === 4) &&
    perm.join() === toFirst
  )
    return [image(viewed(from.value, imageShape(node.types[0]!.shape), node.origin))];
  // Axes of one element may lie anywhere.
  const kept = perm.filter((axis) => shape[axis] !== 1);
  if (kept.every((axis, i) => i === 0 || axis > kept[i - 1]!)) return reshaped(node, layout);
  return [asIs(output(remade(node, [layout.plain(value)])))];
};

/** Another shape: no work where streams have the order that is wanted. */
export const reshapeLayout: LayoutRule = (node, layout) => reshaped(node, layout);

/** The node as another shape of what lies in the same order. */
function reshaped(node: Node, layout: Layout): readonly Form[] {
  const value = node.inputs[0]!;
  const from = layout.form(value);
  const [before, after] = [value.type.shape, node.types[0]!.shape];
  if (from.kind === 'image') {
    const kept = (after.length === 3 || after.length === 4) && after[0] === before[0] && after[1] === before[1];
    if (kept) return [image(viewed(from.value, imageShape(after), node.origin))];
    if (after.length === 2 && after[0] === before[0]) {
      const order = flatOrder(before);
      const flat = viewed(from.value, after, node.origin);
      return [isIdentity(order) ? asIs(flat) : { kind: 'flat', value: flat, order }];
    }
  }
  if (from.kind === 'flat' && after.length === 2) return [from];
  return [asIs(viewed(layout.plain(value), after, node.origin))];
}
