/** Least integer ≥ a/b, for integers a ≥ 0 and b > 0. */
export const ceilDiv = (a: number, b: number): number => Math.floor((a + b - 1) / b);

/** Least n ≥ 0 with 2^n ≥ value, for value ≥ 1 (values below 1 give 0). Exact for every safe integer. */
export function log2Ceil(value: number): number {
  let bits = 0;
  let reach = 1;
  while (reach < value) {
    reach *= 2;
    bits += 1;
  }
  return bits;
}

/** All positive divisors of a positive integer, ascending. */
export function divisors(n: number): number[] {
  const low: number[] = [];
  const high: number[] = [];
  for (let d = 1; d * d <= n; d += 1) {
    if (n % d !== 0) continue;
    low.push(d);
    if (d * d !== n) high.push(n / d);
  }
  return [...low, ...high.reverse()];
}

/** Product of the numbers; 1 of none. */
export const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

/** Sum of the numbers; 0 of none. */
export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Greatest common divisor of two integers; gcd(0, n) = |n|. */
export function gcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** Least common multiple of two positive integers. */
export const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

/** The value, or the nearer end of min…max if it lies outside. */
export const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
