import { describe, expect, it } from 'vitest';
import { BINARY, BIPOLAR, FLOAT32, int, TERNARY, uint } from '../../ir/datatype.ts';
import { evaluate } from '../../ir/evaluate.ts';
import { type Attrs, constant, input, node, output, type Value } from '../../ir/graph.ts';
import { type Data, type Tensor, tensor } from '../../ir/tensor.ts';
import { registryOf } from '../registry.ts';
import { erf } from './erf.ts';
import { onnxOps } from './index.ts';

const ops = registryOf(onnxOps);
/** Output 0 (or `index`) of one node on constants. */
function run(name: string, inputs: readonly (Tensor | undefined)[], attrs: Attrs = {}, outputs = 1, index = 0): Tensor {
  const made = node(
    ops.find('', name)!,
    inputs.map((x) => x && constant(x)),
    attrs,
    [name],
    outputs,
  );
  const value = output(made, index);
  const result = evaluate({ name: 'g', inputs: [], outputs: [{ name: 'y', value }] }, new Map()).get('y')!;
  expect({ dtype: result.dtype, shape: result.shape }).toEqual(value.type);
  return result;
}
const typeOf = (name: string, inputs: readonly Value[], attrs: Attrs = {}): string =>
  node(ops.find('', name)!, inputs, attrs, [name]).types[0]!.dtype.name;
const floats = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(FLOAT32, shape, values);
const indices = (...values: number[]): Tensor => tensor(int(64), [values.length], values);
const count = (...shape: number[]): Tensor =>
  floats(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    shape,
  );
const list = (x: Tensor): number[] => Array.from(x.data as Data, (v) => v + 0);
const f = Math.fround;

describe('numbers', () => {
  it('each operation is rounded once to binary32', () => {
    expect(list(run('Add', [floats([0.1]), floats([0.2])]))).toEqual([f(f(0.1) + f(0.2))]);
    expect(list(run('Div', [floats([1]), floats([3])]))).toEqual([f(1 / 3)]);
  });
  it('BatchNormalization is x·a + (bias − mean·a), a = scale·(1/√(var + ε)), every operation rounded', () => {
    const [x, s, b, m, v, e] = [0.7, 1.3, -0.4, 0.9, 2.7, 1e-5].map(f) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const a = f(s * f(1 / f(Math.sqrt(f(v + e)))));
    const y = run('BatchNormalization', [floats([x], [1, 1]), ...[s, b, m, v].map((n) => floats([n]))], { epsilon: e });
    expect(list(y)).toEqual([f(f(x * a) + f(b - f(m * a)))]);
  });
  it('sums of products are taken in binary64 and rounded once: 2^24 + 1 + 1 keeps both ones', () => {
    const y = run('MatMul', [floats([2 ** 24, 1, 1], [1, 3]), floats([1, 1, 1], [3, 1])]);
    expect(list(y)).toEqual([2 ** 24 + 2]);
  });
  it('integer products are exact beyond binary32', () => {
    const x = tensor(int(32), [1, 2], [2 ** 31 - 1, 1]);
    expect(list(run('MatMul', [x, tensor(int(8), [2, 1], [3, -1])]))).toEqual([3 * (2 ** 31 - 1) - 1]);
  });
  it('erf', () => {
    // Abramowitz and Stegun, table 7.1.
    for (const [x, y] of [
      [0, 0],
      [0.5, 0.5204998778],
      [1, 0.8427007929],
      [2, 0.995322265],
      [2.6, 0.99976396558],
      [-1, -0.8427007929],
    ] as const) {
      expect(erf(x)).toBeCloseTo(y, 9);
    }
  });
});

describe('types of integers', () => {
  const x = input('x', { dtype: uint(4), shape: [1, 3] });
  const w = (dtype = BIPOLAR): Value => input('w', { dtype, shape: [3, 2] });
  it.each([
    ['MatMul', [x, w()], 'INT7'],
    ['MatMul', [x, w(BINARY)], 'UINT6'],
    ['MatMul', [x, w(TERNARY)], 'INT7'],
    ['MatMul', [x, w(FLOAT32)], 'FLOAT32'],
    ['Add', [x, x], 'UINT5'],
    ['Sub', [x, x], 'INT5'],
    ['Mul', [x, x], 'UINT8'],
    ['Div', [x, x], 'FLOAT32'],
    ['Neg', [x], 'INT5'],
    ['Relu', [input('s', { dtype: int(4), shape: [1] })], 'UINT3'],
    ['Flatten', [x], 'UINT4'],
    ['Exp', [x], 'FLOAT32'],
    ['Greater', [x, x], 'BINARY'],
    ['ReduceSum', [x], 'UINT6'],
  ] as const)('%s', (name, inputs, wanted) => expect(typeOf(name, inputs)).toBe(wanted));
  it('Clip keeps what is left of the range', () => {
    const s = input('s', { dtype: int(8), shape: [1] });
    expect(typeOf('Clip', [s, constant(tensor(int(8), [], [-2])), constant(tensor(int(8), [], [1]))])).toBe('INT2');
    expect(typeOf('Clip', [s, constant(tensor(int(8), [], [0]))])).toBe('UINT7');
  });
});

