import { BIPOLAR, type DataType } from '../ir/datatype.ts';
import { range } from './verilog.ts';

/** A number in two's complement or without a sign. */
export interface Operand {
  readonly bits: number;
  readonly signed: boolean;
}

/** What elements of the type are as numbers: BIPOLAR ones, which are a bit in a beat, are of two bits. */
export const operandOf = (dtype: DataType): Operand =>
  dtype === BIPOLAR ? { bits: 2, signed: true } : { bits: dtype.bits, signed: dtype.signed };

/** The element of type `dtype` whose bits begin at bit `low` of a vector, as a number of `width` bits, not fewer than it has. */
export function extended(vector: string, low: number, dtype: DataType, width: number): string {
  if (dtype === BIPOLAR) return `{{${width - 1}{~${vector}[${low}]}}, 1'b1}`;
  const value = `${vector}[${low} +: ${dtype.bits}]`;
  const more = width - dtype.bits;
  if (more <= 0) return value;
  return dtype.signed ? `{{${more}{${vector}[${low + dtype.bits - 1}]}}, ${value}}` : `{${more}'d0, ${value}}`;
}

/** Declares a number that is read, signed or not. */
export const declared = (name: string, width: number, signed: boolean, value: string): string =>
  `wire ${signed ? 'signed ' : ''}${range(width)} ${name} = ${value};`;
