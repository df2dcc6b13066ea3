import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT64, int, smallest, uint } from '../../ir/datatype.ts';
import { constant, input, type Node, type NodeValue, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import type { Lowering } from '../operator.ts';
import { requant } from './index.ts';
import { linesOf, staircase } from './solve.ts';

/** Thresholds of ⌊(x + shift) / step⌋: the least integers at which each level is reached (where binary64 does not round across one). */
const uniform = (steps: number, step: number, shift: number): number[] =>
  Array.from({ length: steps }, (_, i) => Math.ceil((i + 1) * step - shift));
const count = (thresholds: readonly number[], x: number): number => thresholds.filter((t) => t <= x).length;

describe('lines', () => {
  it('give the count of every integer, or are none', () => {
    const rows = fc.record({
      steps: fc.integer({ min: 1, max: 255 }),
      step: fc.integer({ min: 20, max: 4000 }).map((n) => (n * Math.SQRT2) / 100),
      shift: fc.integer({ min: -500, max: 500 }).map((n) => n * Math.LOG2E),
      bits: fc.integer({ min: 3, max: 13 }),
      bent: fc.option(fc.nat({ max: 254 })),
    });
    let solved = 0;
    fc.assert(
      fc.property(rows, ({ steps, step, shift, bits, bent }) => {
        const thresholds = uniform(steps, step, shift);
        if (bent !== null && bent < steps) thresholds[bent]! += Math.ceil(2 * step);
        thresholds.sort((a, b) => a - b);
        const { min, max } = int(bits);
        const one = staircase(thresholds, min, max);
        const found = one && linesOf([one]);
        // What comes of a real line has one.
        const reachable = thresholds.some((t) => t > min && t <= max);
        if (bent === null && reachable) expect(found).toBeDefined();
        if (!found) return;
        solved += 1;
        const [{ factor, offset }] = found.lines as [{ factor: number; offset: number }];
        for (let x = min; x <= max; x += 1) {
          const level = Math.floor((factor * x + offset) / 2 ** found.shift);
          expect(Math.min(steps, Math.max(0, level))).toBe(count(thresholds, x));
        }
      }),
      { numRuns: 60, seed: 7 },
    );
    expect(solved).toBeGreaterThan(20);
  });

  it('are a shift where a shift is enough', () => {
    const rows = [uniform(255, 16, 8), uniform(255, 16, 100)].map((row) => staircase(row, -5000, 5000)!);
    expect(linesOf(rows)!.lines.map(({ factor }) => factor / 2 ** linesOf(rows)!.shift)).toEqual([1 / 16, 1 / 16]);
    expect(linesOf(rows)!.shift).toBeLessThanOrEqual(4);
  });

  it('are none of steps that widen, and none without steps', () => {
    expect(staircase([0, 1, 3, 7, 15, 31], -64, 63)).toBeUndefined();
    expect(staircase([900, 901], -64, 63)).toBeUndefined();
  });
});

describe('lower', () => {
  const options = { standaloneThresholds: false };
  const alone: Lowering = { options, sole: () => true };
  const nodeOf = (name: string, inputs: Value[], attrs: Record<string, unknown>, dtype = uint(8)): Node => ({
    op: { name, domain: '', infer: () => [], evaluate: () => [] },
    inputs,
    attrs,
    types: [{ dtype, shape: [1, 64] }],
    origin: [name],
  });
  const x = input('x', { dtype: int(16), shape: [1, 64] });
  const thresholds = (rows: number, steps: number) =>
    tensor(
      FLOAT64,
      [rows, steps],
      Array.from({ length: rows }, (_, c) => uniform(steps, 37.7 + (c + 1) / Math.PI, 11.3 * c)).flat(),
    );
  const lowered = (given: Value, t: ReturnType<typeof thresholds>, attrs = {}): NodeValue | undefined => {
    const node = nodeOf('MultiThreshold', [given, constant(t)], { out_dtype: 'INT8', out_bias: -128, ...attrs });
    const result = requant.lower!(node, alone);
    return result && 'value' in result ? (result.value as NodeValue) : undefined;
  };

  it('takes 255 uniform thresholds a channel, exactly', () => {
    const t = thresholds(64, 255);
    const made = lowered(x, t)!.node;
    expect(made.op.name).toBe('Requant');
    for (let value = int(16).min; value <= int(16).max; value += 97) {
      const given = tensor(int(16), [1, 64], new Array<number>(64).fill(value));
      const inputs = [given, ...made.inputs.slice(1).map((one) => (one?.kind === 'constant' ? one.tensor : undefined))];
      const [y] = made.op.evaluate(inputs, made.attrs, { origin: [], outputs: 1, types: made.types });
      for (let c = 0; c < 64; c += 7)
        expect(y!.data[c]).toBe(count([...t.data.subarray(c * 255, (c + 1) * 255)], value) - 128);
    }
  });

  it('takes signs in front with it', () => {
    const signs = constant(
      tensor(
        smallest(-1, 1),
        [64, 1],
        Array.from({ length: 64 }, (_, c) => (c % 2 ? -1 : 1)),
      ),
    );
    const mul = nodeOf('ChannelwiseOp', [x, signs], { function: 'Mul' }, int(17));
    const made = lowered(
      { kind: 'node', node: mul, index: 0, type: { dtype: int(17), shape: [1, 64] } },
      thresholds(64, 255),
    );
    expect(made!.node.inputs[0]).toBe(x);
    expect(made!.node.origin).toEqual(['ChannelwiseOp', 'MultiThreshold']);
    const [a, b] = (made!.node.inputs[1] as { tensor: { data: ArrayLike<number> } }).tensor.data as unknown as number[];
    expect(Math.sign(a!) * Math.sign(b!)).toBe(-1);
  });

  it('leaves few steps, uneven steps and other scales to Thresholding', () => {
    expect(lowered(x, thresholds(64, 15))).toBeUndefined();
    const uneven = thresholds(64, 255);
    uneven.data[300] = uneven.data[299]!;
    expect(lowered(x, uneven)).toBeUndefined();
    expect(lowered(x, thresholds(64, 255), { out_scale: 2 })).toBeUndefined();
  });
});
