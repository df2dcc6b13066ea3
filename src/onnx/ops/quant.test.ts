import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BIPOLAR, type DataType, FLOAT32, int, uint } from '../../ir/datatype.ts';
import { evaluate } from '../../ir/evaluate.ts';
import { type Attrs, apply, constant, input, type NodeValue, type Value } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { registryOf } from '../registry.ts';
import { onnxOps } from './index.ts';
import { dequantize, quantParameters } from './quant.ts';
import { quantiserAt, quantizedConstant } from './quantized-constant.ts';

const ops = registryOf(onnxOps);
const make = (name: string, inputs: readonly (Value | undefined)[], attrs: Attrs = {}): NodeValue =>
  apply(ops.find('', name)!, inputs, attrs, [name]);
const floats = (values: readonly number[], shape: readonly number[] = [values.length]): Value =>
  constant(tensor(FLOAT32, shape, values));
const number = (v: number): Value => floats([v], []);
const computed = (v: NodeValue): Tensor =>
  evaluate({ name: 'g', inputs: [], outputs: [{ name: 'y', value: v }] }, new Map()).get('y')!;
const quant = (x: Value, scale: number, zero: number, bits: number, attrs: Attrs): NodeValue =>
  make('Quant', [x, number(scale), number(zero), number(bits)], attrs);

describe('Quant', () => {
  const ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.25, -0.25, 1.75, -1.75];
  it.each([
    ['ROUND', [-2, -2, 0, 0, 2, 2, 0, 0, 2, -2]],
    ['HALF_EVEN', [-2, -2, 0, 0, 2, 2, 0, 0, 2, -2]],
    ['CEIL', [-2, -1, 0, 1, 2, 3, 1, 0, 2, -1]],
    ['FLOOR', [-3, -2, -1, 0, 1, 2, 0, -1, 1, -2]],
    ['UP', [-3, -2, -1, 1, 2, 3, 1, -1, 2, -2]],
    ['DOWN', [-2, -1, 0, 0, 1, 2, 0, 0, 1, -1]],
    ['HALF_UP', [-3, -2, -1, 1, 2, 3, 0, 0, 2, -2]],
    ['half_down', [-2, -1, 0, 0, 1, 2, 0, 0, 2, -2]],
  ])('rounds ties by %s', (rounding_mode, wanted) => {
    const y = quant(floats(ties), 1, 0, 4, { signed: 1, narrow: 0, rounding_mode });
    expect(Array.from(computed(y).data, (v) => v + 0)).toEqual(wanted);
    expect(y.type.dtype).toBe(int(4));
  });

  it.each<[number, number, number, number, number, DataType]>([
    [1, 0, 3, -4, 3, int(3)],
    [1, 1, 3, -3, 3, int(3)],
    [0, 0, 3, 0, 7, uint(3)],
    [0, 1, 3, 0, 6, uint(3)],
    [1, 0, 1, -1, 1, BIPOLAR],
  ])('signed %i narrow %i of %i bits clips to %i…%i', (signed, narrow, bits, min, max, dtype) => {
    const y = quant(floats([-100, 100]), 1, 0, bits, { signed, narrow });
    expect([...computed(y).data]).toEqual([min, max]);
    expect(y.type.dtype).toBe(dtype);
    expect(quantParameters(y.node)).toMatchObject({ bits, signed: signed === 1, narrow: narrow === 1, min, max });
  });

  it('clips before it rounds: 3.6 in 0…3 is 3 even when rounding up', () => {
    const y = quant(floats([3.6, 3.4, -0.9]), 1, 0, 2, { signed: 0, rounding_mode: 'CEIL' });
    expect(Array.from(computed(y).data, (v) => v + 0)).toEqual([3, 3, 0]);
  });

  it('one signed bit has no zero: 0 becomes +1', () => {
    const y = quant(floats([0, -0, 0.1, -0.1]), 0.5, 0, 1, { signed: 1 });
    expect([...computed(y).data]).toEqual([0.5, 0.5, 0.5, -0.5]);
  });

  it('adds the zero point before it rounds, QuantizeLinear after: ties differ where it is odd', () => {
    const x = floats([0.5, 1.5, 2.5]);
    const q = quant(x, 1, 1, 8, { signed: 0 });
    expect([...computed(q).data]).toEqual([1, 1, 3]);
    const zero = constant(tensor(uint(8), [], [1]));
    const linear = make('DequantizeLinear', [make('QuantizeLinear', [x, number(1), zero]), number(1), zero]);
    expect([...computed(linear).data]).toEqual([0, 2, 2]);
    expect(quantiserAt(linear.node)?.parameters.zeroPointLast).toBe(true);
  });

  it('integers with scale 1 and a zero point have the shifted type', () => {
    expect(quant(floats([0]), 1, 3, 4, { signed: 0 }).type.dtype).toBe(int(5));
    expect(quant(floats([0]), 0.5, 0, 4, { signed: 0 }).type.dtype).toBe(FLOAT32);
  });

  it.each([
    [['a', 0, 0, 4], /scale/],
    [[0, 0, 4], /scale.*holds 0/],
    [[-1, 0, 4], /scale.*holds -1/],
    [[1, 0, 2.5], /bit width.*2\.5/],
    [[1, 0, 0], /bit width.*0/],
  ])('refuses parameters %j', (parameters, message) => {
    const [scale, zero, bits] = parameters.filter((p) => typeof p === 'number') as [number, number, number];
    expect(() => quant(floats([1]), scale, zero, bits, {})).toThrow(message);
  });

  it('refuses a rounding mode that does not exist, and names those that do', () => {
    expect(() => quant(floats([1]), 1, 0, 4, { rounding_mode: 'NEAREST' })).toThrow(/rounding_mode.*NEAREST/);
  });
});

