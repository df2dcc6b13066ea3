import { constant, output, type Value } from '../../ir/graph.ts';
import { qonnx } from '../ops.ts';
import { asIs, constantImage, image, list, outputsOf, viewed } from './form.ts';
import type { LayoutRule } from './layout.ts';
import { constantOf, inOwnOrder, isImage, reordered } from './nodes.ts';
import { remade } from './remade.ts';
import { summedImage } from './windows.ts';

/** Elementwise: in the form of its streams; constants are brought into the same order. */
export const elementwiseLayout: LayoutRule = (node, layout) => {
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
  return inOwnOrder(node, layout);
};

/** Sums over all pixels, or over the steps of a sequence N×L×D. */
export const reduceSumLayout: LayoutRule = (node, layout) => {
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

/** Concat, of channels above all. */
export const concatLayout: LayoutRule = (node, layout) => {
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

/** Split, of channels above all. */
export const splitLayout: LayoutRule = (node, layout) => {
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

/** A product with a matrix: its rows follow the order of the vector. */
export const matMulLayout: LayoutRule = (node, layout) => {
  const [x, w] = node.inputs;
  const from = layout.form(x!);
  if (from.kind !== 'flat' || w?.kind !== 'constant') return inOwnOrder(node, layout);
  const rows = constant(reordered(w.tensor, 0, from.order), w.name);
  return [asIs(output(remade(node, [from.value, rows])))];
};
