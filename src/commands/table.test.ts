import { expect, it } from 'vitest';
import { bytesText, plural, secondsText, table } from './table.ts';

it('aligns columns, and ends no line in blanks', () => {
  expect(
    table(
      ['A', 'N', 'REST'],
      [
        ['one', '7', ''],
        ['×', '1234', 'more'],
      ],
      ['left', 'right'],
    ),
  ).toEqual(['A       N  REST', 'one     7', '×    1234  more']);
});

it('writes amounts for people', () => {
  expect([0, 999, 1000, 12_345, 3.2e9, 5e15].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 kB',
    '3.2 GB',
    '5000.0 TB',
  ]);
  expect([0.004, 9.99, 34.4, 125].map(secondsText)).toEqual(['0.00 s', '9.99 s', '34 s', '2 min 5 s']);
  expect([plural(1, 'build'), plural(0, 'error')]).toEqual(['1 build', '0 errors']);
});