describe('BipolarQuant and Trunc', () => {
  it('takes the sign, 0 as positive, times the scale', () => {
    const y = make('BipolarQuant', [floats([-2, 0, 3]), number(0.25)]);
    expect([...computed(y).data]).toEqual([-0.25, 0.25, 0.25]);
  });
  it('version 1 keeps the scale', () => {
    const y = make('Trunc', [floats([0, 1.75, 3.75, 2]), number(0.25), number(0), number(8), number(6)]);
    expect([...computed(y).data]).toEqual([0, 0.25, 0.75, 0.5]);
  });
  it('version 2 has an output scale and clips', () => {
    const inputs = [floats([0, 1.75, 3.75, 2]), number(0.25), number(0), number(8), number(1), number(2)];
    expect([...computed(make('Trunc', inputs, { signed: 0, rounding_mode: 'FLOOR' })).data]).toEqual([0, 1, 3, 2]);
    expect([...computed(make('Trunc', inputs, { signed: 1, rounding_mode: 'ROUND' })).data]).toEqual([0, 1, 1, 1]);
  });
});

describe('MultiThreshold', () => {
  const steps = floats([0, 1, 2, 5, 6, 7], [2, 3]);
  it('counts thresholds that are reached, equality included, along the channel axis', () => {
    const x = floats([1, 2, 5, 7], [1, 2, 1, 2]);
    const y = make('MultiThreshold', [x, steps], { out_dtype: 'UINT2' });
    expect([[...computed(y).data], y.type.dtype]).toEqual([[2, 3, 1, 3], uint(2)]);
    const last = make('MultiThreshold', [x, steps], { out_dtype: 'UINT2', data_layout: 'NHWC' });
    expect([
      ...computed(make('MultiThreshold', [floats([1, 5, 2, 7], [1, 1, 2, 2]), steps], { data_layout: 'NHWC' })).data,
    ]).toEqual([2, 1, 3, 3]);
    expect(last.type.shape).toEqual([1, 2, 1, 2]);
  });
  it('three axes without a layout are channels last, as in QONNX', () => {
    const y = make('MultiThreshold', [floats([1, 5, 2, 7], [1, 2, 2]), steps]);
    expect([...computed(y).data]).toEqual([2, 1, 3, 3]);
  });
  it('one row serves every channel; out_scale and out_bias make BIPOLAR', () => {
    const y = make('MultiThreshold', [floats([-1, 0], [1, 2]), floats([0], [1, 1])], {
      out_dtype: 'BIPOLAR',
      out_scale: 2,
      out_bias: -1,
    });
    expect([[...computed(y).data], y.type.dtype]).toEqual([[-1, 1], BIPOLAR]);
  });
  it('a datatype that is too narrow for the levels is widened', () => {
    expect(
      make('MultiThreshold', [floats([0], [1, 1]), floats([0, 1], [1, 2])], { out_dtype: 'INT2' }).type.dtype,
    ).toBe(uint(2));
    expect(make('MultiThreshold', [floats([0], [1, 1]), floats([0, 1], [1, 2])], { out_scale: 0.5 }).type.dtype).toBe(
      FLOAT32,
    );
  });
  it('refuses thresholds for another number of channels', () => {
    expect(() => make('MultiThreshold', [floats([1, 2, 3], [1, 3]), steps])).toThrow(/for 2 channels, its input has 3/);
  });
});

