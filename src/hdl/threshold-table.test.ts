import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT64 } from '../ir/datatype.ts';
import { tensor } from '../ir/tensor.ts';
import { countOf, thresholdTable } from './threshold-table.ts';

const table = (rows: readonly (readonly number[])[], min: number, max: number, signs?: readonly (1 | -1)[]) =>
  thresholdTable(
    tensor(FLOAT64, [rows.length, rows[0]!.length], rows.flat()),
    signs?.length ?? rows.length,
    () => min,
    () => max,
    (c) => signs?.[c] ?? 1,
  );

describe('thresholdTable', () => {
  it('drops what no accumulator reaches and counts what all reach', () => {
    const t = table([[-100, -9, 0, 3, 8, 99]], -8, 7);
    expect(t).toMatchObject({ bits: 2, steps: [[0, 3]], counts: [[2, 3, 4]], base: 2 });
  });

  it('merges equal neighbours into a step of several counts', () => {
    const t = table([[1, 1, 1, 1, 1, 5]], 0, 9);
    expect(t).toMatchObject({ bits: 2, steps: [[1, 5]], counts: [[0, 5, 6]], base: undefined });
  });

  it('repeats steps where that spares the table of values', () => {
    expect(table([[1, 1, 5]], 0, 9)).toMatchObject({ bits: 2, steps: [[1, 1, 5]], base: 0 });
    const shifted = table(
      [
        [-99, 2, 4],
        [1, 2, 3],
      ],
      0,
      9,
    );
    expect(shifted).toMatchObject({
      bits: 2,
      steps: [
        [0, 2, 4],
        [1, 2, 3],
      ],
      base: 0,
    });
  });

  it('needs no bits where every channel is constant', () => {
    expect(
      table(
        [
          [-5, 50],
          [60, 70],
        ],
        0,
        9,
      ),
    ).toMatchObject({ bits: 0, steps: [[], []], counts: [[1], [0]] });
  });

  it('makes 255 levels small when most coincide', () => {
    const row = Array.from({ length: 255 }, (_, i) => (i < 100 ? -0.5 : i < 180 ? 0.25 : 3));
    expect(table([row], -1, 1)).toMatchObject({ bits: 2, steps: [[0, 1]], counts: [[0, 100, 180]] });
  });

  it('counts as the thresholds do, for every accumulator, of either sign', () => {
    const threshold = fc.oneof(
      fc.integer({ min: -40, max: 40 }),
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.constantFrom(Infinity, -Infinity),
    );
    const given = fc.integer({ min: 1, max: 4 }).chain((channels) =>
      fc.record({
        rows: fc.integer({ min: 0, max: 9 }).chain((n) => {
          const row = fc.array(threshold, { minLength: n, maxLength: n });
          return fc.oneof(
            fc.array(row, { minLength: channels, maxLength: channels }),
            fc.array(row, { minLength: 1, maxLength: 1 }),
          );
        }),
        signs: fc.array(fc.constantFrom<1 | -1>(1, -1), { minLength: channels, maxLength: channels }),
        min: fc.integer({ min: -20, max: 0 }),
        max: fc.integer({ min: 0, max: 20 }),
      }),
    );
    fc.assert(
      fc.property(given, ({ rows, signs, min, max }) => {
        const t = table(rows, min, max, signs);
        for (let c = 0; c < signs.length; c += 1) {
          const row = rows[rows.length === 1 ? 0 : c]!;
          expect(t.steps[c]!.length).toBeLessThan(2 ** t.bits);
          expect(t.counts[c]!.length).toBe(t.steps[c]!.length + 1);
          if (t.base !== undefined) expect(t.counts[c]).toEqual(t.counts[c]!.map((_, i) => t.base! + i));
          for (let a = min; a <= max; a += 1) {
            expect(countOf(t, c, a)).toBe(row.filter((x) => signs[c]! * a >= x).length);
          }
        }
      }),
    );
  });
});
