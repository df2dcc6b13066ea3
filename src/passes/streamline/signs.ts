import { BIPOLAR, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Value } from '../../ir/graph.ts';
import { extremes, sizeOf, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';

/** The axis of a product's weights along which its outputs run. */
const outputAxis = new Map([
  [onnx('MatMul'), 1],
  [onnx('Conv'), 0],
  [onnx('ConvTranspose'), 1],
]);

/** The integers times one sign a channel: the weights in front take it, or a multiplication by ±1 does. */
export function signed(base: Value, signs: Int8Array): Value {
  if (signs.every((sign) => sign > 0)) return base;
  const axis = base.kind === 'node' ? outputAxis.get(base.node.op) : undefined;
  const weights = base.kind === 'node' ? base.node.inputs[1] : undefined;
  if (base.kind === 'node' && axis !== undefined && weights?.kind === 'constant') {
    const { tensor: W } = weights;
    const inner = sizeOf(W.shape.slice(axis + 1));
    const width = W.shape[axis]!;
    const data = Float64Array.from(W.data);
    for (let at = 0; at < data.length; at += inner) {
      if (signs[(at / inner) % width]! > 0) continue;
      // 0 − w: no zero becomes −0.
      for (let i = at; i < at + inner; i += 1) data[i] = 0 - data[i]!;
    }
    const [min, max] = extremes(data);
    const dtype = W.dtype === BIPOLAR || (min >= W.dtype.min && max <= W.dtype.max) ? W.dtype : smallest(min, max);
    const flipped = constant(tensor(dtype, W.shape, data), weights.name);
    return apply(base.node.op, [base.node.inputs[0], flipped], base.node.attrs, base.node.origin);
  }
  const rank = base.type.shape.length;
  const shape = rank < 2 ? [1] : [signs.length, ...new Array<number>(rank - 2).fill(1)];
  const factors = tensor(BIPOLAR, shape, Float64Array.from(signs));
  // A name of its own: what it gives are not the integers that the network's node of that name stands for.
  const origin = base.kind === 'node' ? base.node.origin : base.kind === 'input' ? [base.name] : [];
  return apply(onnx('Mul'), [base, constant(factors)], {}, [...origin, 'sign']);
}
