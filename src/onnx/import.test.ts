import { describe, expect, it } from 'vitest';
import { floats, info, int8s, int64s, type ModelParts, model, op, smallMlp } from '../../test/helpers/onnx-builder.ts';
import { check } from '../ir/check.ts';
import { BIPOLAR, FLOAT32, int, uint } from '../ir/datatype.ts';
import { evaluate } from '../ir/evaluate.ts';
import type { Graph } from '../ir/graph.ts';
import { type Tensor, tensor } from '../ir/tensor.ts';
import { nodesOf } from '../ir/traverse.ts';
import { readModel } from './import.ts';
import { attributeType } from './proto.ts';

const names = (graph: Graph): string[] => nodesOf(graph).map((n) => n.op.name);
const read = (parts: ModelParts): Graph => {
  const graph = readModel(model(parts));
  check(graph);
  return graph;
};
const run = (graph: Graph, ...x: number[]): Tensor => {
  const { name, type } = graph.inputs[0]!;
  return evaluate(graph, new Map([[name, tensor(type.dtype, type.shape, x)]]))
    .values()
    .next().value!;
};

describe('import', () => {
  it('reads a small perceptron; by hand: x=[1,0,-1,.5] doubled, quantised by half, times integer weights, normalised', () => {
    const graph = read(smallMlp());
    expect(names(graph).sort()).toEqual([
      'BatchNormalization',
      'BipolarQuant',
      'MatMul',
      'Mul',
      'Quant',
      'Quant',
      'Transpose',
    ]);
    // 3 bits of step 0.5 reach from -2 to 1.5.
    const q = [1.5, 0, -2, 1];
    const w = [
      [1, -2, 3, 0],
      [-1, 2, 1, -3],
      [2, 2, -2, 1],
    ];
    const norm = [
      (p: number) => (p - 0.5) / Math.sqrt(1 + 1e-5) + 0.25,
      (p: number) => (0.5 * p) / Math.sqrt(2 + 1e-5) - 0.5,
      (p: number) => (2 * (p + 1)) / Math.sqrt(0.25 + 1e-5),
    ];
    const wanted = w.map((row, i) => (norm[i]!(row.reduce((s, v, j) => s + v * q[j]!, 0)) >= 0 ? 1 : -1));
    expect([...run(graph, 1, 0, -1, 0.5).data]).toEqual(wanted);
    expect(graph.outputs[0]!.value.type).toEqual({ dtype: BIPOLAR, shape: [1, 3] });
  });

  it.each(['', 'onnx.brevitas', 'qonnx.custom_op.general', 'finn.custom_op.general', 'finn'])(
    'finds quantisers in domain %j',
    (domain) => {
      const parts = smallMlp();
      const nodes = parts.nodes.map((n) => (n.domain ? { ...n, domain } : n));
      expect(names(read({ ...parts, nodes }))).toContain('BipolarQuant');
    },
  );

  it('takes initialisers that are listed as inputs for constants', () => {
    const parts = smallMlp();
    const inputs = [info('w', [3, 4]), info('x', [1, 4]), info('two', [])];
    expect(read({ ...parts, inputs }).inputs.map((i) => i.name)).toEqual(['x']);
  });

  it('takes a free batch axis for one frame', () => {
    for (const batch of ['N', 0, -1])
      expect(read({ ...smallMlp(), inputs: [info('x', [batch, 4])] }).inputs[0]!.type.shape).toEqual([1, 4]);
  });

  it('computes shapes: Shape, Gather, Unsqueeze, Concat, Reshape of old PyTorch exports is one Reshape', () => {
    const graph = read({
      nodes: [
        op('s', 'Shape', ['x'], ['s']),
        op('g', 'Gather', ['s', 'zero'], ['g'], { axis: 0 }),
        op('u', 'Unsqueeze', ['g'], ['u'], { axes: [0] }),
        op('c', 'Concat', ['u', 'rest'], ['c'], { axis: 0 }),
        op('r', 'Reshape', ['x', 'c'], ['y']),
      ],
      initializers: [int64s('zero', [], [0]), int64s('rest', [1], [-1])],
      inputs: [info('x', [2, 3, 4])],
      opset: 9,
    });
    expect(names(graph)).toEqual(['Reshape']);
    expect(graph.outputs[0]!.value.type.shape).toEqual([2, 12]);
  });

  it('folds what depends on constants only, but not quantisers of them', () => {
    const graph = read({
      nodes: [
        op('t', 'Transpose', ['w'], ['wt'], { perm: [1, 0] }),
        op('q', 'BipolarQuant', ['wt', 'one'], ['wq'], {}, 'onnx.brevitas'),
        op('m', 'MatMul', ['x', 'wq'], ['y']),
      ],
      initializers: [floats('w', [2, 4], [1, -2, 3, -4, -5, 6, -7, 8]), floats('one', [], [1])],
    });
    expect(names(graph)).toEqual(['BipolarQuant', 'MatMul']);
    expect([...run(graph, 1, 1, 1, 1).data]).toEqual([0, 0]);
  });

  it('leaves out Identity, Dropout and what no output needs, unknown operators included', () => {
    const graph = read({
      nodes: [
        op('i', 'Identity', ['x'], ['a']),
        op('d', 'Dropout', ['a'], ['b', 'mask']),
        op('odd', 'Wavelet', ['b'], ['unused']),
        op('r', 'Relu', ['b'], ['y']),
      ],
    });
    expect(names(graph)).toEqual(['Relu']);
  });

  it('names origins: the node’s name, or operator and output where it has none', () => {
    const graph = read({ nodes: [op('', 'Relu', ['x'], ['a']), op('act', 'Abs', ['a'], ['y'])] });
    expect(nodesOf(graph).map((n) => n.origin)).toEqual([['Relu_a'], ['act']]);
  });

  it('reads Constant nodes of every kind', () => {
    const value = { name: 'value', type: attributeType.TENSOR, t: floats('', [4], [1, 2, 3, 4]) };
    const graph = read({
      nodes: [
        { ...op('c', 'Constant', [], ['c']), attribute: [value] },
        op('d', 'Constant', [], ['d'], { value_float: 0.5 }),
        op('a', 'Add', ['x', 'c'], ['s']),
        op('m', 'Mul', ['s', 'd'], ['y']),
      ],
    });
    expect([...run(graph, 1, 1, 1, 1).data]).toEqual([1, 1.5, 2, 2.5]);
  });

  it('honours finn_datatype of inputs and initialisers; arithmetic on integers is exact and typed', () => {
    const graph = read({
      nodes: [op('m', 'MatMul', ['x', 'w'], ['y'])],
      initializers: [floats('w', [4, 1], [1, -1, -1, 1])],
      annotations: { x: 'UINT8', w: 'BIPOLAR', y: 'INT32' },
    });
    expect(graph.inputs[0]!.type.dtype).toBe(uint(8));
    expect(graph.outputs[0]!.value.type.dtype).toBe(int(11));
    expect([...run(graph, 255, 1, 2, 3).data]).toEqual([255]);
  });

  it('thresholds may exceed their annotated type by one, as FINN writes those that nothing reaches', () => {
    const parts: ModelParts = {
      nodes: [op('t', 'MultiThreshold', ['x', 't'], ['y'], { out_dtype: 'UINT2' }, 'qonnx.custom_op.general')],
      initializers: [floats('t', [1, 3], [1, 2, 16])],
      annotations: { t: 'UINT4' },
    };
    expect(nodesOf(read(parts))[0]!.inputs[1]!.type.dtype).toBe(uint(5));
    expect(() => read({ ...parts, initializers: [floats('t', [1, 3], [1, 2, 17])] })).toThrow(
      /'t' is annotated UINT4, but element 2 is 17/,
    );
  });

  it('reads every way of storing numbers', () => {
    const store = (tensorProto: object): number[] => {
      const graph = read({
        nodes: [op('c', 'Cast', ['c'], ['f'], { to: 1 }), op('a', 'Add', ['x', 'f'], ['y'])],
        initializers: [{ name: 'c', dims: [4], ...tensorProto }],
      });
      return [...run(graph, 0, 0, 0, 0).data];
    };
    const raw = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer);
    expect(store({ data_type: 10, raw_data: raw(Uint16Array.of(0x3c00, 0xc000, 0x3555, 1)) })).toEqual([
      1,
      -2,
      0.333251953125,
      2 ** -24,
    ]);
    expect(store({ data_type: 10, int32_data: [0x3c00, 0xc000, 0, 0x7bff] })).toEqual([1, -2, 0, 65504]);
    expect(store({ data_type: 16, raw_data: raw(Uint16Array.of(0x3f80, 0xc000, 0, 0x4049)) })).toEqual([
      1, -2, 0, 3.140625,
    ]);
    expect(store({ data_type: 11, double_data: [1, 0.5, -3, 2 ** 40] })).toEqual([1, 0.5, -3, 2 ** 40]);
    expect(store({ data_type: 1, float_data: [1, 0.5, -3, 7] })).toEqual([1, 0.5, -3, 7]);
    expect(store({ data_type: 22, raw_data: Uint8Array.of(0x7f, 0x81) })).toEqual([-1, 7, 1, -8]);
    expect(store({ data_type: 21, int32_data: [0x7f, 0x81] })).toEqual([15, 7, 1, 8]);
    expect(store({ data_type: 7, int64_data: [1, -2, 3, 2 ** 23] })).toEqual([1, -2, 3, 2 ** 23]);
    expect(store({ data_type: 13, uint64_data: [1, 2, 3, 4] })).toEqual([1, 2, 3, 4]);
    expect(store({ data_type: 9, raw_data: Uint8Array.of(1, 0, 1, 1) })).toEqual([1, 0, 1, 1]);
    expect(store(int8s('c', [4], [1, -128, 127, 0]))).toEqual([1, -128, 127, 0]);
  });

  it('keeps float weights as views into the file where they are aligned', () => {
    const parts = smallMlp();
    const views = Array.from({ length: 4 }, (_, pad) => {
      const bytes = new Uint8Array(Buffer.concat([new Uint8Array(pad), model(parts)])).subarray(pad);
      const quant = nodesOf(readModel(bytes)).find((n) => n.origin[0] === 'weights')!;
      const w = quant.inputs[0]!;
      return w.kind === 'constant' && w.tensor.data.buffer === bytes.buffer;
    });
    expect(views.filter(Boolean)).toHaveLength(1);
  });

  it('brings attributes of old versions to inputs', () => {
    const graph = read({
      nodes: [
        op('c', 'Clip', ['x'], ['a'], { min: -0.5, max: 1.5 }),
        op('p', 'Pad', ['a'], ['y'], { pads: [0, 1, 0, 0], value: 2.5 }),
      ],
      opset: 9,
    });
    expect([...run(graph, -3, 0, 1, 9).data]).toEqual([2.5, -0.5, 0, 1, 1.5]);
    expect(nodesOf(graph).map((n) => n.attrs)).toEqual([{}, {}]);
    expect(graph.inputs[0]!.type.dtype).toBe(FLOAT32);
  });
});
