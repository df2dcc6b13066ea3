import type { DataType } from '../ir/datatype.ts';
import { ceilDiv } from '../util/maths.ts';
import type { Device, Family } from './device.ts';
import type { Operand } from './operand.ts';

/** Least and greatest of some integers. */
export type Range = readonly [min: number, max: number];

/** A function of two integers, as meaning and as a circuit. */
export interface BinaryFunction {
  /** What an element is, in words. */
  readonly doc: string;
  value(a: number, b: number): number;
  /** Bounds of the values for a and b in these ranges, as narrow as can be. */
  range(a: Range, b: Range): Range;
  /** Bits to which both operands are extended. */
  width(a: Operand, b: Operand, output: DataType): number;
  /** The value's bits, of a and b as wires of that width. */
  verilog(a: string, b: string, output: DataType, width: number): string;
  /** LUTs of one lane. */
  luts(a: Operand, b: Operand, output: DataType, device: Device): number;
}

const span = (a: Range, b: Range, value: (a: number, b: number) => number): Range => {
  const corners = a.flatMap((x) => b.map((y) => value(x, y)));
  return [Math.min(...corners), Math.max(...corners)];
};

/** Bits that hold both operands as numbers of one kind. */
const common = (a: Operand, b: Operand): number => {
  const signed = a.signed || b.signed;
  return Math.max(...[a, b].map((one) => one.bits + (signed && !one.signed ? 1 : 0)));
};

const lut4 = (family: Family): boolean => family === 'ice40' || family === 'ecp5';
const compareLuts = (a: Operand, b: Operand, { family }: Device): number =>
  Math.ceil(common(a, b) * (lut4(family) ? 1.3 : 0.9));

/** Sums, differences and products: exact modulo 2^bits of the result, which is never narrower than an operand. */
const ring = (
  doc: string,
  value: BinaryFunction['value'],
  sign: '+' | '-' | '*',
  luts: BinaryFunction['luts'],
): BinaryFunction => ({
  doc,
  value,
  range: (a, b) => span(a, b, value),
  width: (_a, _b, output) => output.bits,
  verilog: (a, b) => `${a} ${sign} ${b}`,
  luts,
});

const low = (name: string, { bits }: DataType, width: number): string =>
  bits < width ? `${name}[${bits - 1}:0]` : name;

const extreme = (doc: string, value: BinaryFunction['value'], sign: '>' | '<'): BinaryFunction => ({
  doc,
  value,
  range: ([a, b], [c, d]) => [value(a, c), value(b, d)],
  width: common,
  verilog: (a, b, output, width) => `${a} ${sign} ${b} ? ${low(a, output, width)} : ${low(b, output, width)}`,
  luts: (a, b, { bits }, device) => compareLuts(a, b, device) + bits,
});

const comparison = (doc: string, value: (a: number, b: number) => boolean, sign: string): BinaryFunction => ({
  doc,
  value: (a, b) => Number(value(a, b)),
  range: () => [0, 1],
  width: common,
  verilog: (a, b) => `${a} ${sign} ${b}`,
  luts: (a, b, _output, device) => compareLuts(a, b, device),
});

const logic = (doc: string, value: (a: boolean, b: boolean) => boolean, sign: string): BinaryFunction => ({
  doc,
  value: (a, b) => Number(value(a !== 0, b !== 0)),
  range: () => [0, 1],
  width: common,
  verilog: (a, b) => `(|${a}) ${sign} (|${b})`,
  luts: (a, b) => ceilDiv(a.bits + b.bits, 3),
});

const sumLuts = (_a: Operand, _b: Operand, { bits }: DataType): number => bits;

const difference: BinaryFunction = {
  doc: 'the magnitude of the difference',
  value: (a, b) => Math.abs(a - b),
  range(a, b) {
    const [min, max] = span(a, b, (x, y) => x - y);
    return [Math.max(0, min, -max), Math.max(max, -min)];
  },
  width: common,
  verilog(a, b, output, width) {
    const [x, y] = [low(a, output, width), low(b, output, width)];
    return `(${a} > ${b} ? ${x} : ${y}) - (${a} > ${b} ? ${y} : ${x})`;
  },
  luts: (a, b, { bits }, device) => compareLuts(a, b, device) + bits * (lut4(device.family) ? 3 : 2),
};

/** The functions that streams have, by ONNX's names; AbsDiff is its Abs of Sub. */
export const binaryFunctions = {
  Add: ring('the sum', (a, b) => a + b, '+', sumLuts),
  Sub: ring('the difference', (a, b) => a - b, '-', sumLuts),
  Mul: ring(
    'the product',
    // + 0 makes 0 of −0.
    (a, b) => a * b + 0,
    '*',
    (a, b, _output, { family }) => Math.ceil(a.bits * b.bits * (lut4(family) ? 2 : 1.4)),
  ),
  Max: extreme('the greater', (a, b) => Math.max(a, b), '>'),
  Min: extreme('the lesser', (a, b) => Math.min(a, b), '<'),
  AbsDiff: difference,
  And: logic('1 where both are other than 0, otherwise 0', (a, b) => a && b, '&'),
  Or: logic('1 where one or both are other than 0, otherwise 0', (a, b) => a || b, '|'),
  Xor: logic('1 where one of them is other than 0, but not both, otherwise 0', (a, b) => a !== b, '^'),
  Equal: comparison('1 where they are equal, otherwise 0', (a, b) => a === b, '=='),
  Less: comparison('1 where the first is less, otherwise 0', (a, b) => a < b, '<'),
  LessOrEqual: comparison('1 where the first is not greater, otherwise 0', (a, b) => a <= b, '<='),
  Greater: comparison('1 where the first is greater, otherwise 0', (a, b) => a > b, '>'),
  GreaterOrEqual: comparison('1 where the first is not less, otherwise 0', (a, b) => a >= b, '>='),
} as const satisfies Readonly<Record<string, BinaryFunction>>;

export type BinaryName = keyof typeof binaryFunctions;
