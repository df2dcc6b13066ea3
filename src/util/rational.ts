/** An exact fraction in lowest terms; `den` is positive. What recipes mean by a number. */
export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b));

/** num/den in lowest terms; throws RangeError where den is 0. */
export function rational(num: bigint, den = 1n): Rational {
  if (den === 0n) throw new RangeError('a fraction with denominator 0');
  const divisor = gcd(num, den) || 1n;
  const sign = den < 0n ? -1n : 1n;
  return { num: (sign * num) / divisor, den: (sign * den) / divisor };
}

const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

function parseDecimal(text: string): Rational | undefined {
  const match = decimal.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole + fraction === '' || text.length > 400) return undefined;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const power = Number(exponent) - fraction.length;
  return power >= 0 ? rational(digits * 10n ** BigInt(power)) : rational(digits, 10n ** BigInt(-power));
}

/** Numerators and denominators are smaller: what is written out again can be read again. */
const LARGEST = 10n ** 390n;

/** '1/255', '0.456', '1e-3', '-7' exactly; undefined where `text` is no number, divides by 0 or needs more than 390 digits. */
export function parseRational(text: string): Rational | undefined {
  const parts = text.split('/');
  if (parts.length > 2) return undefined;
  const num = parseDecimal(parts[0]!.trim());
  const den = parts.length === 2 ? parseDecimal(parts[1]!.trim()) : { num: 1n, den: 1n };
  if (!num || !den || den.num === 0n) return undefined;
  const found = rational(num.num * den.den, num.den * den.num);
  return found.num < LARGEST && found.num > -LARGEST && found.den < LARGEST ? found : undefined;
}

/** Sign of a − b. */
export function compare(a: Rational, b: Rational): -1 | 0 | 1 {
  const difference = a.num * b.den - b.num * a.den;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The double nearest to it, where numerator and denominator are doubles themselves; within 2 ulp otherwise. */
export function toNumber({ num, den }: Rational): number {
  const excess = Math.max(num.toString(2).length, den.toString(2).length) - 1000;
  const shift = BigInt(Math.max(0, excess));
  return Number(num >> shift) / Number(den >> shift);
}

/** '1/255' or '24': parseRational's inverse, for JSON and messages. */
export const formatRational = ({ num, den }: Rational): string => (den === 1n ? `${num}` : `${num}/${den}`);

/** For people: a whole number or a short decimal where it is exact, else the fraction. */
export function showRational(value: Rational): string {
  const near = toNumber(value);
  const exact = parseRational(String(near));
  return exact && compare(exact, value) === 0 ? String(near) : formatRational(value);
}
