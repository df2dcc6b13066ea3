import { BIPOLAR, bitsFor, type DataType, int, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { ceilDiv, log2Ceil } from '../../util/maths.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { lowerLabels } from './lower.ts';
import { labelSelectRtl } from './rtl.ts';
import { type LabelSelectAttrs, sizesOf } from './sizes.ts';

const name = 'LabelSelect';

/** FINN's type of labels: the smallest of UINT8, UINT16, … that counts to labels − 1. */
const labelType = (labels: number): DataType => uint(8 * ceilDiv(bitsFor(labels - 1), 8));

export const labelSelect: Operator<LabelSelectAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'The places of the `k` largest of the last axis’s elements, largest first; of equal elements the first comes first.',
  fields: { pe: { doc: 'elements compared in one cycle', type: 'integer', finn: 'PE' } },
  infer([x], { k, pe, keepdims }, context) {
    const { shape } = integerInput(name, context, x);
    const labels = shape.at(-1)!;
    mustDivide(name, context, 'pe', pe, labels, 'labels');
    if (!(Number.isInteger(k) && k >= 1 && k <= labels)) {
      illegal('layer/attribute', name, context, `k is ${k}, of ${labels} labels`, `use 1 to ${labels}`);
    }
    if (keepdims === 0 && k !== 1) illegal('layer/attribute', name, context, 'keepdims is 0, but k is not 1');
    return [{ dtype: labelType(labels), shape: [...shape.slice(0, -1), ...(keepdims === 0 ? [] : [k])] }];
  },
  evaluate([x], { k }, { types }) {
    const labels = x!.shape.at(-1)!;
    const type = types[0]!;
    const out = allocate(type.dtype, sizeOf(type.shape));
    for (let from = 0, to = 0; from < x!.data.length; from += labels, to += k) {
      const row = x!.data.subarray(from, from + labels);
      const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
      for (let i = 0; i < k; i += 1) out[to + i] = order[i]!;
    }
    return [tensor(type.dtype, type.shape, out)];
  },
  lower: (node) => lowerLabels(labelSelect, node),
  parallel: ({ inputs: [x] }) => ({ pe: x!.type.shape.at(-1)! }),
  streams: ({ inputs: [x], attrs, types }) => [
    streamPort('s_axis_0', 'in', x!.type, attrs.pe),
    streamPort('m_axis_0', 'out', types[0]!, 1),
  ],
  cycles(layer) {
    const { vectors, folds, k } = sizesOf(layer);
    return vectors * Math.max(folds, k);
  },
  schedule(layer) {
    // The labels of a vector are given while the next one comes in, but for its last beat.
    const { vectors, folds, k } = sizesOf(layer);
    return {
      kind: 'buffered',
      inputs: vectors * folds,
      outputs: vectors * k,
      needs: (j) => (Math.floor(j / k) + 1) * folds,
      keeps: (j) => Math.floor(j / k) * folds,
      capacity: 2 * folds - 1,
      through: true,
      depth: 1,
    };
  },
  resources(layer, { family }) {
    // Per lane and record a comparison and a multiplexer, and a multiplexer where copies move up; between lanes a tree of both.
    const { pe, bits, entries, placeBits, k, folds, labelBits } = sizesOf(layer);
    const compare = family === 'ice40' || family === 'ecp5' ? 1.3 : 0.7;
    const record = bits + placeBits;
    const keep = folds > 1 ? pe * entries * (bits * compare + (entries > 1 ? record : 0) + 3) : 0;
    const move = pe * (entries - 1) * record;
    const lut = keep + move + (pe - 1) * record * (1 + compare);
    const ff = pe * entries * (record + (pe > 1 ? record : placeBits));
    const control = 3 * log2Ceil(folds) + 2 * log2Ceil(k + 1) + labelBits + 8;
    return { lut: Math.ceil(lut + control), ff: Math.ceil(ff + control), bram: 0, dsp: 0 };
  },
  rtl: (layer, _device, top) => labelSelectRtl(layer, top, labelSelect.streams(layer)),
  finn: ({ inputs: [x], attrs, types }) => ({
    opType: 'LabelSelect_hls',
    attributes: {
      K: attrs.k,
      Labels: x!.type.shape.at(-1)!,
      PE: attrs.pe,
      inputDataType: x!.type.dtype.name,
      outputDataType: types[0]!.dtype.name,
    },
  }),
  samples,
};

function samples(): Layer<LabelSelectAttrs>[] {
  const sample = (shape: readonly number[], dtype: DataType, k: number, pe: number) =>
    layerOf<LabelSelectAttrs>(
      labelSelect,
      [input('x', { dtype, shape })],
      { k, labels: shape.at(-1)!, pe, keepdims: 1 },
      ['sample'],
    );
  return [
    sample([1, 10], int(8), 1, 1),
    sample([1, 12], int(6), 5, 1),
    sample([2, 10], uint(3), 2, 5),
    sample([1, 6], int(4), 3, 6),
    sample([3, 4], BIPOLAR, 4, 2),
    sample([1, 300], int(12), 5, 3),
    sample([1, 1], int(4), 1, 1),
  ];
}
