import { bug, fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { apply, constant, type Node, type Op, output, type Value } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { elementwise } from '../../onnx/ops/elementwise.ts';
import { finn, onnx, qonnx } from '../ops.ts';
import {
  asIs,
  constantImage,
  flatOrder,
  image,
  imageShape,
  isIdentity,
  list,
  outputsOf,
  picked,
  viewed,
} from './form.ts';
import type { LayoutRule } from './layout.ts';
import { remade } from './remade.ts';
import {
  denseMatrix,
  depthwiseMatrix,
  flippedWeights,
  type Geometry,
  geometryOf,
  padded,
  spreadPixels,
  summedImage,
  windowed,
} from './windows.ts';

const isImage = (node: Node): boolean => node.types[0]!.shape.length === 3 || node.types[0]!.shape.length === 4;
const constantOf = (value: Value | undefined, node: Node): Tensor =>
  value?.kind === 'constant' ? value.tensor : bug(`${node.op.name} '${node.origin[0]}' without its constant`);
const refuse = (node: Node, reason: string, hint: string): never =>
  fail('lower/layout', `${node.op.name} '${node.origin[0]}': ${reason}`, { at: inNetwork(node.origin), hint });

/** Elementwise: in the form of its streams; constants are brought into the same order. */
const elementwiseLayout: LayoutRule = (node, layout) => {
  const streams = node.inputs.filter((value): value is Value => value !== undefined && value.kind !== 'constant');
  const forms = streams.map((value) => layout.form(value));
  const rank = node.types[0]!.shape.length;
  const attrs = node.op === qonnx('MultiThreshold') ? { ...node.attrs } : node.attrs;
  if (isImage(node) && forms.some((from) => from.kind === 'image')) {
    const inputs = node.inputs.map((value, i) => {
      if (value?.kind !== 'constant') return value && layout.image(value);
      const steps = node.op === qonnx('MultiThreshold') && i === 1;
      return steps ? value : constant(constantImage(value.tensor, rank), value.name);
    });
    if (node.op === qonnx('MultiThreshold')) Object.assign(attrs, { data_layout: 'NHWC' });
    return [image(output(remade(node, inputs, attrs)))];
  }
  const [first] = forms;
  const flat = first?.kind === 'flat' && forms.every((f) => f.kind === 'flat' && f.order.join() === first.order.join());
  if (flat) {
    const width = first.order.length;
    const inputs = node.inputs.map((value, i) => {
      if (value?.kind !== 'constant') return value && layout.form(value).value;
      const { tensor: t } = value;
      const steps = node.op === qonnx('MultiThreshold') && i === 1;
      const axis = steps ? 0 : t.shape.length - 1;
      if (t.data.length === 1 || t.shape[axis] !== width) return value;
      return constant(reordered(t, axis, first.order), value.name);
    });
    return [{ kind: 'flat', value: output(remade(node, inputs)), order: first.order }];
  }
  return [
    asIs(
      output(
        remade(
          node,
          node.inputs.map((value) => value && layout.plain(value)),
        ),
      ),
    ),
  ];
};

/** A tensor with one axis in another order. */
function reordered(t: Tensor, axis: number, order: ArrayLike<number>): Tensor {
  const inner = sizeOf(t.shape.slice(axis + 1));
  const n = t.shape[axis]!;
  const data = Float64Array.from(t.data, (_, at) => {
    const i = Math.floor(at / inner) % n;
    return t.data[at + (order[i]! - i) * inner]!;
  });
  return tensor(t.dtype, t.shape, data);
}

/** Windows times a matrix; the products of one channel alone where the convolution is depthwise. */
const convolutionLayout: LayoutRule = (node, layout) => {
  const w = constantOf(node.inputs[1], node);
  const name = node.inputs[1]?.kind === 'constant' ? node.inputs[1].name : '';
  const depthwise = Number(node.attrs['group'] ?? 1) > 1;
  const geometry = geometryOf(node, w.shape.slice(2));
  const x = padded(layout.image(node.inputs[0]!), geometry, 0, node.origin);
  return [image(product(windowed(x, geometry, depthwise, node.origin), w, name, depthwise, node))];
};

function product(windows: Value, w: Tensor, name: string, depthwise: boolean, node: Node): Value {
  if (!depthwise) return apply(onnx('MatMul'), [windows, constant(denseMatrix(w), name)], {}, node.origin);
  const matrix = depthwiseMatrix(w);
  if (matrix.shape[0] === 1) {
    const row = constant(tensor(matrix.dtype, [matrix.shape[1]!], matrix.data), name);
    return apply(onnx('Mul'), [windows, row], {}, node.origin);
  }
  return apply(finn('DepthwiseMatMul'), [windows, constant(matrix, name)], {}, node.origin);
}

/** A transposed convolution: zeros between the pixels, padding, and a convolution with the kernel turned round. */
const transposedConvolutionLayout: LayoutRule = (node, layout) => {
  const w = constantOf(node.inputs[1], node);
  const name = node.inputs[1]?.kind === 'constant' ? node.inputs[1].name : '';
  const own = geometryOf({ ...node, attrs: { ...node.attrs, pads: undefined } }, w.shape.slice(2));
  const { shape } = node.inputs[0]!.type;
  const pads = (node.attrs['pads'] as readonly number[] | undefined) ?? [0, 0, 0, 0];
  const axes = shape.length - 2;
  const side = (i: number): readonly [number, number] => {
    const span = (own.kernel[i]! - 1) * own.dilation[i]!;
    const begin = span - (i < axes ? pads[i]! : 0);
    const length = (shape[i + 2] ?? 1) - 1;
    return [begin, (node.types[0]!.shape[i + 2] ?? 1) + span - length * own.stride[i]! - 1 - begin];
  };
  const [rows, columns] = [side(0), side(1)];
  if ([...rows, ...columns].some((n) => n < 0))
    refuse(node, `its pads [${pads.join(', ')}] reach beyond its kernel`, 'use pads smaller than the kernel');
  const geometry: Geometry = {
    ...own,
    stride: [1, 1],
    begin: [rows[0], columns[0]],
    end: [rows[1], columns[1]],
  };
  const spread = spreadPixels(layout.image(node.inputs[0]!), own.stride, node.origin);
  const x = padded(spread, geometry, 0, node.origin);
  return [image(product(windowed(x, geometry, false, node.origin), flippedWeights(w), name, false, node))];
};

/** Max pools: without overlap as they stand, else the greatest of each window; padding is the type's least value. */
const maxPoolLayout: LayoutRule = (node, layout) => {
  const geometry = geometryOf(node, node.attrs['kernel_shape'] as readonly number[]);
  const given = layout.image(node.inputs[0]!);
  const x = padded(given, geometry, given.type.dtype.min, node.origin);
  const { kernel, stride, dilation } = geometry;
  const apart = kernel.every((k, i) => k === stride[i] && (dilation[i] === 1 || k === 1));
  const attrs = { kernel_shape: [...kernel], strides: [...stride] };
  if (apart) return [image(apply(qonnx('MaxPoolNHWC'), [x], attrs, node.origin))];
  const windows = windowed(x, geometry, true, node.origin);
  return [image(apply(finn('WindowMax'), [windows], { channels: x.type.shape[3] }, node.origin))];
};

const sumPoolLayout: LayoutRule = (node, layout) => {
  const geometry = geometryOf(node, node.attrs['kernel_shape'] as readonly number[]);
  const x = padded(layout.image(node.inputs[0]!), geometry, 0, node.origin);
  const whole = geometry.kernel.every((k, i) => k === x.type.shape[i + 1]);
  if (whole) return [image(summedImage(x, 1, node.origin))];
  const windows = windowed(x, geometry, true, node.origin);
  return [image(apply(finn('WindowSum'), [windows], { channels: x.type.shape[3] }, node.origin))];
};

/** Sums over all pixels, or over the steps of a sequence N×L×D. */
const reduceSumLayout: LayoutRule = (node, layout) => {
  const { shape } = node.inputs[0]!.type;
  const axes = [...constantOf(node.inputs[1], node).data];
  const keepdims = Number(node.attrs['keepdims'] ?? 1) ? 1 : 0;
  if (shape.length === 3 && axes.length === 1 && axes[0] === 1) {
    const [n, length, features] = shape as [number, number, number];
    const x = viewed(layout.plain(node.inputs[0]!), [n, length, 1, features], node.origin);
    const sums = summedImage(x, 0, node.origin);
    return [asIs(keepdims ? viewed(sums, [n, 1, features], node.origin) : sums)];
  }
  const sums = summedImage(layout.image(node.inputs[0]!), keepdims, node.origin);
  return [keepdims ? image(sums) : asIs(sums)];
};

/** Concat and Split of channels. */
const concatLayout: LayoutRule = (node, layout) => {
  const rank = node.types[0]!.shape.length;
  const axis = (Number(node.attrs['axis'] ?? 1) + rank) % rank;
  const inputs = node.inputs.filter((value): value is Value => value !== undefined);
  if (isImage(node) && inputs.some((value) => layout.form(value).kind === 'image')) {
    const to = axis === 0 ? 0 : axis === 1 ? 3 : axis - 1;
    return [image(output(remade(node, inputs.map(layout.image), { axis: to })))];
  }
  const forms = inputs.map(layout.form);
  if (rank === 2 && axis === 1 && forms.some(({ kind }) => kind === 'flat')) {
    let at = 0;
    const order = forms.flatMap((from, i) => {
      const own =
        from.kind === 'flat' ? from.order : Int32Array.from({ length: inputs[i]!.type.shape[1]! }, (_, k) => k);
      at += own.length;
      return Array.from(own, (k) => k + at - own.length);
    });
    const value = output(
      remade(
        node,
        forms.map((from) => from.value),
      ),
    );
    return [{ kind: 'flat', value, order: Int32Array.from(order) }];
  }
  return [asIs(output(remade(node, inputs.map(layout.plain))))];
};

const splitLayout: LayoutRule = (node, layout) => {
  const [value, lengths] = node.inputs;
  const rank = value!.type.shape.length;
  const axis = (Number(node.attrs['axis'] ?? 0) + rank) % rank;
  if (layout.form(value!).kind !== 'image') {
    const made = remade(node, [layout.plain(value!), lengths]);
    return made.types.map((_, i) => asIs(output(made, i)));
  }
  const to = axis === 0 ? 0 : axis === 1 ? 3 : axis - 1;
  const parts = list(node.types.map(({ shape }) => shape[axis]!));
  return outputsOf(node.op, [layout.image(value!), parts], { axis: to }, node.origin, node.types.length).map(image);
};

/** A part of the image. */
const sliceLayout: LayoutRule = (node, layout) => {
  const from = layout.form(node.inputs[0]!);
  if (from.kind !== 'image')
    return [
      asIs(
        output(
          remade(
            node,
            node.inputs.map((v) => v && layout.plain(v)),
          ),
        ),
      ),
    ];
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

const padLayout: LayoutRule = (node, layout) => {
  const from = layout.form(node.inputs[0]!);
  const rank = node.types[0]!.shape.length;
  if (from.kind !== 'image')
    return [
      asIs(
        output(
          remade(
            node,
            node.inputs.map((v) => v && layout.plain(v)),
          ),
        ),
      ),
    ];
  const pads = [...constantOf(node.inputs[1], node).data];
  const side = (at: number): number[] => [pads[at]!, pads[at + 2]!, rank === 4 ? pads[at + 3]! : 0, pads[at + 1]!];
  return [
    image(apply(node.op, [from.value, list([...side(0), ...side(rank)]), node.inputs[2]], node.attrs, node.origin)),
  ];
};

const resizeLayout: LayoutRule = (node, layout) => {
  if (!isImage(node))
    return [
      asIs(
        output(
          remade(
            node,
            node.inputs.map((v) => v && layout.plain(v)),
          ),
        ),
      ),
    ];
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

/** Channels to pixels, the block's position in the slow part of the channels. */
const depthToSpaceLayout: LayoutRule = (node, layout) => {
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

/** Another order of axes: an image may have been meant, or what lies last already. */
const transposeLayout: LayoutRule = (node, layout) => {
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
  return [asIs(output(remade(node, [layout.plain(value)])))];
};

/** Another shape: no work where streams have the order that is wanted. */
const reshapeLayout: LayoutRule = (node, layout) => {
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
};

/** A product with a matrix: its rows follow the order of the vector. */
const matMulLayout: LayoutRule = (node, layout) => {
  const [x, w] = node.inputs;
  const from = layout.form(x!);
  if (from.kind !== 'flat' || w?.kind !== 'constant')
    return [
      asIs(
        output(
          remade(
            node,
            node.inputs.map((value) => value && layout.plain(value)),
          ),
        ),
      ),
    ];
  const rows = constant(reordered(w.tensor, 0, from.order), w.name);
  return [asIs(output(remade(node, [from.value, rows])))];
};

/** Windows as FINN writes them: padding is a layer of its own. */
const im2colLayout: LayoutRule = (node, layout) => {
  const x = layout.plain(node.inputs[0]!);
  const [top, left, bottom, right] = (node.attrs['pad_amount'] as readonly number[] | undefined) ?? [0, 0, 0, 0];
  const pair = (name: string): readonly [number, number] =>
    (node.attrs[name] as [number, number] | undefined) ?? [1, 1];
  const geometry: Geometry = {
    kernel: pair('kernel_size'),
    stride: pair('stride'),
    dilation: pair('dilations'),
    begin: [top!, left!],
    end: [bottom!, right!],
  };
  const depthwise = Number(node.attrs['depthwise'] ?? 0) === 1;
  return [asIs(windowed(padded(x, geometry, 0, node.origin), geometry, depthwise, node.origin))];
};

/** Operations on images. */
const images: readonly (readonly [Op, LayoutRule])[] = [
  [onnx('Conv'), convolutionLayout],
  [onnx('ConvTranspose'), transposedConvolutionLayout],
  [onnx('MaxPool'), maxPoolLayout],
  [finn('SumPool'), sumPoolLayout],
  [onnx('Resize'), resizeLayout],
  [onnx('DepthToSpace'), depthToSpaceLayout],
];

/** What each operation becomes; one that is not here keeps the network's order. */
export const layoutRules = new Map<Op, LayoutRule>([
  ...elementwise.map((op): [Op, LayoutRule] => [op, elementwiseLayout]),
  [qonnx('MultiThreshold'), elementwiseLayout],
  ...images,
  [onnx('ReduceSum'), reduceSumLayout],
  [onnx('Concat'), concatLayout],
  [onnx('Split'), splitLayout],
  [onnx('Slice'), sliceLayout],
  [onnx('Pad'), padLayout],
  [onnx('Transpose'), transposeLayout],
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((name): [Op, LayoutRule] => [onnx(name), reshapeLayout]),
  [onnx('MatMul'), matMulLayout],
  [qonnx('Im2Col'), im2colLayout],
]);

/** Operations that need their input as an image, and so decide how the accelerator's input lies. */
export const spatial: ReadonlySet<Op> = new Set<Op>([
  ...images.map(([op]) => op),
  ...['Concat', 'Split', 'Slice', 'Pad'].map(onnx),
]);
