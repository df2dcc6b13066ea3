import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BIPOLAR, type DataType, FLOAT32, int, uint } from '../../ir/datatype.ts';
import { type Attrs, constant, input, type Node, type NodeValue, node, type Value } from '../../ir/graph.ts';
import { scalar, type Tensor, tensor } from '../../ir/tensor.ts';
import { onnxOps } from '../../onnx/ops/index.ts';
import { layerOf } from '../layer.ts';
import type { Pipeline } from '../operator.ts';
import { type PaddingAttrs, padding } from './index.ts';

const layer = (shape: readonly number[], dtype: DataType, attrs: Partial<PaddingAttrs>) =>
  layerOf<PaddingAttrs>(
    padding,
    [input('x', { dtype, shape })],
    { pads: [1, 1, 1, 1], value: 0, simd: 1, pixels: 1, ...attrs },
    ['pad'],
  );

const Pad = onnxOps.find((op) => op.name === 'Pad')!;
const numbers = (list: readonly number[]): Value => constant(tensor(int(64), [list.length], list));
const padNode = (x: Value, pads: readonly number[], value?: Tensor, attrs: Attrs = {}): Node =>
  node(Pad, [x, numbers(pads), value && constant(value)], attrs, ['pad']);
const lowered = (given: Node) => padding.lower!(given, { options: { standaloneThresholds: false }, sole: () => true });
const refusal = (given: Node) => (lowered(given) as { refused: string }).refused;

describe('FMPadding', () => {
  it('is the Pad that it was lowered from', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<DataType>(int(4), uint(3), BIPOLAR),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: -9, max: 9 }),
        (dtype, [top = 0, left = 0, bottom = 0, right = 0], value) => {
          const shape = [1, 2, 3, 2];
          const given = padNode(
            input('x', { dtype, shape }),
            [0, top, left, 0, 0, bottom, right, 0],
            scalar(int(8), value),
          );
          const { node: layer } = (lowered(given) as { value: NodeValue }).value;
          const x = tensor(
            dtype,
            shape,
            Array.from({ length: 12 }, (_, i) => (dtype === BIPOLAR ? 2 * (i % 2) - 1 : (i % 8) & dtype.max)),
          );
          const run = (one: Node) =>
            one.op.evaluate(
              one.inputs.map((v, i) => (i === 0 ? x : v?.kind === 'constant' ? v.tensor : undefined)),
              one.attrs,
              { origin: [], outputs: 1, types: one.types },
            )[0]!;
          expect(layer.types[0]!.shape).toEqual(given.types[0]!.shape);
          expect([...run(layer).data]).toEqual([...run(given).data]);
        },
      ),
    );
  });

  it('keeps the type that holds the value, and widens it otherwise', () => {
    const typeOf = (dtype: DataType, value: number) => layer([1, 2, 2, 1], dtype, { value }).types[0]!.dtype;
    expect(typeOf(int(4), -8)).toBe(int(4));
    expect(typeOf(int(4), 8)).toBe(int(5));
    expect(typeOf(uint(4), -1)).toBe(int(5));
    expect(typeOf(BIPOLAR, -1)).toBe(BIPOLAR);
    expect(typeOf(BIPOLAR, 0)).toBe(int(2));
  });

  it('takes a beat per pixel inside, one ahead of a border in front', () => {
    const { takes, interval } = padding.schedule(layer([1, 2, 2, 1], int(4), {})) as Pipeline;
    const taken = Array.from({ length: interval }, (_, t) => takes(0, t)).flatMap((yes, t) => (yes ? [t] : []));
    expect(interval).toBe(16);
    expect(taken).toEqual([0, 5, 6, 9]);
    expect(padding.cycles(layer([1, 4, 8, 3], int(4), { pads: [1, 4, 1, 4], simd: 3, pixels: 4 }))).toBe(24);
  });

  it('names FINN’s attributes', () => {
    expect(padding.finn(layer([1, 4, 6, 8], int(4), { pads: [1, 2, 3, 0], simd: 4 }))).toEqual({
      opType: 'FMPadding_rtl',
      attributes: { ImgDim: '[4, 6]', Padding: '[1, 2, 3, 0]', NumChannels: 8, SIMD: 4, inputDataType: 'INT4' },
    });
  });

  it('says why it cannot', () => {
    const x = input('x', { dtype: int(4), shape: [1, 4, 4, 2] });
    const plain = [0, 1, 1, 0, 0, 1, 1, 0];
    expect(refusal(padNode(input('x', { dtype: FLOAT32, shape: [1, 4, 4, 2] }), plain))).toMatch(
      /FLOAT32, not integer/,
    );
    expect(refusal(padNode(x, plain, undefined, { mode: 'edge' }))).toMatch(/mode is 'edge'/);
    expect(refusal(padNode(x, [0, 1, 1, 1, 0, 1, 1, 0]))).toMatch(/axis 3/);
    expect(refusal(padNode(x, [0, 1, 1, 0, 0, -1, 1, 0]))).toMatch(/by -1: a crop is a Slice/);
    expect(refusal(padNode(x, plain, scalar(FLOAT32, 0.5)))).toMatch(/with 0.5, which is no integer/);
    expect(() => layer([1, 4, 4, 2], int(4), { simd: 4 })).toThrow('simd 4 does not divide its 2 channels');
    expect(() => layer([1, 4, 4, 2], int(4), { simd: 2, pixels: 2 })).toThrow('pixels 2 does not divide its 1');
    expect(() => layer([1, 4, 4, 2], int(4), { pads: [0, 2, 0, 2], pixels: 2 })).toThrow('not all 2 channels');
  });
});
