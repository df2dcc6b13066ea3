import { FLOAT32, FLOAT64 } from '../../ir/datatype.ts';
import { apply, constant, type Graph, node as makeNode, output, type Value } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import { scalar } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';

/** Gemm becomes the Transpose, MatMul, Mul and Add that it is, so that one rule brings all products to integers. */
export function splitGemm(graph: Graph): Graph {
  return rewrite(graph, (node) => {
    if (node.op !== onnx('Gemm')) return undefined;
    const [a, b, c] = node.inputs;
    const { origin, attrs } = node;
    const times = (value: Value, by: unknown): Value =>
      by === undefined || by === 1
        ? value
        : apply(
            onnx('Mul'),
            [value, constant(scalar(value.type.dtype === FLOAT64 ? FLOAT64 : FLOAT32, Number(by)))],
            {},
            origin,
          );
    const flipped = (value: Value, flip: unknown): Value =>
      flip ? apply(onnx('Transpose'), [value], { perm: [1, 0] }, origin) : value;
    const product = output(
      makeNode(onnx('MatMul'), [flipped(a!, attrs['transA']), flipped(b!, attrs['transB'])], {}, origin),
    );
    const scaled = times(product, attrs['alpha']);
    return [c ? apply(onnx('Add'), [scaled, times(c, attrs['beta'])], {}, origin) : scaled];
  });
}
