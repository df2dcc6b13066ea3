import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BIPOLAR, FLOAT32, int, uint } from '../../ir/datatype.ts';
import { input, type Node, type NodeValue, node } from '../../ir/graph.ts';
import { Im2Col } from '../../onnx/ops/windows.ts';
import type { Buffered, Pipeline } from '../operator.ts';
import { bufferSchedule, orderOf, spanOf } from './buffer.ts';
import { slidingWindow } from './index.ts';
import { parallelPlan } from './parallel.ts';
import { windowLayer } from './samples.ts';
import { type Sizes, type SlidingWindowAttrs, sizesOf, windowsAlong } from './sizes.ts';

type Image = readonly [number, number, number];
const layer = (image: Image, attrs: Partial<SlidingWindowAttrs> = {}, dtype = int(4)) =>
  windowLayer(slidingWindow, dtype, image, attrs);

/** The steady interval of a buffer between a source and a sink that never wait. */
function steady({ inputs, outputs, needs, keeps }: Buffered, capacity: number, frames: number): number {
  const ends: number[] = [];
  let [taken, given] = [0, 0];
  for (let cycle = 0; ends.length < frames; cycle += 1) {
    const frame = Math.floor(given / outputs) * inputs;
    const gives = taken >= frame + needs(given % outputs);
    const takes = taken < frame + keeps(given % outputs) + capacity;
    if (!gives && !takes) return Infinity;
    taken += takes ? 1 : 0;
    given += gives ? 1 : 0;
    if (gives && given % outputs === 0) ends.push(cycle);
  }
  return ends[frames - 1]! - ends[frames - 2]!;
}

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const buffers = fc
  .record({
    image: pair(1, 9),
    kernel: pair(1, 4),
    stride: pair(1, 3),
    dilation: pair(1, 2),
    groups: fc.integer({ min: 1, max: 3 }),
    depthwise: fc.boolean(),
  })
  .map((r): Sizes => {
    const along = (i: 0 | 1): number => windowsAlong(r.image[i], r.kernel[i], r.stride[i], r.dilation[i]);
    const output = [along(0), along(1)] as const;
    const beats = r.kernel[0] * r.kernel[1] * r.groups;
    const [inputs, outputs] = [r.image[0] * r.image[1] * r.groups, output[0] * output[1] * beats];
    return { ...r, output, inputs, outputs, simd: 1, pixels: 1, bits: 1 };
  })
  .filter(({ outputs }) => outputs > 0);

