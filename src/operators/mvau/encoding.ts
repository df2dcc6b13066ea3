import { bug } from '../../diagnostics/diagnostic.ts';
import { BIPOLAR, bitsFor, type DataType, smallest } from '../../ir/datatype.ts';
import { extremes, type Tensor } from '../../ir/tensor.ts';

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

export function inputCode(type: DataType): InputCode {
  if (type === BIPOLAR) return { bits: 1, scale: 2, offset: -1, invertTop: false, shift: 0 };
  if (!type.signed) return { bits: type.bits, scale: 1, offset: 0, invertTop: false, shift: 0 };
  return { bits: type.bits, scale: 1, offset: -(2 ** (type.bits - 1)), invertTop: true, shift: 0 };
}

/**
 * How weights lie in memory, and what a product is. bipolar: 1 bit, set for −1, product u ^ w. binary: 1 bit, u & w.
 * ternary: (non-zero, negative), product nz & (u ^ neg). integer: two's complement, or unsigned. constant: in logic, as
 * signed digits. A product is its bits plus `correction(w)`, which is no function of u.
 */
export interface WeightCode {
  readonly kind: 'bipolar' | 'binary' | 'ternary' | 'integer' | 'constant';
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
  const [min, max] = extremes(weights.data);
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
    if (weights.data.every((w) => w !== 0)) {
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
      return bug('a constant weight has no bits in memory');
  }
}

/** Of a name, inverted or not. */
const inverse = (bit: string): string => (bit.startsWith('~') ? bit.slice(1) : `~${bit}`);

/** The bits of the product of unsigned input bits and a constant. */
export function constantProductBits(weight: number, u: readonly string[]): ProductBits[] {
  return digits(weight).flatMap(({ shift, sign }) =>
    u.map((bit, i) => ({ expression: sign > 0 ? bit : inverse(bit), column: i + shift })),
  );
}
