import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOAT32, uint } from '../../ir/datatype.ts';
import { input, type Node, type NodeValue, node } from '../../ir/graph.ts';
import { sizeOf, tensor } from '../../ir/tensor.ts';
import { DepthToSpace } from '../../onnx/ops/windows.ts';
import { sum } from '../../util/maths.ts';
import { layerOf } from '../layer.ts';
import type { Buffered } from '../operator.ts';
import { type DepthToSpaceAttrs, depthToSpace } from './index.ts';
import { lagOf, limitOf, placesOf, sizesOf, sourceOf } from './sizes.ts';

const layer = (shape: readonly number[], blocksize: number, simd = 1) =>
  layerOf<DepthToSpaceAttrs>(
    depthToSpace,
    [input('x', { dtype: uint(16), shape })],
    { blocksize, simd, memory: 'auto' },
    ['up'],
  );
const lowered = (given: Node) =>
  depthToSpace.lower!(given, { options: { standaloneThresholds: false }, sole: () => true });

/** Cycles of the last of some rows, of a buffer between a source and a sink that never wait. */
function pace(places: readonly number[], s: ReturnType<typeof sizesOf>, rows: number): number {
  const beats = s.block * s.segment * s.width;
  const ends: number[] = [];
  let [taken, given] = [0, 0];
  for (let cycle = 0; ends.length < rows && cycle < 100 * rows * beats; cycle += 1) {
    const gives = taken > sourceOf(s, given);
    const takes = taken < limitOf(s, places, given);
    taken += takes ? 1 : 0;
    given += gives ? 1 : 0;
    if (gives && given % beats === 0) ends.push(cycle);
  }
  return ends.length < rows ? Infinity : ends[rows - 1]! - ends[rows - 2]!;
}

describe('DepthToSpace', () => {
  it('gives the pixels of finn’s operation, in the order of its beats', () => {
    const shape = [1, 2, 3, 8];
    const data = Array.from({ length: sizeOf(shape) }, (_, i) => i);
    const one = layer(shape, 2, 2);
    const context = { origin: [], outputs: 1, types: one.types };
    const [y] = depthToSpace.evaluate([tensor(uint(16), shape, data)], one.attrs, context);
    const s = sizesOf(one);
    expect([...y!.data]).toEqual(data.map((_, i) => 2 * sourceOf(s, Math.floor(i / 2)) + (i % 2)));
    expect(y!.shape).toEqual([1, 4, 6, 2]);
  });

  it('takes finn’s operation, and says why it cannot', () => {
    const x = input('x', { dtype: uint(4), shape: [1, 2, 2, 12] });
    const made = lowered(node(DepthToSpace, [x], { blocksize: 2 }, ['d']) as Node) as { value: NodeValue };
    expect(made.value.node.attrs).toEqual({ blocksize: 2, simd: 1, memory: 'auto' });
    expect(made.value.type).toEqual({ dtype: uint(4), shape: [1, 4, 4, 3] });
    const real = input('x', { dtype: FLOAT32, shape: [1, 2, 2, 12] });
    expect(lowered(node(DepthToSpace, [real], { blocksize: 2 }, ['d']) as Node)).toEqual({
      refused: 'its input is FLOAT32, not integer',
    });
    expect(() => layer([1, 2, 2, 12], 2, 2)).toThrow('simd 2 does not divide its 3 channels');
    expect(() => layer([1, 2, 2, 6], 2)).toThrow('6 channels are no blocks of 2×2 pixels');
    expect(() => layer([1, 2, 2, 6], 0)).toThrow('its blocksize is 0');
  });

  it('keeps the pipeline full, and with a place less in any queue does not', () => {
    const sizes = fc.record({
      block: fc.integer({ min: 2, max: 4 }),
      width: fc.integer({ min: 2, max: 7 }),
      segment: fc.integer({ min: 1, max: 5 }),
      rows: fc.constant(4),
    });
    fc.assert(
      fc.property(sizes, (s) => {
        const places = placesOf(s);
        const beats = s.block * s.segment * s.width;
        expect(pace(places, s, 30)).toBe(beats);
        places.forEach((n, i) => {
          expect(pace(places.with(i, n - 1), s, 30)).toBeGreaterThan(beats);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('has memory for three quarters of a row with blocks of two', () => {
    const s = sizesOf(layer([1, 8, 112, 64], 2, 16));
    expect(placesOf(s)).toEqual([112, 224]);
    expect(lagOf(s)).toBe(223);
    const schedule = depthToSpace.schedule(layer([1, 8, 112, 64], 2, 16)) as Buffered;
    expect([0, 1, 2, 223, 224].map(schedule.needs)).toEqual([1, 2, 5, 446, 3]);
    expect(sum(placesOf(s))).toBe((3 / 4) * (schedule.inputs / 8));
    const keeps = Array.from({ length: schedule.outputs }, (_, j) => schedule.keeps(j));
    expect(keeps[0]).toBe(0);
    expect(keeps).toEqual([...keeps].sort((a, b) => a - b));
  });

  it('is a register where beats go as they come', () => {
    for (const one of [layer([1, 4, 1, 8], 2), layer([1, 4, 3, 2], 1)])
      expect(depthToSpace.schedule(one)).toMatchObject({ period: 1, depth: 1 });
  });

  it('says what UltraRAM and LUTs of a family cannot be', () => {
    const refusal = (memory: DepthToSpaceAttrs['memory'], family: 'ice40' | 'xc7' | 'xcup') => {
      const one = layer([1, 4, 4, 4], 2);
      return depthToSpace.refuse!({ ...one, attrs: { ...one.attrs, memory } }, { family });
    };
    expect(refusal('lut', 'ice40')).toMatch(/no memory in LUTs/);
    expect(refusal('ultra', 'xc7')).toMatch(/no UltraRAM/);
    expect([refusal('ultra', 'xcup'), refusal('lut', 'xc7')]).toEqual([undefined, undefined]);
  });
});
