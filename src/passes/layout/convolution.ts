import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { apply, constant, type Node, type Value } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { finn, onnx, qonnx } from '../ops.ts';
import { asIs, image } from './form.ts';
import type { LayoutRule } from './layout.ts';
import { constantOf } from './nodes.ts';
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

const refuse = (node: Node, reason: string, hint: string): never =>
  fail('lower/layout', `${node.op.name} '${node.origin[0]}': ${reason}`, { at: inNetwork(node.origin), hint });

/** Windows times a matrix; the products of one channel alone where the convolution is depthwise. */
export const convolutionLayout: LayoutRule = (node, layout) => {
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
export const transposedConvolutionLayout: LayoutRule = (node, layout) => {
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
export const maxPoolLayout: LayoutRule = (node, layout) => {
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

/** Sums of windows; of the whole image where one covers it. Padding adds nothing. */
export const sumPoolLayout: LayoutRule = (node, layout) => {
  const geometry = geometryOf(node, node.attrs['kernel_shape'] as readonly number[]);
  const x = padded(layout.image(node.inputs[0]!), geometry, 0, node.origin);
  const whole = geometry.kernel.every((k, i) => k === x.type.shape[i + 1]);
  if (whole) return [image(summedImage(x, 1, node.origin))];
  const windows = windowed(x, geometry, true, node.origin);
  return [image(apply(finn('WindowSum'), [windows], { channels: x.type.shape[3] }, node.origin))];
};

/** Windows as FINN writes them: padding is a layer of its own. */
export const im2colLayout: LayoutRule = (node, layout) => {
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
