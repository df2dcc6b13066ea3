import type { Device } from '../../hdl/device.ts';
import { isBlock } from '../../hdl/memory.ts';
import type { Placement, RomShape } from '../../hdl/threshold-rom.ts';
import { type DataType, smallest } from '../../ir/datatype.ts';
import type { ConstantValue } from '../../ir/graph.ts';
import { extremes } from '../../ir/tensor.ts';
import type { Layer } from '../operator.ts';
import type { Pixels } from '../pixels.ts';

export interface RequantAttrs extends Pixels {
  /** An output is ⌊(factor · x + offset) / 2^shift⌋, not less than `low` and not greater than `high`, of the type called `output`. */
  readonly shift: number;
  readonly low: number;
  readonly high: number;
  readonly output: string;
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
  /** Where factors and offsets lie that are not in logic. */
  readonly memory: Placement;
}

/** The layer's numbers: one for all channels, or one for each. */
export interface Numbers {
  readonly values: ArrayLike<number>;
  readonly type: DataType;
}

export interface RequantPlan {
  readonly factors: Numbers;
  readonly offsets: Numbers;
  /** Is there one factor for all channels? */
  readonly sameFactor: boolean;
  /** The memory of what differs from fold to fold: offsets, and factors unless they are the same. */
  readonly rom?: RomShape;
  readonly block: boolean;
  /** Type of factor · x + offset, signed. */
  readonly sum: DataType;
  /** Can the quotient be less than `low`, greater than `high`? */
  readonly below: boolean;
  readonly above: boolean;
}

const numbers = (value: unknown): Numbers => {
  const { data } = (value as ConstantValue).tensor;
  return { values: data, type: smallest(...extremes(data)) };
};

/** Least and greatest factor · x + offset of any channel. */
export function sumRange(
  { min, max }: DataType,
  factors: ArrayLike<number>,
  offsets: ArrayLike<number>,
): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let c = 0; c < factors.length; c += 1) {
    for (const x of [min, max]) {
      const sum = factors[c]! * x + offsets[c]!;
      [low, high] = [Math.min(low, sum), Math.max(high, sum)];
    }
  }
  return [low, high];
}

/** Where the numbers lie; `block` is for a device only. */
export function planOf({ inputs, attrs, types }: Layer<RequantAttrs>, device?: Device): RequantPlan {
  const [factors, offsets] = [numbers(inputs[1]), numbers(inputs[2])];
  const [low, high] = sumRange(inputs[0]!.type.dtype, factors.values, offsets.values);
  const unit = 2 ** attrs.shift;
  const [below, above] = [Math.floor(low / unit) < attrs.low, Math.floor(high / unit) > attrs.high];
  // As wide as each operand and each bound that is compared with; one bit of the quotient, at least.
  const { min, max } = inputs[0]!.type.dtype;
  const held = [low, high, min, max, factors.type.min, factors.type.max, offsets.type.min, offsets.type.max, -unit];
  const bounds = [...(below ? [attrs.low * unit] : []), ...(above ? [attrs.high * unit] : [])];
  const sum = smallest(Math.min(...held, ...bounds), Math.max(...held, ...bounds));
  const sameFactor = Array.from(factors.values).every((one) => one === factors.values[0]);
  const folds = types[0]!.shape.at(-1)! / attrs.pe;
  const plan = { factors, offsets, sameFactor, sum, below, above };
  if (factors.values.length === 1 || folds === 1) return { ...plan, block: false };
  const rom = { depth: folds, width: attrs.pe * (offsets.type.bits + (sameFactor ? 0 : factors.type.bits)) };
  return { ...plan, rom, block: device !== undefined && isBlock(device.family, rom, attrs.memory) };
}