describe('the buffer', () => {
  it('never waits, and would if it were smaller', () => {
    fc.assert(
      fc.property(buffers, (s) => {
        const buffer = bufferSchedule(s);
        const interval = Math.max(s.inputs, s.outputs);
        expect(steady(buffer, buffer.capacity, 6)).toBe(interval);
        if (buffer.capacity > spanOf(orderOf(s))) {
          expect(steady(buffer, buffer.capacity - 1, 25)).toBeGreaterThan(interval);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('reads what it needs in the order of the windows, and keeps what a window needs', () => {
    const { needs, keeps, outputs } = slidingWindow.schedule(layer([4, 5, 2], { kernel: [2, 3] })) as Buffered;
    expect(outputs).toBe(3 * 3 * 12);
    // Two rows of three pixels of two channels, the second row ten beats after the first.
    expect(Array.from({ length: 14 }, (_, j) => needs(j) - 1)).toEqual([
      0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 2, 3,
    ]);
    expect([0, 11, 12, 35, 36, 107].map(keeps)).toEqual([0, 0, 2, 4, 10, 24]);
  });

  it('of a reader that takes channels apart gives all positions of a group', () => {
    const of = layer([4, 4, 4], { kernel: [2, 2], simd: 2, depthwise: 1 });
    const { needs } = slidingWindow.schedule(of) as Buffered;
    expect(Array.from({ length: 8 }, (_, j) => needs(j) - 1)).toEqual([0, 2, 8, 10, 1, 3, 9, 11]);
    expect(slidingWindow.streams(of)[1]!.interleave).toEqual({ positions: 4, group: 2 });
  });

  it('keeps the pipeline of CNV full', () => {
    // FINN’s generator takes 14238 cycles for the first of these.
    expect(slidingWindow.cycles(layer([30, 30, 64], { simd: 32 }, BIPOLAR))).toBe(14112);
    expect(slidingWindow.cycles(layer([32, 32, 3], { simd: 3 }))).toBe(8100);
    expect(slidingWindow.cycles(layer([30, 30, 64], { simd: 64, parallelWindow: 1 }, BIPOLAR))).toBe(900);
    const two = { simd: 4, parallelWindow: 1, pixels: 2 } as const;
    expect(slidingWindow.cycles(layer([34, 34, 4], two))).toBe(578);
  });
});

describe('a window in registers', () => {
  it('goes out when its last beat came in', () => {
    const { gives, interval } = slidingWindow.schedule(
      layer([5, 6, 2], { simd: 2, parallelWindow: 1, stride: [2, 2] }),
    ) as Pipeline;
    expect(interval).toBe(30);
    expect(Array.from({ length: 30 }, (_, t) => t).filter((t) => gives(0, t))).toEqual([14, 16, 26, 28]);
  });

  it('gives several windows of a row', () => {
    const of = layer([4, 8, 1], { kernel: [2, 5], parallelWindow: 1, pixels: 4 });
    expect(slidingWindow.streams(of)).toMatchObject([
      { lanes: 4, beats: 8 },
      { lanes: 40, beats: 3 },
    ]);
  });
});

describe('it says what is legal', () => {
  it.each<[string, Image, Partial<SlidingWindowAttrs>]>([
    ['simd 4 does not divide its 6 channels', [5, 5, 6], { simd: 4 }],
    ['its kernel covers 5 columns of 4', [5, 4, 6], { dilation: [1, 2] }],
    ['stride is [0, 1]', [5, 5, 6], { stride: [0, 1] }],
    ['parallelWindow is 1, but simd is 2', [5, 5, 6], { simd: 2, parallelWindow: 1 }],
    ['pixels is 3, but rows have 8 pixels, 6 windows', [8, 8, 1], { parallelWindow: 1, pixels: 3 }],
    ['pixels is 2, but its windows are 2 columns apart', [8, 8, 1], { parallelWindow: 1, pixels: 2, stride: [1, 2] }],
    ['pixels is 2, but simd is 1 and parallelWindow 0', [8, 8, 1], { pixels: 2 }],
  ])('%s', (message, image, attrs) => {
    expect(() => layer(image, attrs)).toThrow(message);
  });

  it('of memories', () => {
    const refusal = (memory: SlidingWindowAttrs['memory'], family: 'ice40' | 'xc7' | 'xcup') =>
      slidingWindow.refuse!(layer([5, 5, 6], { memory }), { family });
    expect(refusal('lut', 'ice40')).toMatch(/no memory in LUTs/);
    expect(refusal('ultra', 'xc7')).toMatch(/no UltraRAM/);
    expect(refusal('ultra', 'xcup')).toBeUndefined();
  });
});

describe('delays of a window in registers', () => {
  const plan = (family: 'ice40' | 'xc7') =>
    parallelPlan(sizesOf(layer([34, 34, 64], { simd: 16, depthwise: 1, parallelWindow: 1 })), { family }, 'auto');

  it('are registers where blocks of memory would be nearly empty', () => {
    expect(plan('ice40').columns).toEqual({ width: 2 * 3 * 64, steps: 4 });
    expect(plan('xc7').columns).toMatchObject({ memory: { style: 'distributed', depth: 4 } });
    expect(plan('ice40').rows).toMatchObject({ width: 128, steps: 128, memory: { style: 'block' } });
  });
});

describe('Im2Col', () => {
  const lowered = (attrs: Record<string, unknown>, dtype = uint(4)) => {
    const x = input('x', { dtype, shape: [1, 6, 8, 2] });
    return slidingWindow.lower!(node(Im2Col, [x], attrs, ['Conv_1']) as Node, {
      options: { standaloneThresholds: false },
      sole: () => true,
    });
  };

  it('becomes a window generator with the same values', () => {
    const { value } = lowered({ kernel_size: [3, 2], stride: [2, 1], depthwise: 1 }) as { value: NodeValue };
    expect(value.node.attrs).toEqual({
      ...{ kernel: [3, 2], stride: [2, 1], dilation: [1, 1], depthwise: 1 },
      ...{ simd: 1, parallelWindow: 0, pixels: 1, memory: 'auto' },
    });
    expect(value.type).toEqual({ dtype: uint(4), shape: [1, 2, 7, 12] });
    expect(value.node.origin).toEqual(['Conv_1']);
  });

  it('is refused with padding and with reals', () => {
    expect(lowered({ kernel_size: [3, 3], pad_amount: [1, 1, 1, 1] })).toEqual({
      refused: 'it pads its input by [1, 1, 1, 1], which a Pad in front has to do',
    });
    expect(lowered({ kernel_size: [3, 3] }, FLOAT32)).toEqual({ refused: 'its input is FLOAT32, not integer' });
  });
});
