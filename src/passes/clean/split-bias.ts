import { int } from '../../ir/datatype.ts';
import { apply, constant, type Graph, node as makeNode, output, type Value } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import { tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';

/** A convolution's bias becomes the addition that it is: one number a channel behind the sums. */
export function splitBias(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    const [x, w, bias] = node.inputs;
    if ((node.op !== onnx('Conv') && node.op !== onnx('ConvTranspose')) || !bias) return undefined;
    const { origin, attrs } = node;
    const sums = output(makeNode(node.op, [x, w], attrs, origin));
    const channels = sums.type.shape[1]!;
    const shape = [1, channels, ...sums.type.shape.slice(2).map(() => 1)];
    const row: Value =
      bias.kind === 'constant'
        ? constant(tensor(bias.tensor.dtype, shape, bias.tensor.data), bias.name)
        : apply(onnx('Reshape'), [bias, constant(tensor(int(64), [shape.length], shape))], {}, origin);
    return [apply(onnx('Add'), [sums, row], {}, origin)];
  });
}
