/** ±2^shift. */
export interface SignedDigit {
  readonly shift: number;
  readonly sign: 1 | -1;
}

/** An integer as a sum of ±2^shift with the fewest terms, no two of them neighbours (its non-adjacent form); none for 0. */
export function signedDigits(value: number): SignedDigit[] {
  const digits: SignedDigit[] = [];
  for (let rest = value, shift = 0; rest !== 0; shift += 1) {
    if (rest % 2 !== 0) {
      const sign = ((rest % 4) + 4) % 4 === 1 ? 1 : -1;
      digits.push({ shift, sign });
      rest -= sign;
    }
    rest /= 2;
  }
  return digits;
}

/**
 * Σ factor · number, and a constant ≥ 0 of any other text, as shifts that are added and subtracted; the numbers are wires
 * as wide as the sum.
 */
export function shiftAdd(numbers: readonly (readonly [name: string, factor: number])[], width: number): string {
  const terms = numbers
    .flatMap(([name, factor]) =>
      signedDigits(factor).map(({ shift, sign }) => ({ text: shift === 0 ? name : `(${name} << ${shift})`, sign })),
    )
    .sort((one, other) => other.sign - one.sign);
  if (terms.length === 0) return `${width}'d0`;
  return terms.map(({ text, sign }, i) => `${sign < 0 ? '- ' : i > 0 ? '+ ' : ''}${text}`).join(' ');
}

/** LUTs of `shiftAdd` beyond one carry chain: each further term is a row of adders that is hardly longer than its number. */
export const shiftAddLuts = (numbers: readonly (readonly [bits: number, factor: number])[]): number =>
  Math.max(
    0,
    numbers.reduce((sum, [bits, factor]) => sum + (signedDigits(factor).length - 1) * (bits + 3), 0),
  );
