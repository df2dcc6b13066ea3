import { bug } from '../diagnostics/diagnostic.ts';
import type { Row } from '../hdl/rows.ts';
import { BIPOLAR, bitsFor, type DataType, smallest } from '../ir/datatype.ts';
import { factsOf } from '../ir/facts.ts';
import type { Tensor } from '../ir/tensor.ts';

/**
 * An input as unsigned bits: x = scale · u + offset. BIPOLAR is 2u − 1; of signed types the top bit is inverted, so that
 * u = x + 2^(bits−1). All that is not u is a constant of the weights, and lies outside the heap.
 */
export interface InputCode {
  readonly bits: number;
  readonly scale: 1 | 2;
  readonly offset: number;
  readonly invertTop: boolean;
  /** Columns that products are moved up in the heap. */
  readonly shift: number;
}

/** The input as a signed number: the top bit of unsigned types is inverted, so that s = x − 2^(bits−1). */
export function signedCode(type: DataType): InputCode {
  const offset = type.signed ? 0 : 2 ** (type.bits - 1);
  return { bits: type.bits, scale: 1, offset, invertTop: !type.signed, shift: 0 };
}

export function inputCode(type: DataType): InputCode {
  if (type === BIPOLAR) return { bits: 1, scale: 2, offset: -1, invertTop: false, shift: 0 };
  if (!type.signed) return { bits: type.bits, scale: 1, offset: 0, invertTop: false, shift: 0 };
  return { bits: type.bits, scale: 1, offset: -(2 ** (type.bits - 1)), invertTop: true, shift: 0 };
}

/**
 * How weights lie in memory, and what a product is. bipolar: 1 bit, set for −1, product u ^ w. binary: 1 bit, u & w.
 * ternary: (non-zero, negative), product nz & (u ^ neg). integer: two's complement, or unsigned. constant: in logic, as
 * signed digits. booth: as integer, read as digits of −2 … 2; the input is signed. A product is its bits plus `correction(w)`, which
 * is no function of u.
 */
export interface WeightCode {
  readonly kind: 'bipolar' | 'binary' | 'ternary' | 'integer' | 'constant' | 'booth';
  readonly bits: number;
  readonly signed: boolean;
  encode(w: number): bigint;
  correction(w: number): number;
  /** Greatest value of the product's bits together. */
  most(w: number): number;
}

/** The cheapest code of the weights, for inputs of `bits` unsigned bits. */
export function weightCode(weights: Tensor, bits: number, inLogic: boolean): WeightCode {
  const top = 2 ** bits - 1;
  const { min, max, nonZero } = factsOf(weights);
  const absolute = { most: (w: number) => Math.abs(w) * top, correction: (w: number) => Math.min(w, 0) * top };
  if (inLogic) {
    const negative = (w: number): number => digits(w).reduce((n, d) => n + (d.sign < 0 ? 2 ** d.shift : 0), 0);
    const all = (w: number): number => digits(w).reduce((n, d) => n + 2 ** d.shift, 0);
    return {
      kind: 'constant',
      bits: 0,
      signed: true,
      encode: () => bug('constant weights have no code'),
      correction: (w) => -negative(w) * top,
      most: (w) => all(w) * top,
    };
  }
  if (min >= 0) {
    const width = bitsFor(max);
    return { kind: width === 1 ? 'binary' : 'integer', bits: width, signed: false, encode: BigInt, ...absolute };
  }
  if (min === -1 && max <= 1) {
    if (nonZero) {
      return { kind: 'bipolar', bits: 1, signed: true, encode: (w) => (w < 0 ? 1n : 0n), ...absolute };
    }
    const code = (w: number): bigint => (w === 0 ? 0n : w < 0 ? 3n : 1n);
    return { kind: 'ternary', bits: 2, signed: true, encode: code, ...absolute };
  }
  // Baugh-Wooley: the row of the sign bit is inverted, whatever the weight.
  const width = smallest(min, max).bits;
  const sign = 2 ** (width - 1);
  return {
    kind: 'integer',
    bits: width,
    signed: true,
    encode: (w) => BigInt.asUintN(width, BigInt(w)),
    correction: () => -sign * top,
    most: (w) => (Math.max(w, 0) + sign) * top,
  };
}

/** A function of integer weights, looked up where they are many. */
export function tabulated(weights: Tensor, of: (w: number) => number): (w: number) => number {
  const { min, max } = factsOf(weights);
  if (!(max - min < weights.data.length)) return of;
  const table = Float64Array.from({ length: max - min + 1 }, (_, i) => of(min + i));
  return (w) => table[w - min]!;
}

/** Digits of radix 4 that weights of a code have. */
const boothDigits = (code: WeightCode): number => Math.ceil((code.bits + (code.signed ? 0 : 1)) / 2);

/**
 * The code of integer weights for rows of signed inputs: a product is a row of bits + 1 bits for each digit, its sign bit inverted, and one more unit if
 * the digit is negative. The correction is the same for every weight.
 */
