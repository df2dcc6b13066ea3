import type { BinaryName } from '../../hdl/binary-function.ts';
import { apply, type Node, type Value } from '../../ir/graph.ts';
import type { Lowered, Lowering, Operator } from '../operator.ts';
import type { ElementwiseAttrs } from './factors.ts';

/**
 * An ONNX node of two integer streams of one shape becomes a layer; so does Abs of a difference that nothing else reads.
 * Sums and differences take multiplications by one constant in front of them, which bring branches of unequal scale to one grid.
 */
export function lowerElementwise(
  op: Operator<ElementwiseAttrs>,
  fn: BinaryName,
  node: Node,
  lowering: Lowering,
): Lowered | undefined {
  if (node.op.domain !== '') return undefined;
  if (fn === 'AbsDiff') return lowerMagnitude(op, node, lowering);
  if (node.op.name !== fn || node.inputs.some((value) => !value || value.kind === 'constant')) return undefined;
  if (node.inputs.length !== 2) return { refused: `it joins ${node.inputs.length} streams, not two` };
  const [a, b] = node.inputs as [Value, Value];
  const reals = [a, b].find(({ type }) => !type.dtype.integer);
  if (reals) return { refused: `an input is ${reals.type.dtype.name}, not integer` };
  if (a.type.shape.length === 0) return { refused: 'its inputs are scalars, without an axis of channels' };
  if (a.type.shape.join() !== b.type.shape.join()) {
    return {
      refused: `its inputs are [${a.type.shape.join(', ')}] and [${b.type.shape.join(', ')}]; two streams must have the same shape, they are not broadcast`,
    };
  }
  if (fn !== 'Add' && fn !== 'Sub') return { value: apply<ElementwiseAttrs>(op, [a, b], { pe: 1 }, node.origin) };
  const [x, y] = [multiplied(a, lowering), multiplied(b, lowering)];
  const factors = x.factor === 1 && y.factor === 1 ? {} : { factors: [x.factor, y.factor] as const };
  const origin = [...x.origin, ...y.origin, ...node.origin];
  return { value: apply<ElementwiseAttrs>(op, [x.value, y.value], { pe: 1, ...factors }, origin) };
}

/** What is multiplied by one constant to give `value`, if that is a layer that nothing else reads. */
function multiplied(value: Value, lowering: Lowering): { value: Value; factor: number; origin: readonly string[] } {
  const whole = { value, factor: 1, origin: [] };
  if (value.kind !== 'node' || !lowering.sole(value)) return whole;
  const { op, attrs, inputs, origin } = value.node;
  const [x, constants] = inputs;
  if (op.name !== 'ChannelwiseOp' || attrs['function'] !== 'Mul' || constants?.kind !== 'constant') return whole;
  const { data } = constants.tensor;
  const factor = data[0];
  if (!x || !factor || !data.every((one) => one === factor)) return whole;
  return { value: x, factor, origin };
}

function lowerMagnitude(op: Operator<ElementwiseAttrs>, node: Node, lowering: Lowering): Lowered | undefined {
  const [from] = node.inputs;
  if (node.op.name !== 'Abs' || from?.kind !== 'node' || from.node.op.name !== 'ElementwiseSub') return undefined;
  if (!lowering.sole(from) || from.node.attrs['factors']) return undefined;
  return {
    value: apply<ElementwiseAttrs>(op, from.node.inputs, { pe: 1 }, [...from.node.origin, ...node.origin]),
  };
}
