import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare, formatRational, parseRational, rational, showRational, toNumber } from './rational.ts';

test.each([
  ['1/255', 1n, 255n],
  ['0.456', 57n, 125n],
  ['1e-3', 1n, 1000n],
  ['-2.50', -5n, 2n],
  ['+.5', 1n, 2n],
  ['3.', 3n, 1n],
  ['1.5e3/7', 1500n, 7n],
  [' 1 / 3 ', 1n, 3n],
  ['-0', 0n, 1n],
  ['0.1', 1n, 10n],
])('%s is exact', (text, num, den) => {
  expect(parseRational(text)).toEqual({ num, den });
});

test.each(['', '.', '1/0', '1/2/3', '1.2.3', 'x', '0x10', 'Infinity', '1e', '--1', '1 2', '/', '1e9999'])(
  '%j is no number',
  (text) => {
    expect(parseRational(text)).toBeUndefined();
  },
);

test('what is printed is read back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.bigInt({ min: 1n, max: 10n ** 30n }), (n, d) => {
      const value = rational(n, d);
      expect(parseRational(formatRational(value))).toEqual(value);
      expect(parseRational(showRational(value))).toEqual(value);
    }),
  );
});

test('decimals of a double are that double, and order is that of numbers', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 15 }), fc.integer(), (a, places, b) => {
      const [x, y] = [parseRational(`${a}e-${places}`)!, parseRational(String(b))!];
      expect(toNumber(x)).toBe(Number(`${a}e-${places}`) + 0);
      expect(compare(x, y)).toBe(Math.sign(a / 10 ** places - b) + 0);
    }),
  );
});

test('a fraction beyond the range of doubles still has a value', () => {
  expect(toNumber(rational(3n * 10n ** 400n, 2n * 10n ** 400n + 1n))).toBeCloseTo(1.5, 12);
});
