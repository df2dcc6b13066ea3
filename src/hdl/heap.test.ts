import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Counter, type HeapBit, heap } from './heap.ts';

/** Value of the emitted wires for given inputs a[…]: every line is `wire [..] name = expression;`. */
function run(lines: readonly string[], sum: string, a: readonly number[], width: number): bigint {
  const values = new Map<string, bigint>();
  const bit = (name: string): bigint => {
    if (name === "1'b1") return 1n;
    if (name === "1'b0") return 0n;
    const input = /^a\[(\d+)\]$/.exec(name);
    if (input) return BigInt(a[Number(input[1])]!);
    const value = values.get(name);
    if (value === undefined) throw new Error(`${name} is read before it is set`);
    return value;
  };
  const widths = new Map<string, number>();
  const row = (text: string): bigint => {
    if (!text.startsWith('{')) return bit(text);
    let value = 0n;
    for (const part of text.slice(1, -1).split(', ')) value = (value << BigInt(widths.get(part) ?? 1)) | bit(part);
    return value;
  };
  for (const line of lines) {
    const match = /^wire (?:\[(\d+):0\] )?(\w+) = (.*);$/.exec(line);
    if (!match) throw new Error(`not understood: ${line}`);
    const [, top, name, expression] = match as unknown as [string, string | undefined, string, string];
    const size = top === undefined ? 1 : Number(top) + 1;
    widths.set(name, size);
    if (expression.includes(' + ')) {
      const total = expression.split(' + ').reduce((t, part) => t + row(part), 0n);
      values.set(name, BigInt.asUintN(size, total));
    } else {
      const terms = expression.split(' | ').map((term) => {
        const clean = term.replace(/[()]/g, '');
        const factors = clean.split(/ [&^] /).map(bit);
        return clean.includes('^') ? factors.reduce((p, q) => p ^ q) : factors.reduce((p, q) => p & q);
      });
      values.set(
        name,
        terms.reduce((p, q) => p | q),
      );
    }
  }
  if (/^\d+'d0$/.test(sum)) return 0n;
  // The sum's own concatenation may hold the carry chain and a row of low bits.
  const flat = sum.replace(/[{}]/g, '');
  return BigInt.asUintN(width, row(`{${flat}}`));
}

const counters: readonly Counter[] = ['3:2', '6:3', '3:2+6:3'];

describe('heap', () => {
  it('adds bits of any weight and a constant, modulo 2^width', () => {
    const columns = fc.array(fc.nat({ max: 7 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        columns,
        fc.integer({ min: 1, max: 14 }),
        fc.nat({ max: 9999 }),
        fc.constantFrom(...counters),
        fc.infiniteStream(fc.nat({ max: 1 })),
        (weights, width, constant, counter, stream) => {
          const bits: HeapBit[] = weights.map((column, i) => ({ bit: `a[${i}]`, column }));
          const { lines, sum, depth } = heap(bits, BigInt(constant), { prefix: 'h', counter, width });
          expect(depth).toBe(0);
          const a = weights.map(() => stream.next().value as number);
          const expected = weights.reduce((total, column, i) => total + a[i]! * 2 ** column, constant);
          expect(run(lines, sum, a, width)).toBe(BigInt.asUintN(width, BigInt(expected)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes a register after every so many levels and says how many', () => {
    const bits = Array.from({ length: 64 }, (_, i) => ({ bit: `a[${i}]`, column: 0 }));
    const options = { prefix: 'h', counter: '3:2', width: 7 } as const;
    const depth = (every: number): number => heap(bits, 0n, { ...options, every }).depth;
    expect(depth(1)).toBeGreaterThan(depth(3));
    expect(depth(3)).toBeGreaterThan(1);
    const { lines } = heap(bits, 0n, { ...options, every: 2 });
    const declared = lines.filter((line) => line.startsWith('reg ')).length;
    expect(lines.filter((line) => line.startsWith('always @(posedge clk) if (en)')).length).toBe(declared);
  });

  it('is a constant without bits', () => {
    const { lines, sum } = heap([], 5n, { prefix: 'h', counter: '3:2', width: 4 });
    expect(run(lines, sum, [], 4)).toBe(5n);
  });
});
