/**
 * What one element of a tensor may be. Names are FINN's and QONNX's: BINARY {0,1}, BIPOLAR {-1,+1}, TERNARY {-1,0,1},
 * UINT<n>, INT<n>, FLOAT32, FLOAT64. Values are interned: equal types are the same object.
 */
export interface DataType {
  readonly name: string;
  /** Bits of one element in hardware. */
  readonly bits: number;
  readonly signed: boolean;
  readonly integer: boolean;
  /** Least and greatest value; infinite for floating point. */
  readonly min: number;
  readonly max: number;
}

const interned = new Map<string, DataType>();
function intern(name: string, make: () => Omit<DataType, 'name'>): DataType {
  let type = interned.get(name);
  if (!type) {
    type = Object.freeze({ name, ...make() });
    interned.set(name, type);
  }
  return type;
}

const float = (name: string, bits: number): DataType =>
  intern(name, () => ({ bits, signed: true, integer: false, min: -Infinity, max: Infinity }));
export const FLOAT32: DataType = float('FLOAT32', 32);
export const FLOAT64: DataType = float('FLOAT64', 64);
export const BINARY: DataType = intern('BINARY', () => ({ bits: 1, signed: false, integer: true, min: 0, max: 1 }));
export const BIPOLAR: DataType = intern('BIPOLAR', () => ({ bits: 1, signed: true, integer: true, min: -1, max: 1 }));
export const TERNARY: DataType = intern('TERNARY', () => ({ bits: 2, signed: true, integer: true, min: -1, max: 1 }));

/** Unsigned integers of `bits` bits; UINT1 is called BINARY, as in FINN. */
export const uint = (bits: number): DataType =>
  bits === 1
    ? BINARY
    : intern(`UINT${bits}`, () => ({ bits, signed: false, integer: true, min: 0, max: 2 ** bits - 1 }));

/** Two's complement integers of `bits` bits. */
export const int = (bits: number): DataType =>
  intern(`INT${bits}`, () => ({
    bits,
    signed: true,
    integer: true,
    min: -(2 ** (bits - 1)),
    max: 2 ** (bits - 1) - 1,
  }));

/** Type by FINN's name, in any case; undefined if there is none of that name. */
export function parseDataType(text: string): DataType | undefined {
  const name = text.toUpperCase();
  const known = { FLOAT32, FLOAT64, BINARY, BIPOLAR, TERNARY, FLOAT: FLOAT32 }[name];
  if (known) return known;
  const match = /^(U?)INT([1-9][0-9]?)$/.exec(name);
  if (!match) return undefined;
  const bits = Number(match[2]);
  if (bits > 64) return undefined;
  return match[1] ? uint(bits) : int(bits);
}

/** Bits that an unsigned integer needs to count up to `max`; at least 1. */
export function bitsFor(max: number): number {
  let bits = 1;
  while (2 ** bits - 1 < max) bits += 1;
  return bits;
}

/** The narrowest plain integer type that holds min…max (both integers). Never BIPOLAR or TERNARY. */
export function smallest(min: number, max: number): DataType {
  if (min >= 0) return uint(bitsFor(max));
  let bits = 1;
  while (-(2 ** (bits - 1)) > min || 2 ** (bits - 1) - 1 < max) bits += 1;
  return int(bits);
}

/** Can `value` be an element of `type`? */
export const admits = (type: DataType, value: number): boolean =>
  type === BIPOLAR
    ? value === 1 || value === -1
    : value >= type.min && value <= type.max && (!type.integer || Number.isInteger(value));
