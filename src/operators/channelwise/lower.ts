import { smallest } from '../../ir/datatype.ts';
import { apply, type ConstantValue, constant, type Node, type Value } from '../../ir/graph.ts';
import { extremes, tensor } from '../../ir/tensor.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { ChannelwiseAttrs, ChannelwiseFunction } from './functions.ts';

/** A function as it is with the constant behind, and with the constant in front. */
const functions = new Map<string, readonly [ChannelwiseFunction, ChannelwiseFunction]>([
  ['Add', ['Add', 'Add']],
  ['Sub', ['Add', 'SubtractFrom']],
  ['Mul', ['Mul', 'Mul']],
  ['Max', ['Max', 'Max']],
  ['Min', ['Min', 'Min']],
  ['Equal', ['Equal', 'Equal']],
  ['Less', ['Less', 'Greater']],
  ['LessOrEqual', ['LessOrEqual', 'GreaterOrEqual']],
  ['Greater', ['Greater', 'Less']],
  ['GreaterOrEqual', ['GreaterOrEqual', 'LessOrEqual']],
]);

/** Functions of one integer as functions with a constant. */
const unary = new Map<string, readonly [ChannelwiseFunction, number]>([
  ['Relu', ['Max', 0]],
  ['Neg', ['Mul', -1]],
  ['Abs', ['AbsDiff', 0]],
]);

/**
 * An ONNX node of an integer stream and a constant, one number or one a channel, becomes a layer; Clip becomes two. (Add and
 * Thresholding take multiplications back that they can do themselves.)
 */
export function lowerChannelwise(op: Operator<ChannelwiseAttrs>, node: Node): Lowered | undefined {
  if (node.op.domain !== '') return undefined;
  const make = (x: Value, fn: ChannelwiseFunction, data: readonly number[]): Value => {
    const one = data.every((c) => c === data[0]) ? data.slice(0, 1) : data;
    const constants = constant(tensor(smallest(...extremes(one)), [one.length, 1], one));
    return apply<ChannelwiseAttrs>(op, [x, constants], { function: fn, pe: 1, memory: 'auto' }, node.origin);
  };
  const [first, second, third] = node.inputs;
  const single = unary.get(node.op.name);
  if (single && first) return unfit(first) ?? { value: make(first, single[0], [single[1]]) };
  if (node.op.name === 'Clip' && first) {
    const bounds = [second, third].map((bound) => bound && bound.kind === 'constant' && bound.tensor.data[0]);
    if (bounds.includes(false)) return { refused: 'its bounds are not constant' };
    const [low, high] = bounds as (number | undefined)[];
    const { dtype } = first.type;
    const lifted = low === undefined || Math.ceil(low) <= dtype.min ? first : make(first, 'Max', [Math.ceil(low)]);
    const cut = high === undefined || Math.floor(high) >= dtype.max ? lifted : make(lifted, 'Min', [Math.floor(high)]);
    // A layer in any case: who else reads the input is counted by layers.
    return unfit(first) ?? { value: cut === first ? make(first, 'Max', [dtype.min]) : cut };
  }
  const pair = functions.get(node.op.name);
  if (!pair || node.inputs.length !== 2 || !first || !second) return undefined;
  const reversed = first.kind === 'constant';
  const [x, c] = reversed ? [second, first] : [first, second];
  if (c.kind !== 'constant' || x.kind === 'constant') return undefined;
  const reason = unfit(x);
  if (reason) return reason;
  const data = channelsOf(c, x);
  if (!data) {
    const shape = `[${c.type.shape.join(', ')}]`;
    return {
      refused: `its constant of shape ${shape} is neither one number nor one for each channel, on the last axis`,
    };
  }
  if (!data.every(Number.isSafeInteger)) return { refused: 'its constant is not of integers' };
  const subtracted = node.op.name === 'Sub' && !reversed;
  return { value: make(x, pair[reversed ? 1 : 0], subtracted ? data.map((v) => (v === 0 ? 0 : -v)) : data) };
}

function unfit({ type: { dtype, shape } }: Value): { refused: string } | undefined {
  if (!dtype.integer) return { refused: `its input is ${dtype.name}, not integer` };
  return shape.length === 0 ? { refused: 'its input is a scalar, without an axis of channels' } : undefined;
}

/** The constant's numbers, if it is one or has one for each of x's channels, and does not make x larger. */
function channelsOf({ tensor: { shape, data } }: ConstantValue, x: Value): number[] | undefined {
  const channels = x.type.shape.at(-1)!;
  if (shape.length > x.type.shape.length) return undefined;
  if (data.length === 1) return [data[0]!];
  return data.length === channels && shape.at(-1) === channels ? Array.from(data) : undefined;
}
