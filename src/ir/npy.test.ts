import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { BIPOLAR, type DataType, FLOAT32, FLOAT64, int, uint } from './datatype.ts';
import { readNpy, writeNpy } from './npy.ts';
import { sizeOf, tensor } from './tensor.ts';

/** A version 1 file as NumPy writes it. */
function file(header: string, data: ArrayBufferLike): Uint8Array {
  const text = `${header}${' '.repeat((64 - ((11 + header.length) % 64)) % 64)}\n`;
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([1, 0, text.length & 255, text.length >> 8]),
    Buffer.from(text, 'latin1'),
    new Uint8Array(data),
  ]);
}

describe('npy', () => {
  it('reads what NumPy writes', () => {
    const bytes = file(
      "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }",
      Int16Array.of(1, -2, 3, 4, 5, -600).buffer,
    );
    expect(readNpy(bytes)).toEqual(tensor(int(16), [2, 3], [1, -2, 3, 4, 5, -600]));
  });

  it('puts columns that lie together back into rows', () => {
    const bytes = file(
      "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }",
      Float64Array.of(1, 4, 2, 5, 3, 6).buffer,
    );
    expect([...readNpy(bytes).data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('reads back what it writes', () => {
    const types: readonly DataType[] = [
      FLOAT32,
      FLOAT64,
      int(8),
      uint(8),
      int(16),
      uint(16),
      int(32),
      uint(32),
      int(64),
    ];
    const shapes = fc.array(fc.nat(4), { maxLength: 3 });
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        shapes,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (dtype, shape, stream) => {
          const [low, span] = dtype.integer
            ? [Math.max(dtype.min, -(2 ** 52)), Math.min(dtype.max - dtype.min, 2 ** 53)]
            : [-1, 2];
          const data = Array.from({ length: sizeOf(shape) }, () => {
            const v = low + (stream.next().value as number) * span;
            return dtype.integer ? Math.floor(v) : dtype === FLOAT32 ? Math.fround(v) : v;
          });
          const x = tensor(dtype, shape, data);
          expect(readNpy(writeNpy(x))).toEqual(x);
        },
      ),
    );
  });

  it('keeps narrow integers in the narrowest container', () => {
    const back = readNpy(writeNpy(tensor(BIPOLAR, [2], [1, -1])));
    expect([back.dtype.name, ...back.data]).toEqual(['INT8', 1, -1]);
  });

  it('refuses what is cut off, too long or of another kind', () => {
    const whole = writeNpy(tensor(FLOAT32, [4], [1, 2, 3, 4]));
    for (let n = 0; n < whole.length; n += 1) expect(() => readNpy(whole.slice(0, n))).toThrow(FinnError);
    expect(() => readNpy(Buffer.concat([whole, new Uint8Array(1)]))).toThrow(/needs 16 bytes, it has 17/);
    const objects = file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", new ArrayBuffer(8));
    expect(() => readNpy(objects)).toThrow(/'\|O'/);
    const huge = file(
      "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
      new ArrayBuffer(8),
    );
    expect(() => readNpy(huge)).toThrow(FinnError);
  });
});
