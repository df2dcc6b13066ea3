import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINARY, BIPOLAR, type DataType, int, TERNARY, uint } from '../ir/datatype.ts';
import { fromStream, pack, streamOrder, toStream, unpack } from './packing.ts';

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

describe('the order of a stream', () => {
  it('is group by group of channels, position after position', () => {
    // 2 positions of 4 channels: a0 a1 a2 a3 b0 b1 b2 b3, for a reader of 2 channels.
    expect([...streamOrder({ interleave: { positions: 2, group: 2 } }, 8)!]).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
    expect(streamOrder({}, 8)).toBeUndefined();
  });

  it('is undone, row by row', () => {
    const port = { interleave: { positions: 3, group: 2 } };
    const rows = Float64Array.from({ length: 36 }, (_, i) => i);
    const streamed = toStream(rows, 12, port);
    expect([...streamed.slice(12, 18)]).toEqual([12, 13, 16, 17, 20, 21]);
    expect([...fromStream(streamed as Float64Array, 12, port)]).toEqual([...rows]);
    expect(toStream(rows, 12, {})).toBe(rows);
  });
});
