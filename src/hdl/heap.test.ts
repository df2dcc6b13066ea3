import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declare, evaluate, type Vector } from '../../test/helpers/expression.ts';
import { type Counter, type HeapBits, type HeapOptions, heap } from './heap.ts';

const counters: readonly Counter[] = ['3:2', '6:3', '3:2+6:3'];

/** What the emitted Verilog makes of inputs given as bits: inputs[group][bit][lane]. */
function run(groups: readonly HeapBits[], constant: bigint, options: HeapOptions, inputs: readonly number[][][]) {
  const names = new Map<string, Vector>();
  inputs.forEach((group, i) => {
    const bits = group.flat();
    const value = bits.reduceRight((all, bit) => (all << 1n) | BigInt(bit), 0n);
    if (bits.length > 0) names.set(`a${i}`, { value, bits: bits.length });
  });
  const { lines, sums } = heap(groups, constant, options);
  declare(lines, names);
  return sums.map((sum) => evaluate(sum, names));
}

describe('heap', () => {
  it('adds bits of any weight and a constant in every lane, modulo 2^width', () => {
    const group = fc.record({ column: fc.nat({ max: 7 }), count: fc.nat({ max: 40 }) });
    fc.assert(
      fc.property(
        fc.array(group, { maxLength: 9 }),
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 9999 }),
        fc.constantFrom(...counters),
        fc.infiniteStream(fc.nat({ max: 1 })),
        (shapes, width, lanes, constant, counter, stream) => {
          const bit = (): number => stream.next().value as number;
          const inputs = shapes.map(({ count }) =>
            Array.from({ length: count }, () => Array.from({ length: lanes }, bit)),
          );
          const groups = shapes.map((shape, i) => ({ ...shape, expression: `a${i}` }));
          const sums = run(groups, BigInt(constant), { prefix: 'h', counter, width, lanes }, inputs);
          const expected = Array.from({ length: lanes }, (_, lane) => {
            const total = shapes.reduce(
              (sum, { column }, i) => sum + inputs[i]!.reduce((n, bits) => n + bits[lane]!, 0) * 2 ** column,
              constant,
            );
            return { value: BigInt.asUintN(width, BigInt(total)), bits: width };
          });
          expect(sums).toEqual(expected);
        },
      ),
      { numRuns: 600 },
    );
  });

  it('is a constant without bits', () => {
    const options = { prefix: 'h', counter: '3:2', width: 4, lanes: 2 } as const;
    expect(run([], 5n, options, [])).toEqual([
      { value: 5n, bits: 4 },
      { value: 5n, bits: 4 },
    ]);
    expect(run([], 0n, options, []).map(({ value }) => value)).toEqual([0n, 0n]);
  });

  it('needs few equations, however many lanes', () => {
    const bits = (lanes: number) => {
      const options = { prefix: 'h', counter: '3:2', width: 7, lanes } as const;
      return heap([{ expression: 'a', count: 64, column: 0 }], 0n, options).lines.length - lanes;
    };
    expect(bits(16)).toBe(bits(1));
    expect(bits(16)).toBeLessThan(200);
  });
});