describe('convolution and pools', () => {
  const image = count(1, 1, 3, 3);
  it('Conv pads with zeros, strides, dilates', () => {
    const ones = floats(new Array<number>(9).fill(1), [1, 1, 3, 3]);
    expect(list(run('Conv', [image, ones], { pads: [1, 1, 1, 1] }))).toEqual([8, 15, 12, 21, 36, 27, 20, 33, 24]);
    expect(list(run('Conv', [image, ones], { pads: [1, 1, 1, 1], strides: [2, 2] }))).toEqual([8, 12, 20, 24]);
    expect(
      list(run('Conv', [image, floats([1, 0, 0, 1], [1, 1, 2, 2]), floats([100])], { dilations: [2, 2] })),
    ).toEqual([108]);
  });
  it('Conv in groups sees its own channels only', () => {
    const x = count(1, 2, 1, 2);
    expect(list(run('Conv', [x, floats([10, 100], [2, 1, 1, 1])], { group: 2 }))).toEqual([0, 10, 200, 300]);
  });
  it('ConvTranspose spreads', () => {
    const y = run('ConvTranspose', [floats([1, 2], [1, 1, 2]), floats([1, 10, 100], [1, 1, 3])], { strides: [2] });
    expect(list(y)).toEqual([1, 10, 102, 20, 200]);
  });
  it('MaxPool, ceil_mode included; AveragePool with and without its padding', () => {
    expect(list(run('MaxPool', [image], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }))).toEqual([
      4, 5, 7, 8,
    ]);
    expect(list(run('MaxPool', [floats([-3, -2, -5], [1, 1, 3])], { kernel_shape: [3], pads: [1, 1] }))).toEqual([
      -2, -2, -2,
    ]);
    const edge = { kernel_shape: [2, 2], pads: [1, 1, 0, 0], strides: [3, 3] };
    expect(list(run('AveragePool', [count(1, 1, 2, 2)], { ...edge, count_include_pad: 0 }))).toEqual([0]);
    expect(list(run('AveragePool', [floats([8], [1, 1, 1, 1])], { ...edge, count_include_pad: 1 }))).toEqual([2]);
    expect(list(run('GlobalAveragePool', [image]))).toEqual([4]);
  });
  it('Im2Col has channels innermost; with MatMul it is Conv', () => {
    const y = run('Im2Col', [count(1, 2, 2, 2)], {
      kernel_size: [2, 2],
      stride: [1, 1],
      pad_amount: [0, 0, 0, 0],
      input_shape: '(1,2,2,2)',
    });
    expect([y.shape, list(y)]).toEqual([
      [1, 1, 1, 8],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]);
  });
  it('QuantAvgPool2d shifts the integer sum', () => {
    const x = tensor(uint(2), [1, 1, 2, 2], [3, 3, 2, 1]);
    const y = run('QuantAvgPool2d', [x], { kernel: 2, stride: 1, ibits: 2, obits: 2, signed: 0 });
    expect([list(y), y.dtype]).toEqual([[2], uint(2)]);
  });
  it('XnorPopcountMatMul counts equal bits', () => {
    const bits = (values: number[], shape: number[]): Tensor => tensor(BINARY, shape, values);
    expect(list(run('XnorPopcountMatMul', [bits([1, 0, 1], [1, 3]), bits([1, 0, 1, 1, 1, 0], [3, 2])]))).toEqual([
      2, 0,
    ]);
  });
});

describe('movement and choice', () => {
  it.each<[string, (Tensor | undefined)[], Attrs, number[]]>([
    ['Transpose', [count(2, 3)], { perm: [1, 0] }, [0, 3, 1, 4, 2, 5]],
    ['Slice', [count(5), indices(-1), indices(-100), indices(0), indices(-2)], {}, [4, 2, 0]],
    ['Gather', [count(2, 3), indices(-1, 0)], { axis: 1 }, [2, 0, 5, 3]],
    ['Concat', [count(2, 1), count(2, 2)], { axis: 1 }, [0, 0, 1, 1, 2, 3]],
    ['Pad', [count(3), indices(1, 1)], { mode: 'reflect' }, [1, 0, 1, 2, 1]],
    ['Tile', [count(2), indices(2)], {}, [0, 1, 0, 1]],
    ['DepthToSpace', [count(1, 4, 1, 1)], { blocksize: 2 }, [0, 1, 2, 3]],
    [
      'Resize',
      [count(1, 1, 1, 2), undefined, floats([1, 1, 1, 2])],
      { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      [0, 0, 1, 1],
    ],
    ['ReduceMean', [count(2, 3), indices(1)], { keepdims: 0 }, [1, 4]],
    ['ArgMax', [floats([1, 5, 5, 2])], { axis: 0 }, [1]],
    ['Where', [tensor(BINARY, [2], [1, 0]), count(2), floats([7, 8])], {}, [0, 8]],
    ['Softmax', [floats([0, 0, 0, 0])], {}, [0.25, 0.25, 0.25, 0.25]],
    ['Cast', [floats([1.9, -1.9, 300])], { to: 3 }, [1, -1, 44]],
  ])('%s', (name, inputs, attrs, wanted) => expect(list(run(name, inputs, attrs))).toEqual(wanted));
  it('TopK gives ties to the lower index', () => {
    const x = floats([2, 7, 7, 1, 7]);
    expect(list(run('TopK', [x, indices(4)], {}, 2, 1))).toEqual([1, 2, 4, 0]);
    expect(list(run('TopK', [x, indices(2)], { largest: 0 }, 2, 0))).toEqual([1, 2]);
  });
  it('Split', () => {
    expect(list(run('Split', [count(5)], {}, 2, 1))).toEqual([3, 4]);
    expect(list(run('Split', [count(5), indices(1, 4)], {}, 2, 1))).toEqual([1, 2, 3, 4]);
  });
});
