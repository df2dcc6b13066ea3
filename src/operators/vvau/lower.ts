import { apply, type ConstantValue, type Node, type Value } from '../../ir/graph.ts';
import { fusedThresholds } from '../fused-thresholds.ts';
import type { Lowered, Lowering, Operator } from '../operator.ts';
import { accumulatorTypeOf } from '../widths.ts';
import { unfit } from './infer.ts';
import type { VvauAttrs } from './layer.ts';

/** A DepthwiseMatMul with constant integer weights becomes a VVAU; a MultiThreshold that alone reads a VVAU is fused into it. */
export function lowerVvau(vvau: Operator<VvauAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  if (node.op.name === 'MultiThreshold') return fuse(vvau, node, lowering);
  if (node.op.name !== 'DepthwiseMatMul') return undefined;
  const [x, w] = node.inputs;
  const reason = unfit(x, w);
  if (reason) return { refused: `${node.origin.join(', ')} cannot become a VVAU: ${reason}` };
  const accumulator = accumulatorTypeOf((w as ConstantValue).tensor, (x as Value).type.dtype).name;
  const attrs = { pe: 1, simd: 1, memory: 'auto', bias: 0, scale: 1, accumulator, output: accumulator } as const;
  return { value: apply<VvauAttrs>(vvau, [x, w], attrs, node.origin) };
}

function fuse(vvau: Operator<VvauAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const fused = fusedThresholds(vvau, node, lowering);
  if (!fused || 'refused' in fused) return fused;
  const { sums, thresholds, scale, bias, output } = fused;
  const { inputs, attrs, origin } = sums.node as Node<VvauAttrs>;
  const made = { ...attrs, scale, bias, output };
  return { value: apply<VvauAttrs>(vvau, [inputs[0], inputs[1], thresholds], made, [...origin, ...node.origin]) };
}
