import type { Range } from '../../hdl/binary-function.ts';
import type { DataType } from '../../ir/datatype.ts';
import type { Attrs } from '../../ir/graph.ts';

export interface ElementwiseAttrs extends Attrs {
  /** Channels in one cycle; divides the channels. */
  readonly pe: number;
  /** Positive integers that the inputs are multiplied by first, of sums and differences; 1 if left out. */
  readonly factors?: readonly [number, number];
}

export const factorsOf = ({ factors }: ElementwiseAttrs): readonly [number, number] => factors ?? [1, 1];

/** Bounds of elements of the type, multiplied by a factor. */
export const scaledRange = ({ min, max }: DataType, factor: number): Range => [factor * min, factor * max];

/** A positive integer as a sum of ±2^shift with the fewest terms, no two of them neighbours (its non-adjacent form). */
export function signedDigits(value: number): { shift: number; sign: 1 | -1 }[] {
  const digits: { shift: number; sign: 1 | -1 }[] = [];
  for (let rest = value, shift = 0; rest !== 0; shift += 1) {
    if (rest % 2 !== 0) {
      const sign = rest % 4 === 1 ? 1 : -1;
      digits.push({ shift, sign });
      rest -= sign;
    }
    rest /= 2;
  }
  return digits;
}
