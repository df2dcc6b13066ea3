import { describe, expect, it } from 'vitest';
import { FLOAT32, int, uint } from '../../ir/datatype.ts';
import { type Attrs, constant, input, type Node, type NodeValue, node } from '../../ir/graph.ts';
import { sizeOf, tensor } from '../../ir/tensor.ts';
import { Resize } from '../../onnx/ops/resize.ts';
import { layerOf } from '../layer.ts';
import type { Buffered } from '../operator.ts';
import { type UpsampleAttrs, upsample } from './index.ts';

const shape = [1, 3, 4, 6];
const x = input('x', { dtype: int(16), shape });
const resize = (scales: readonly number[], attrs: Attrs): Node =>
  node(Resize, [x, undefined, constant(tensor(FLOAT32, [4], scales))], attrs, ['up']);
const lowered = (given: Node) => upsample.lower!(given, { options: { standaloneThresholds: false }, sole: () => true });
const run = (one: Node) => {
  const values = tensor(
    int(16),
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i),
  );
  const inputs = one.inputs.map((v, i) => (i === 0 ? values : v?.kind === 'constant' ? v.tensor : undefined));
  return [...one.op.evaluate(inputs, one.attrs, { origin: [], outputs: 1, types: one.types })[0]!.data];
};
const layer = (of: readonly number[], attrs: Partial<UpsampleAttrs>) =>
  layerOf<UpsampleAttrs>(
    upsample,
    [input('x', { dtype: uint(4), shape: of })],
    { scales: [2, 2], simd: 1, memory: 'auto', ...attrs },
    ['up'],
  );

describe('UpsampleNearestNeighbour', () => {
  it('takes a Resize exactly where that repeats pixels', () => {
    const coordinates = ['half_pixel', 'pytorch_half_pixel', 'half_pixel_symmetric', 'asymmetric', 'align_corners'];
    const roundings = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];
    let taken = 0;
    for (const scales of [
      [1, 2, 2, 1],
      [1, 3, 1, 1],
      [1, 4, 3, 1],
    ])
      for (const coordinate_transformation_mode of coordinates)
        for (const nearest_mode of roundings) {
          const given = resize(scales, { coordinate_transformation_mode, nearest_mode });
          const repeated = run(
            layerOf(upsample, [x], { scales: [scales[1]!, scales[2]!], simd: 1, memory: 'auto' }, []),
          );
          const made = lowered(given)!;
          expect('value' in made).toBe(String(run(given)) === String(repeated));
          if (!('value' in made)) continue;
          taken += 1;
          expect(run((made.value as NodeValue).node)).toEqual(repeated);
        }
    expect(taken).toBeGreaterThan(10);
    expect(taken).toBeLessThan(60);
  });

  it('takes sizes in place of scales', () => {
    const sizes = constant(tensor(int(64), [4], [1, 6, 12, 6]));
    const made = lowered(node(Resize, [x, undefined, undefined, sizes], {}, ['up'])) as { value: NodeValue };
    expect(made.value.node.attrs['scales']).toEqual([2, 3]);
  });

  it('says why it cannot', () => {
    const refusal = (given: Node) => (lowered(given) as { refused: string }).refused;
    expect(refusal(resize([1, 1, 1, 2], {}))).toMatch(/resizes axis 3/);
    expect(refusal(resize([1, 1.5, 1, 1], {}))).toMatch(/4×4 pixels of 3×4, not a whole multiple/);
    expect(
      refusal(resize([1, 2, 2, 1], { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'ceil' })),
    ).toMatch(/no plain/);
    expect(() => layer([1, 2, 2, 4], { simd: 3 })).toThrow('simd 3 does not divide its 4 channels');
    expect(() => layer([1, 2, 2, 4], { scales: [0, 2] })).toThrow('scales are [0, 2]');
  });

  it('keeps one row, and frees it while it goes out for the last time', () => {
    const schedule = upsample.schedule(layer([1, 2, 3, 2], { simd: 2 })) as Buffered;
    const beats = Array.from({ length: schedule.outputs }, (_, j) => j);
    expect(schedule.capacity).toBe(3);
    expect(beats.map((j) => schedule.needs(j)).slice(0, 14)).toEqual([1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4]);
    expect(beats.map((j) => schedule.keeps(j)).slice(0, 14)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('has no buffer where a beat can stay in the output register', () => {
    expect(upsample.schedule(layer([1, 9, 1, 2], { simd: 2, scales: [3, 1] }))).toMatchObject({ period: 3, depth: 1 });
    expect(upsample.schedule(layer([1, 9, 1, 2], { simd: 1, scales: [3, 1] })).kind).toBe('buffered');
    expect(upsample.cycles(layer([1, 9, 1, 2], { simd: 2, scales: [3, 1] }))).toBe(27);
  });

  it('names FINN’s attributes', () => {
    expect(upsample.finn(layer([1, 2, 3, 4], { simd: 2 }))).toEqual({
      opType: 'UpsampleNearestNeighbour_hls',
      attributes: { HI: 2, WI: 3, HO: 4, WO: 6, NumChannels: 4, SIMD: 2, inputDataType: 'UINT4' },
    });
  });
});
