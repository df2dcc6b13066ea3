import { describe, expect, it } from 'vitest';
import { BIPOLAR, type DataType, FLOAT64, int, uint } from '../../src/ir/datatype.ts';
import { evaluate } from '../../src/ir/evaluate.ts';
import { apply, constant, type Graph, input, node, output, type Value } from '../../src/ir/graph.ts';
import { sizeOf, tensor } from '../../src/ir/tensor.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { onnx, qonnx } from '../../src/passes/ops.ts';
import { random } from '../../src/util/random.ts';

const values = random('joins to layers');
const shape = [1, 3, 3, 4];
const of = (name: string, dtype: DataType, dims: readonly number[] = shape) => input(name, { dtype, shape: dims });
const numbers = (data: readonly number[], dims: readonly number[] = []) => constant(tensor(int(32), dims, data));
const op = (name: string, inputs: readonly Value[], attrs = {}) => apply(onnx(name), inputs, attrs, [name]);
const thresholds = (x: Value, steps: readonly number[]) =>
  apply(
    qonnx('MultiThreshold'),
    [x, constant(tensor(FLOAT64, [1, steps.length], steps))],
    { out_dtype: 'UINT4', data_layout: 'NHWC' },
    ['MultiThreshold'],
  );

/** The layers' names and what they say, after checking that they mean what the graph means. */
function lowered(inputs: Graph['inputs'], outputs: readonly Value[]): { names: string[]; said: string[] } {
  const graph: Graph = { name: 'g', inputs, outputs: outputs.map((value, i) => ({ name: `out_${i}`, value })) };
  const { graph: layers, diagnostics } = toLayers(graph, { standaloneThresholds: false });
  if (diagnostics.length === 0) {
    const given = new Map(
      inputs.map(({ name, type }) => {
        const { dtype } = type;
        const data = Array.from({ length: sizeOf(type.shape) }, () =>
          dtype === BIPOLAR ? values.pick([-1, 1]) : values.int(dtype.min, dtype.max),
        );
        return [name, tensor(dtype, type.shape, data)];
      }),
    );
    const [before, after] = [evaluate(graph, given), evaluate(layers, given)];
    // + 0 makes 0 of −0, which only reals know.
    const list = (from: typeof before, name: string) => Array.from(from.get(name)!.data, (v) => v + 0);
    for (const { name } of graph.outputs) expect(list(after, name)).toEqual(list(before, name));
  }
  return { names: nodesOf(layers).map((one) => one.op.name), said: diagnostics.map(({ message }) => message) };
}

describe('joins, forks and constants become layers', () => {
  const [x, y] = [of('x', int(4)), of('y', uint(5))];

  it('a sum takes the factors that bring its branches to one grid', () => {
    const sum = op('Add', [op('Mul', [x, numbers([7])]), op('Mul', [numbers([2], [1]), y])]);
    expect(lowered([x, y], [sum]).names).toEqual(['AddStreams']);
    const graph = toLayers(
      { name: 'g', inputs: [x, y], outputs: [{ name: 'o', value: sum }] },
      { standaloneThresholds: false },
    );
    const [layer] = nodesOf(graph.graph);
    expect(layer!.attrs).toMatchObject({ factors: [7, 2] });
    expect(layer!.origin).toEqual(['Mul', 'Mul', 'Add']);
    expect(layer!.types[0]!.dtype).toBe(int(8));
  });

  it('but not those that differ between channels, or that something else reads', () => {
    const many = op('Mul', [x, numbers([1, 2, 3, 4], [1, 1, 1, 4])]);
    expect(lowered([x, y], [op('Add', [many, y])]).names).toEqual(['ChannelwiseOp', 'AddStreams']);
    const read = op('Mul', [x, numbers([3])]);
    expect(lowered([x, y], [op('Add', [read, y]), op('Relu', [read])]).names).toEqual([
      'ChannelwiseOp',
      'DuplicateStreams',
      'AddStreams',
      'ChannelwiseOp',
    ]);
  });

  it('signs in front of thresholds are theirs', () => {
    const signs = op('Mul', [x, numbers([1, -1, 1, -1], [1, 1, 1, 4])]);
    expect(lowered([x], [thresholds(signs, [-3, 0, 5])]).names).toEqual(['Thresholding']);
    expect(lowered([x], [thresholds(op('Neg', [x]), [-3, 0, 5])]).names).toEqual(['Thresholding']);
    expect(lowered([x, y], [thresholds(op('Add', [x, y]), [-3, 0, 5])]).names).toEqual(['AddStreams', 'Thresholding']);
  });

  it('functions of two streams have FINN’s names', () => {
    for (const name of [
      'Sub',
      'Mul',
      'Max',
      'Min',
      'And',
      'Or',
      'Xor',
      'Equal',
      'Less',
      'LessOrEqual',
      'Greater',
      'GreaterOrEqual',
    ])
      expect(lowered([x, y], [op(name, [x, y])])).toEqual({ names: [`Elementwise${name}`], said: [] });
    expect(lowered([x, y], [op('Abs', [op('Sub', [x, y])])]).names).toEqual(['ElementwiseAbsDiff']);
  });

  it('functions of a stream and a constant, on either side', () => {
    const channels = numbers([-9, 2, 0, 4], [4]);
    for (const name of [
      'Add',
      'Sub',
      'Mul',
      'Max',
      'Min',
      'Equal',
      'Less',
      'LessOrEqual',
      'Greater',
      'GreaterOrEqual',
    ]) {
      expect(lowered([x], [op(name, [x, channels])])).toEqual({ names: ['ChannelwiseOp'], said: [] });
      expect(lowered([x], [op(name, [numbers([3]), x])])).toEqual({ names: ['ChannelwiseOp'], said: [] });
    }
    for (const name of ['Relu', 'Neg', 'Abs']) expect(lowered([x], [op(name, [x])]).names).toEqual(['ChannelwiseOp']);
    expect(lowered([x], [op('Clip', [x, numbers([-2]), numbers([3])])]).names).toEqual([
      'ChannelwiseOp',
      'ChannelwiseOp',
    ]);
  });

  it('parts are joined and split along the channels', () => {
    const b = of('b', BIPOLAR, [1, 3, 3, 2]);
    expect(lowered([x, b, y], [op('Concat', [x, b, y], { axis: 3 })]).names).toEqual(['StreamingConcat']);
    const split = node(onnx('Split'), [x, numbers([1, 3], [2])], { axis: -1 }, ['Split'], 2);
    const [first, second] = [output(split, 0), output(split, 1)];
    expect(lowered([x], [first, op('Relu', [second])]).names).toEqual(['StreamingSplit', 'ChannelwiseOp']);
  });

  it('what cannot be is refused with the reason', () => {
    const z = of('z', int(4), [1, 1, 1, 4]);
    expect(lowered([x, z], [op('Add', [x, z])]).said[0]).toMatch(
      /\[1, 3, 3, 4\] and \[1, 1, 1, 4\]; two streams must have the same shape/,
    );
    const image = numbers(
      Array.from({ length: 36 }, (_, i) => i),
      shape,
    );
    expect(lowered([x], [op('Add', [x, image])]).said[0]).toMatch(/neither one number nor one for each channel/);
    expect(lowered([x, y], [op('Concat', [x, y], { axis: 1 })]).said[0]).toMatch(
      /joins along axis 1, not along the last/,
    );
    expect(lowered([x, y], [op('Max', [x, y, y])]).said[0]).toMatch(/joins 3 streams, not two/);
    expect(lowered([x], [op('Concat', [x, image], { axis: 3 })]).said[0]).toMatch(/is constant/);
  });
});
