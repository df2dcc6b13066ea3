import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { int } from '../../ir/datatype.ts';
import { constant, input, type Node, type NodeValue, node } from '../../ir/graph.ts';
import { sizeOf, tensor } from '../../ir/tensor.ts';
import { onnxOps } from '../../onnx/ops/index.ts';
import { layerOf } from '../layer.ts';
import { type CropAttrs, crop } from './index.ts';

const Slice = onnxOps.find((op) => op.name === 'Slice')!;
const shape = [1, 5, 6, 2];
const x = input('x', { dtype: int(8), shape });
const slice = (...lists: readonly (readonly number[])[]): Node =>
  node(Slice, [x, ...lists.map((list) => constant(tensor(int(64), [list.length], list)))], {}, ['cut']);
const lowered = (given: Node) => crop.lower!(given, { options: { standaloneThresholds: false }, sole: () => true });
const run = (one: Node) => {
  const values = tensor(
    int(8),
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i),
  );
  const inputs = one.inputs.map((v, i) => (i === 0 ? values : v?.kind === 'constant' ? v.tensor : undefined));
  return [...one.op.evaluate(inputs, one.attrs, { origin: [], outputs: 1, types: one.types })[0]!.data];
};

describe('Crop', () => {
  it('is the Slice that it was lowered from, whatever its ends are counted from', () => {
    const start = fc.integer({ min: -3, max: 2 });
    const end = fc.constantFrom(-1, 4, 5, 100);
    fc.assert(
      fc.property(start, start, end, end, (top, left, bottom, right) => {
        const given = slice([top, left], [bottom, right], [1, -2]);
        const made = lowered(given)!;
        if (sizeOf(given.types[0]!.shape) === 0) expect(made).toEqual({ refused: 'it leaves nothing' });
        else expect(run((made as { value: NodeValue }).value.node)).toEqual(run(given));
      }),
    );
  });

  it('says why it cannot', () => {
    const refusal = (given: Node) => (lowered(given) as { refused: string }).refused;
    expect(refusal(slice([0], [5], [1], [2]))).toBe('its step along axis 1 is not 1');
    expect(refusal(slice([5], [-100], [2], [-1]))).toBe('its step along axis 2 is not 1');
    expect(refusal(slice([1], [2], [3]))).toMatch(/a part of axis 3/);
    const layer = (attrs: Partial<CropAttrs>) =>
      layerOf<CropAttrs>(crop, [x], { sides: [1, 1, 1, 1], simd: 1, pixels: 1, ...attrs }, ['cut']);
    expect(() => layer({ sides: [2, 0, 3, 0] })).toThrow('of 5×6 pixels it leaves 0×6');
    expect(() => layer({ simd: 4 })).toThrow('simd 4 does not divide its 2 channels');
    expect(() => layer({ simd: 1, sides: [1, 2, 1, 2], pixels: 2 })).toThrow('not all 2 channels');
    expect(crop.finn(layer({ sides: [1, 2, 0, 3] })).attributes).toMatchObject({
      ImgDim: '[5, 6]',
      CropNorth: 1,
      CropWest: 2,
      CropSouth: 0,
      CropEast: 3,
    });
  });
});
