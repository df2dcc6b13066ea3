import { type BinaryName, binaryFunctions, type Range } from '../../hdl/binary-function.ts';
import type { Device } from '../../hdl/device.ts';
import { isBlock } from '../../hdl/memory.ts';
import type { Placement, RomShape } from '../../hdl/threshold-rom.ts';
import { type DataType, smallest } from '../../ir/datatype.ts';
import type { ConstantValue } from '../../ir/graph.ts';
import { extremes } from '../../ir/tensor.ts';
import type { Layer } from '../operator.ts';
import type { Pixels } from '../pixels.ts';

export interface ChannelwiseAttrs extends Pixels {
  readonly function: ChannelwiseFunction;
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
  /** Where constants lie that are not in logic. */
  readonly memory: Placement;
}

/** A function of an element and a constant. */
interface WithConstant {
  readonly binary: BinaryName;
  /** The constant is the first operand. */
  readonly reversed: boolean;
  value(x: number, constant: number): number;
  range(x: Range, constant: number): Range;
}

function withConstant(binary: BinaryName, reversed = false): WithConstant {
  const { value, range } = binaryFunctions[binary];
  return {
    binary,
    reversed,
    value: reversed ? (x, c) => value(c, x) : value,
    range: reversed ? (x, c) => range([c, c], x) : (x, c) => range(x, [c, c]),
  };
}

/** Add stands for differences with a constant subtrahend, too; SubtractFrom is constant − element. */
export const channelwiseFunctions = {
  Add: withConstant('Add'),
  SubtractFrom: withConstant('Sub', true),
  Mul: withConstant('Mul'),
  Max: withConstant('Max'),
  Min: withConstant('Min'),
  AbsDiff: withConstant('AbsDiff'),
  Equal: withConstant('Equal'),
  Less: withConstant('Less'),
  LessOrEqual: withConstant('LessOrEqual'),
  Greater: withConstant('Greater'),
  GreaterOrEqual: withConstant('GreaterOrEqual'),
} as const satisfies Readonly<Record<string, WithConstant>>;

export type ChannelwiseFunction = keyof typeof channelwiseFunctions;

/** The layer's constants and where they lie. */
export interface ChannelwisePlan {
  readonly constants: ArrayLike<number>;
  /** The narrowest type of all of them. */
  readonly type: DataType;
  /** The memory of those that differ from fold to fold; without it they are in logic. */
  readonly rom?: RomShape;
  readonly block: boolean;
}

/** Where the constants lie; `block` is for a device only. */
export function planOf({ inputs, attrs, types }: Layer<ChannelwiseAttrs>, device?: Device): ChannelwisePlan {
  const constants = (inputs[1] as ConstantValue).tensor.data;
  const type = smallest(...extremes(constants));
  const depth = types[0]!.shape.at(-1)! / attrs.pe;
  if (constants.length === 1 || depth === 1) return { constants, type, block: false };
  const rom = { depth, width: attrs.pe * type.bits };
  return { constants, type, rom, block: device !== undefined && isBlock(device.family, rom, attrs.memory) };
}
