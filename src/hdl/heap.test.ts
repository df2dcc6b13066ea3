import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cycle, evaluate, type Vector } from '../../test/helpers/expression.ts';
import { type Counter, type HeapBits, type HeapOptions, heap } from './heap.ts';

const counters: readonly Counter[] = ['3:2', '6:3', '3:2+6:3'];

/** Bits by group and lane: inputs[group][bit][lane]. */
type Inputs = readonly (readonly (readonly number[])[])[];

/** What the emitted Verilog makes of inputs, one cycle after the other. */
function run(groups: readonly HeapBits[], constant: bigint, options: HeapOptions, cycles: readonly Inputs[]) {
  const { lines, sums } = heap(groups, constant, options);
  let registers: ReadonlyMap<string, Vector> = new Map();
  return cycles.map((inputs) => {
    const names = new Map<string, Vector>();
    inputs.forEach((group, i) => {
      const bits = group.flat();
      const value = bits.reduceRight((all, bit) => (all << 1n) | BigInt(bit), 0n);
      if (bits.length > 0) names.set(`a${i}`, { value, bits: bits.length });
    });
    registers = cycle(lines, names, registers);
    return sums.map((sum) => evaluate(sum, names));
  });
}

describe('heap', () => {
  it('adds bits of any weight and a constant in every lane, modulo 2^width, at once or a cycle later', () => {
    const group = fc.record({ column: fc.nat({ max: 7 }), count: fc.nat({ max: 40 }) });
    const options = fc.record({
      width: fc.integer({ min: 1, max: 14 }),
      lanes: fc.integer({ min: 1, max: 4 }),
      counter: fc.constantFrom(...counters),
      cut: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(group, { maxLength: 9 }),
        options,
        fc.nat({ max: 9999 }),
        fc.infiniteStream(fc.nat({ max: 1 })),
        (shapes, { width, lanes, counter, cut }, constant, stream) => {
          const bit = (): number => stream.next().value as number;
          const one = (): Inputs =>
            shapes.map(({ count }) => Array.from({ length: count }, () => Array.from({ length: lanes }, bit)));
          const inputs = [one(), one(), one()];
          const groups = shapes.map((shape, i) => ({ ...shape, expression: `a${i}` }));
          const form = { prefix: 'h', counter, width, lanes, ...(cut !== undefined && { cut }) };
          const sums = run(groups, BigInt(constant), form, inputs);
          const expected = inputs.map((now) =>
            Array.from({ length: lanes }, (_, lane) => {
              const total = shapes.reduce(
                (sum, { column }, i) => sum + now[i]!.reduce((n, bits) => n + bits[lane]!, 0) * 2 ** column,
                constant,
              );
              return { value: BigInt.asUintN(width, BigInt(total)), bits: width };
            }),
          );
          if (cut === undefined) expect(sums).toEqual(expected);
          else expect(sums.slice(1)).toEqual(expected.slice(0, -1));
        },
      ),
      { numRuns: 600 },
    );
  });

  it('adds them with registers behind every counter, some bits coming later than others', () => {
    const group = fc.record({ column: fc.nat({ max: 4 }), count: fc.nat({ max: 30 }), level: fc.nat({ max: 2 }) });
    const options = fc.record({ width: fc.integer({ min: 1, max: 12 }), counter: fc.constantFrom(...counters) });
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 1, maxLength: 6 }),
        options,
        fc.nat({ max: 999 }),
        fc.infiniteStream(fc.nat({ max: 1 })),
        (shapes, form, constant, stream) => {
          const all = { prefix: 'h', lanes: 1, every: true, ...form };
          const groups = shapes.map((shape, i) => ({ ...shape, expression: `a${i}` }));
          const { levels } = heap(groups, BigInt(constant), all);
          // A group of level k has in cycle t what belongs to cycle t − k.
          const frames = Array.from({ length: levels + 5 }, () =>
            shapes.map(({ count }) => Array.from({ length: count }, () => [stream.next().value as number])),
          );
          const cycles = frames.map((_, t) => shapes.map(({ level }, i) => frames[Math.max(0, t - level)]![i]!));
          const sums = run(groups, BigInt(constant), all, cycles);
          for (let t = 0; t + levels < frames.length; t += 1) {
            const total = shapes.reduce(
              (sum, { column }, i) => sum + frames[t]![i]!.reduce((n, [bit]) => n + bit!, 0) * 2 ** column,
              constant,
            );
            expect(sums[t + levels]).toEqual([{ value: BigInt.asUintN(form.width, BigInt(total)), bits: form.width }]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is a constant without bits', () => {
    const options = { prefix: 'h', counter: '3:2', width: 4, lanes: 2 } as const;
    const five = { value: 5n, bits: 4 };
    expect(run([], 5n, options, [[]])).toEqual([[five, five]]);
    const none = { value: 0n, bits: 4 };
    expect(run([], 0n, { ...options, cut: 1 }, [[]])).toEqual([[none, none]]);
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
