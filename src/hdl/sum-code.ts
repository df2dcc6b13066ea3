import { BIPOLAR, type DataType, smallest } from '../ir/datatype.ts';
import type { Reduction } from './reduction.ts';
import { range } from './verilog.ts';

/** What is done to a sum on its way out: floor((sum + offset) / 2^shift), cut to least … most. */
export interface Rescaling {
  readonly offset: number;
  readonly shift: number;
  readonly least: number;
  readonly most: number;
}

/**
 * How a sum of `count` elements is counted: inputs as unsigned bits, everything constant in what it begins with; of BIPOLAR
 * inputs the ones, half the sum. `output` is the type of the sum or of what `rescaling` makes of it.
 */
export function sumCode(
  input: DataType,
  count: number,
  output: DataType,
  rescaling?: Rescaling,
): Pick<Reduction, 'bits' | 'begin' | 'outputBits' | 'outputLines' | 'computed'> {
  const { offset = 0, shift = 0 } = rescaling ?? {};
  const halved = input === BIPOLAR;
  const constant = offset + (halved ? -count : input.signed ? -count * 2 ** (input.bits - 1) : 0);
  const begin = halved ? Math.floor(constant / 2) : constant;
  // What a sum is in between does not matter: it is taken modulo 2^bits.
  const [least, most] = halved ? [begin, begin + count] : [offset + count * input.min, offset + count * input.max];
  const type = smallest(Math.min(least, 0), Math.max(most, 0));
  // The lowest bit of twice a number of ones and a constant is that of the constant.
  const low = constant - 2 * Math.floor(constant / 2);
  const dropped = halved ? Math.max(0, shift - 1) : shift;
  const bits = Math.max(type.bits, dropped + 1);
  const appended = halved && shift === 0;
  const width = bits - dropped + (appended ? 1 : 0);
  const resultOf = (n: number): number => Math.floor((halved ? 2 * n + low : n) / 2 ** shift);
  const cutLow = rescaling !== undefined && resultOf(least) < rescaling.least;
  const cutHigh = rescaling !== undefined && resultOf(most) > rescaling.most;
  const sign = type.signed ? 'signed ' : '';
  const outputLines = (value: string, target: string): string[] => {
    const kept = dropped > 0 ? `${value}[${bits - 1}:${dropped}]` : value;
    const whole = `${target}_whole`;
    const lines = [`wire ${sign}${range(width)} ${whole} = ${appended ? `{${kept}, 1'b${low}}` : kept};`];
    const top = type.signed ? `${whole}[${width - 1}]` : "1'b0";
    const missing = output.bits - width;
    const fit = missing > 0 ? `{{${missing}{${top}}}, ${whole}}` : `${whole}[${output.bits - 1}:0]`;
    const code = (n: number): string => `${output.bits}'d${BigInt.asUintN(output.bits, BigInt(n))}`;
    const limit = (n: number): string => `${width}'${type.signed ? 's' : ''}d${BigInt.asUintN(width, BigInt(n))}`;
    const below = cutLow ? `(${whole} < ${limit(rescaling.least)}) ? ${code(rescaling.least)} : ` : '';
    const above = cutHigh ? `(${whole} > ${limit(rescaling.most)}) ? ${code(rescaling.most)} : ` : '';
    lines.push(`wire ${range(output.bits)} ${target} = ${below}${above}${fit};`);
    if (dropped > 0) lines.push(`wire unused_${target}_below = &{1'b0, ${value}[${dropped - 1}:0]};`);
    if (missing < 0) lines.push(`wire unused_${target}_above = &{1'b0, ${whole}[${width - 1}:${output.bits}]};`);
    return lines;
  };
  return { bits, begin: BigInt(begin), outputBits: output.bits, outputLines, computed: cutLow || cutHigh };
}