export function boothCode(integer: WeightCode, bits: number): WeightCode {
  let signs = 0;
  for (let k = 0; k < boothDigits(integer); k += 1) signs += 4 ** k * 2 ** bits;
  return {
    ...integer,
    kind: 'booth',
    correction: () => -signs,
    most: (w) => Math.max(-w * 2 ** (bits - 1), w * (2 ** (bits - 1) - 1)) + signs,
  };
}

/** Non-adjacent form: the fewest signed powers of two that make an integer. */
export function digits(value: number): { readonly shift: number; readonly sign: 1 | -1 }[] {
  const list: { shift: number; sign: 1 | -1 }[] = [];
  for (let n = value, shift = 0; n !== 0; shift += 1) {
    if (n % 2 !== 0) {
      const sign = (((n % 4) + 4) % 4 === 1 ? 1 : -1) as 1 | -1;
      list.push({ shift, sign });
      n -= sign;
    }
    n /= 2;
  }
  return list;
}

/** Unsigned bits of input lane i of `x`, as expressions. */
export function inputBits({ bits, invertTop }: InputCode, i: number): string[] {
  return Array.from({ length: bits }, (_, k) => `${invertTop && k === bits - 1 ? '~' : ''}x[${i * bits + k}]`);
}

/** A product's bits: a Verilog expression and the power of two that they count for. */
export interface ProductBits {
  readonly expression: string;
  readonly column: number;
}

/**
 * The bits of products of memory-held weights and unsigned input bits: `u` are expressions of the input's bits, `w` of
 * the weights' planes, each one bit or a vector of as many bits as there are products.
 */
export function productBits(code: WeightCode, u: readonly string[], w: readonly string[]): ProductBits[] {
  switch (code.kind) {
    case 'bipolar':
      return u.map((bit, column) => ({ expression: `${bit} ^ ${w[0]}`, column }));
    case 'binary':
      return u.map((bit, column) => ({ expression: `${bit} & ${w[0]}`, column }));
    case 'ternary':
      return u.map((bit, column) => ({ expression: `${w[0]} & (${bit} ^ ${w[1]})`, column }));
    case 'integer':
      return w.flatMap((plane, k) => {
        const inverted = code.signed && k === code.bits - 1;
        return u.map((bit, i) => ({
          expression: inverted ? `~(${bit} & ${plane})` : `${bit} & ${plane}`,
          column: i + k,
        }));
      });
    case 'constant':
    case 'booth':
      return bug(`a ${code.kind} weight has no single bits in memory`);
  }
}

/**
 * The rows that make the product of a memory-held weight and an input of several bits: `u` is an expression of the input's
 * bits, `w` are expressions of the weight's.
 */
export function productRows(code: WeightCode, u: string, bits: number, w: readonly string[]): Row[] {
  const all = (bit: string, n = bits): string => `{${n}{${bit}}}`;
  switch (code.kind) {
    case 'bipolar':
      return [{ bits: `${u} ^ ${all(w[0]!)}`, width: bits, column: 0 }];
    case 'binary':
      return [{ bits: `${u} & ${all(w[0]!)}`, width: bits, column: 0 }];
    case 'ternary':
      return [{ bits: `${all(w[0]!)} & (${u} ^ ${all(w[1]!)})`, width: bits, column: 0 }];
    case 'booth':
      return Array.from({ length: boothDigits(code) }, (_, k) => {
        const at = (plane: number): string =>
          plane < 0 ? "1'b0" : plane < code.bits ? w[plane]! : code.signed ? w[code.bits - 1]! : "1'b0";
        const [high, middle, low] = [at(2 * k + 1), at(2 * k), at(2 * k - 1)];
        const n = bits + 1;
        const one = `${all(`${middle} ^ ${low}`, n)} & {${u}[${bits - 1}], ${u}}`;
        const two = `${all(`(${high} ^ ${middle}) & ~(${middle} ^ ${low})`, n)} & {${u}, 1'b0}`;
        // The sign bit counts 2^bits less than it says, and is inverted to be worth nothing or that.
        const sign = `${n}'d${2 ** bits}`;
        return { bits: `((${one}) | (${two})) ^ ${all(high, n)} ^ ${sign}`, width: n, column: 2 * k, carry: high };
      });
    default:
      return bug(`no rows of ${code.kind} weights`);
  }
}

/** The inverse of a name, or of an inverted one. */
export const inverse = (bit: string): string => (bit.startsWith('~') ? bit.slice(1) : `~${bit}`);

/** The bits of the product of unsigned input bits and a constant. */
export function constantProductBits(weight: number, u: readonly string[]): ProductBits[] {
  return digits(weight).flatMap(({ shift, sign }) =>
    u.map((bit, i) => ({ expression: sign > 0 ? bit : inverse(bit), column: i + shift })),
  );
}
