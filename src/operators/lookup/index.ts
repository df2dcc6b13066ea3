import { counterCost } from '../../hdl/counters.ts';
import { isBlock, memoryFlipFlops, memoryLuts } from '../../hdl/memory.ts';
import { romBlocks } from '../../hdl/threshold-rom.ts';
import { BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { constant, input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { clamp } from '../../util/maths.ts';
import { random } from '../../util/random.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import type { LookupAttrs } from './attrs.ts';
import { lowerGather } from './lower.ts';
import { lookupRtl } from './rtl.ts';
import { sizesOf, tableOf } from './sizes.ts';

export type { LookupAttrs };

const name = 'Lookup';

export const lookup: Operator<LookupAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'For each index that row of a constant table. Indices below 0 count from the end, as in ONNX; those beyond either end, which no legal network has, give the row at that end.',
  fields: {
    pe: { doc: 'elements of a row in one cycle', type: 'integer', finn: 'PE' },
    memory: { doc: 'where the table lies', type: 'choice', choices: ['auto', 'lut', 'block'], finn: 'ram_style' },
  },
  infer([table, indices], { pe }, context) {
    const { dtype, shape } = integerInput(name, context, indices);
    if (dtype === BIPOLAR) illegal('layer/input', name, context, 'its indices are BIPOLAR', 'use integers from 0 on');
    if (table?.kind !== 'constant') return illegal('layer/input', name, context, 'its table is not constant');
    const { type } = table;
    if (!type.dtype.integer || type.shape.length !== 2 || sizeOf(type.shape) === 0) {
      const message = `its table is ${type.dtype.name} [${type.shape.join(', ')}]`;
      illegal('layer/input', name, context, message, 'it must be integers, rows × elements');
    }
    mustDivide(name, context, 'pe', pe, type.shape[1]!, 'elements of a row');
    return [{ dtype: type.dtype, shape: [...shape, type.shape[1]!] }];
  },
  evaluate([table, indices], _attrs, { types }) {
    const { dtype, shape } = types[0]!;
    const [rows, columns] = table!.shape as [number, number];
    const out = allocate(dtype, sizeOf(shape));
    indices!.data.forEach((index, i) => {
      const row = clamp(index < 0 ? index + rows : index, 0, rows - 1);
      out.set(table!.data.subarray(row * columns, (row + 1) * columns), i * columns);
    });
    return [tensor(dtype, shape, out)];
  },
  lower: (node) => lowerGather(lookup, node),
  parallel: ({ types }) => ({ pe: types[0]!.shape.at(-1)! }),
  streams: ({ inputs: [, indices], attrs, types }) => [
    streamPort('s_axis_0', 'in', indices!.type, 1),
    streamPort('m_axis_0', 'out', types[0]!, attrs.pe),
  ],
  cycles: ({ attrs, types }) => sizeOf(types[0]!.shape) / attrs.pe,
  schedule(layer) {
    const folds = sizesOf(layer).fold.count;
    return {
      interval: lookup.cycles(layer),
      period: folds,
      takes: (_, t) => t % folds === 0,
      gives: () => true,
      depth: 2,
    };
  },
  resources(layer, { family }) {
    const { shape, fold, foldBits, rowBits, rows, index } = sizesOf(layer);
    const block = isBlock(family, shape, layer.attrs.memory);
    const counted = counterCost([fold]);
    // The comparison with the number of rows, its multiplexer, and the sum that brings indices below 0 to the end.
    const held = index.max > rows - 1 ? index.bits / 2 + rowBits : 0;
    const negative = index.signed ? 2 * index.bits : 0;
    return {
      lut: Math.ceil(counted.lut + 8 + held + negative + (block ? 0 : memoryLuts(family, shape))),
      ff: counted.ff + rowBits + foldBits + 2 + (block ? 0 : memoryFlipFlops(family, shape)),
      bram: block ? romBlocks(family, shape) : 0,
      dsp: 0,
    };
  },
  rtl: (layer, device, top) => lookupRtl(layer, device, top, lookup.streams(layer)),
  finn(layer) {
    const { dtype, shape } = tableOf(layer);
    const indices = layer.inputs[1]!.type;
    return {
      opType: 'Lookup_hls',
      attributes: {
        NumEmbeddings: shape[0]!,
        EmbeddingDim: shape[1]!,
        EmbeddingType: dtype.name,
        InputType: indices.dtype.name,
        InputShape: `[${indices.shape.join(', ')}]`,
        mem_mode: 'internal_embedded',
      },
    };
  },
  samples,
};

function samples(): Layer<LookupAttrs>[] {
  const values = random('lookup samples');
  const sample = (
    rows: number,
    columns: number,
    dtype: DataType,
    indices: readonly number[],
    index: DataType,
    pe: number,
    memory: LookupAttrs['memory'] = 'auto',
  ) => {
    const any = () => (dtype === BIPOLAR ? values.pick([-1, 1]) : values.int(dtype.min, dtype.max));
    const table = tensor(dtype, [rows, columns], Array.from({ length: rows * columns }, any));
    const inputs = [constant(table), input('x', { dtype: index, shape: indices })];
    return layerOf(lookup, inputs, { pe, memory }, ['sample']);
  };
  return [
    sample(16, 4, int(4), [1, 5], uint(4), 4),
    sample(20, 6, int(5), [2, 3], uint(5), 2),
    sample(5, 3, uint(3), [4], uint(3), 1),
    sample(100, 10, int(3), [1, 4], uint(7), 5, 'block'),
    sample(12, 6, BIPOLAR, [1, 2, 2], int(6), 3),
    sample(300, 8, int(8), [1, 3], uint(9), 8),
    sample(1, 4, TERNARY, [3], uint(2), 2),
    sample(64, 16, int(4), [1, 6], uint(6), 8, 'lut'),
    sample(2, 1, int(4), [6], TERNARY, 1),
    sample(40, 12, uint(4), [2, 2], uint(20), 4),
  ];
}