describe('the integers behind constants', () => {
  const weights = floats([0.5, -0.5, 1, 0, 0.75, -1], [2, 3]);
  it('of Quant, with a scale for each row, through a Transpose', () => {
    const q = make('Quant', [weights, floats([0.5, 0.25], [2, 1]), number(0), number(4)], { signed: 1 });
    const found = quantizedConstant(make('Transpose', [q], { perm: [1, 0] }))!;
    expect([...found.integers.data]).toEqual([1, 0, -1, 3, 2, -4]);
    expect([found.integers.shape, found.integers.dtype, found.scale.shape, [...found.scale.data]]).toEqual([
      [3, 2],
      int(4),
      [1, 2],
      [0.5, 0.25],
    ]);
  });
  it('of Quant with a scale for each row, through a Reshape', () => {
    const q = make('Quant', [weights, floats([0.5, 0.25], [2, 1]), number(0), number(4)], { signed: 1 });
    const found = quantizedConstant(make('Reshape', [q, constant(tensor(int(64), [3], [2, 1, 3]))]))!;
    expect([found.integers.shape, found.scale.shape, [...found.scale.data]]).toEqual([
      [2, 1, 3],
      [2, 1, 1],
      [0.5, 0.25],
    ]);
  });
  it('of QuantizeLinear, Clip, DequantizeLinear', () => {
    const zero = constant(tensor(int(8), [], [0]));
    const clip = make('Clip', [
      make('QuantizeLinear', [weights, number(0.5), zero]),
      constant(tensor(int(8), [], [-1])),
      constant(tensor(int(8), [], [1])),
    ]);
    const chain = make('DequantizeLinear', [clip, number(0.5), zero]);
    expect([...quantizedConstant(chain)!.integers.data]).toEqual([1, -1, 1, 0, 1, -1]);
    expect(quantiserAt(chain.node)?.parameters).toMatchObject({ min: -1, max: 1, bits: 2 });
  });
  it('of integers stored as such, and of annotated constants', () => {
    const stored = constant(tensor(int(8), [2], [3, -4]));
    expect(quantizedConstant(make('DequantizeLinear', [stored, number(0.5)]))).toMatchObject({
      integers: stored.tensor,
    });
    expect(quantizedConstant(stored)).toMatchObject({ integers: stored.tensor });
  });
  it('are none for floating point and for what depends on inputs', () => {
    expect(quantizedConstant(weights)).toBeUndefined();
    expect(quantizedConstant(quant(input('x', { dtype: FLOAT32, shape: [1] }), 1, 0, 4, {}))).toBeUndefined();
  });
  it('times their scale are the values, always', () => {
    const values = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 6, maxLength: 6 });
    const scale = fc.float({ min: Math.fround(0.001), max: 10, noNaN: true });
    fc.assert(
      fc.property(
        values,
        scale,
        scale,
        fc.integer({ min: -3, max: 3 }),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        (x, a, b, zero, bits, signed) => {
          const q = make('Quant', [floats(x, [2, 3]), floats([a, b], [2, 1]), number(zero), number(bits)], {
            signed: signed ? 1 : 0,
          });
          const moved = make('Transpose', [q], { perm: [1, 0] });
          const found = quantizedConstant(moved)!;
          expect(dequantize(found.integers, found, moved.type.dtype)).toEqual(computed(moved));
        },
      ),
    );
  });
});
