import { describe, expect, it } from 'vitest';
import { type DataType, FLOAT32, int, uint } from '../../ir/datatype.ts';
import { type Attrs, constant, input, type Node, type NodeValue, node, type Value } from '../../ir/graph.ts';
import { tensor } from '../../ir/tensor.ts';
import { onnxOps } from '../../onnx/ops/index.ts';
import { layerOf } from '../layer.ts';
import { type LookupAttrs, lookup } from './index.ts';
import { sizesOf } from './sizes.ts';

const Gather = onnxOps.find((op) => op.name === 'Gather')!;
const table = (dtype: DataType, shape: readonly number[]) =>
  constant(
    tensor(
      dtype,
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i - 4),
    ),
  );
const indices = (dtype: DataType, shape: readonly number[] = [1, 4]) => input('x', { dtype, shape });
const lowered = (inputs: Value[], attrs: Attrs = {}) =>
  lookup.lower!(node(Gather, inputs, attrs, ['embed']), {
    options: { standaloneThresholds: false },
    sole: () => true,
  });
const layer = (rows: number, columns: number, index: DataType, attrs: Partial<LookupAttrs> = {}) =>
  layerOf<LookupAttrs>(lookup, [table(int(16), [rows, columns]), indices(index)], { pe: 1, memory: 'auto', ...attrs }, [
    'embed',
  ]);

describe('Lookup', () => {
  it('is the Gather that it was lowered from, with a table as narrow as its numbers', () => {
    const rows = table(int(32), [5, 3]);
    const made = (lowered([rows, indices(int(4))]) as { value: NodeValue }).value.node;
    expect(made.types[0]).toEqual({ dtype: int(5), shape: [1, 4, 3] });
    const x = tensor(int(4), [1, 4], [0, 4, -1, -5]);
    const run = (one: Pick<Node, 'op' | 'attrs' | 'types'>) => [
      ...one.op.evaluate([rows.tensor, x], one.attrs, { origin: [], outputs: 1, types: one.types })[0]!.data,
    ];
    expect(run(made)).toEqual(run(node(Gather, [rows, indices(int(4))], {}, [])));
  });

  it('gives the row at an end for what lies beyond it', () => {
    const { types, attrs, inputs } = layer(5, 1, int(5));
    const x = tensor(int(5), [1, 4], [5, 15, -6, -16]);
    const given = inputs[0]!.kind === 'constant' ? inputs[0]!.tensor : undefined;
    const [y] = lookup.evaluate([given, x], attrs, { origin: [], outputs: 1, types });
    expect([...y!.data]).toEqual([0, 0, -4, -4]);
  });

  it('puts parts of rows where few words are left unused', () => {
    const shapeOf = (rows: number, columns: number) => {
      const { shape, rowFirst } = sizesOf(layer(rows, columns, uint(9)));
      return [shape.depth, rowFirst];
    };
    expect(shapeOf(16, 4)).toEqual([64, true]);
    expect(shapeOf(16, 5)).toEqual([80, false]);
    expect(shapeOf(17, 8)).toEqual([136, true]);
    expect(lookup.cycles(layer(16, 6, uint(4), { pe: 3 }))).toBe(8);
  });

  it('says why it cannot', () => {
    const refusal = (inputs: Value[], attrs: Attrs = {}) => (lowered(inputs, attrs) as { refused: string }).refused;
    const rows = table(int(8), [5, 3]);
    expect(refusal([indices(int(8), [5, 3]), indices(uint(2))])).toMatch(/table is not constant/);
    expect(refusal([table(FLOAT32, [5, 3]), indices(uint(2))])).toMatch(/FLOAT32, not integer/);
    expect(refusal([rows, indices(uint(1))], { axis: 1 })).toMatch(/along axis 1/);
    expect(refusal([rows, indices(uint(2), [])])).toMatch(/scalar/);
    expect(() => layer(5, 4, uint(3), { pe: 3 })).toThrow('pe 3 does not divide its 4 elements of a row');
  });

  it('names FINN’s attributes', () => {
    expect(lookup.finn(layer(5, 4, uint(3)))).toEqual({
      opType: 'Lookup_hls',
      attributes: {
        NumEmbeddings: 5,
        EmbeddingDim: 4,
        EmbeddingType: 'INT16',
        InputType: 'UINT3',
        InputShape: '[1, 4]',
        mem_mode: 'internal_embedded',
      },
    });
  });
});
