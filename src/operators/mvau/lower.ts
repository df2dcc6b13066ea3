import { apply, type ConstantValue, type Node, type Value } from '../../ir/graph.ts';
import { fusedThresholds } from '../fused-thresholds.ts';
import type { Lowered, Lowering, Operator } from '../operator.ts';
import { accumulatorTypeOf } from '../widths.ts';
import { unfit } from './infer.ts';
import type { MvauAttrs } from './layer.ts';

/** A MatMul with constant integer weights becomes an MVAU; a MultiThreshold that alone reads an MVAU is fused into it. */
export function lowerMvau(mvau: Operator<MvauAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const { op } = node;
  if (op.domain === '' && op.name === 'MatMul') return lowerMatMul(mvau, node);
  return op.name === 'MultiThreshold' ? fuse(mvau, node, lowering) : undefined;
}

function lowerMatMul(mvau: Operator<MvauAttrs>, node: Node): Lowered {
  const [x, w] = node.inputs;
  const reason = unfit(x, w);
  if (reason) return { refused: `${node.origin.join(', ')} cannot become an MVAU: ${reason}` };
  const { dtype } = (x as Value).type;
  const accumulator = accumulatorTypeOf((w as ConstantValue).tensor, dtype).name;
  const attrs = { pe: 1, simd: 1, memory: 'auto', bias: 0, scale: 1, accumulator, output: accumulator } as const;
  return { value: apply<MvauAttrs>(mvau, [x, w], attrs, node.origin) };
}

function fuse(mvau: Operator<MvauAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const fused = fusedThresholds(mvau, node, lowering);
  if (!fused || 'refused' in fused) return fused;
  const { sums, thresholds, scale, bias, output } = fused;
  const { inputs, attrs, origin } = sums.node as Node<MvauAttrs>;
  const made = { ...attrs, scale, bias, output };
  return { value: apply<MvauAttrs>(mvau, [inputs[0], inputs[1], thresholds], made, [...origin, ...node.origin]) };
}
