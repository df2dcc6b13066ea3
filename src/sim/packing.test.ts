import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINARY, BIPOLAR, type DataType, int, TERNARY, uint } from '../ir/datatype.ts';
import { pack, unpack } from './packing.ts';

describe('pack', () => {
  it('puts element 0 in the least significant bits, beats in little-endian bytes', () => {
    expect([...pack([1, -1, 0, 1], TERNARY, { lanes: 4, bits: 2, width: 8 })]).toEqual([0b01_00_11_01]);
    expect([...pack([0x123, 0x456], uint(12), { lanes: 1, bits: 12, width: 12 })]).toEqual([0x23, 0x01, 0x56, 0x04]);
    expect([...pack([-1, 1, 1], BIPOLAR, { lanes: 3, bits: 1, width: 8 })]).toEqual([0b110]);
  });

  it('is undone by unpack', () => {
    const types: DataType[] = [
      BINARY,
      BIPOLAR,
      TERNARY,
      ...[2, 3, 7, 8, 9, 24, 32, 33].flatMap((b) => [int(b), uint(b)]),
    ];
    const anything = fc.record({
      dtype: fc.constantFrom(...types),
      lanes: fc.integer({ min: 1, max: 9 }),
      beats: fc.integer({ min: 0, max: 5 }),
      spare: fc.integer({ min: 0, max: 9 }),
      seed: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 45, maxLength: 45 }),
    });
    fc.assert(
      fc.property(anything, ({ dtype, lanes, beats, spare, seed }) => {
        const shape = { lanes, bits: dtype.bits, width: lanes * dtype.bits + spare };
        const elements = seed.slice(0, lanes * beats).map((x) => {
          if (dtype === BIPOLAR) return x < 0.5 ? -1 : 1;
          return dtype.min + Math.floor(x * (dtype.max - dtype.min + 1));
        });
        const packed = pack(elements, dtype, shape);
        expect(packed.length).toBe(beats * Math.ceil(shape.width / 8));
        expect([...unpack(packed, dtype, shape)]).toEqual(elements);
      }),
    );
  });
});
