import type { Range } from '../../hdl/binary-function.ts';
import type { DataType } from '../../ir/datatype.ts';
import type { Pixels } from '../pixels.ts';

export interface ElementwiseAttrs extends Pixels {
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
  /** Integers other than 0 that the inputs are multiplied by first, of sums and differences; 1 if left out. */
  readonly factors?: readonly [number, number];
}

export const factorsOf = ({ factors }: ElementwiseAttrs): readonly [number, number] => factors ?? [1, 1];

/** Bounds of elements of the type, multiplied by a factor. */
export const scaledRange = ({ min, max }: DataType, factor: number): Range =>
  factor < 0 ? [factor * max, factor * min] : [factor * min, factor * max];
