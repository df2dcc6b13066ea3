import { reductionCost, reductionDepth, reductionVerilog } from '../../hdl/reduction.ts';
import { admits, BIPOLAR, type DataType, int, parseDataType, smallest, TERNARY, uint } from '../../ir/datatype.ts';
import { input } from '../../ir/graph.ts';
import { allocate, sizeOf, tensor } from '../../ir/tensor.ts';
import { clamp } from '../../util/maths.ts';
import { illegal, integerInput, layerOf, mustDivide, streamPort } from '../layer.ts';
import type { Layer, Operator } from '../operator.ts';
import { lowerPool } from './lower.ts';
import { type PoolAttrs, reductionOf, sizesOf } from './sizes.ts';

const name = 'Pool';

/**
 * The greatest element or the sum of each channel of windows, x[…, k·C] → […, C]. Windows come group by group of PE channels, in each the
 * positions one after the other. An average is floor((sum + offset) / 2^shift), cut to its type's range: FINN's QuantAvgPool.
 */
export const pool: Operator<PoolAttrs> = {
  name,
  domain: 'finn.custom_op.fpgadataflow',
  doc: 'The greatest element, the sum, or the rounded average of each channel of a window.',
  fields: {
    pe: { doc: 'channels in one cycle', type: 'integer', finn: 'PE' },
    simd: { doc: 'positions of the window in one cycle', type: 'integer', finn: 'SIMD' },
  },
  infer([x], attrs, context) {
    const { dtype, shape } = integerInput(name, context, x);
    const last = shape.at(-1)!;
    mustDivide(name, context, 'channels', attrs.channels, last, 'elements of a window');
    const positions = last / attrs.channels;
    mustDivide(name, context, 'pe', attrs.pe, attrs.channels, 'channels');
    mustDivide(name, context, 'simd', attrs.simd, positions, 'positions of a window');
    const out = [...shape.slice(0, -1), attrs.channels];
    const { average } = attrs;
    if (attrs.function === 'max') return [{ dtype, shape: out }];
    if (dtype.bits > 32)
      illegal('layer/input', name, context, `its input is ${dtype.name}`, 'at most 32 bits are possible');
    if (!average) return [{ dtype: smallest(dtype.min * positions, dtype.max * positions), shape: out }];
    const type = parseDataType(average.output);
    const wrong = [average.least, average.most].find((value) => !type?.integer || !admits(type, value));
    if (!type || wrong !== undefined)
      return illegal('layer/attribute', name, context, `an average can be ${wrong}, which is no ${average.output}`);
    return [{ dtype: type, shape: out }];
  },
  evaluate([x], { function: kind, channels, average }, { types }) {
    const { dtype, shape } = types[0]!;
    const positions = x!.shape.at(-1)! / channels;
    const out = allocate(dtype, sizeOf(shape)).fill(kind === 'max' ? -Infinity : 0);
    for (let i = 0; i < x!.data.length; i += 1) {
      const to = Math.floor(i / (positions * channels)) * channels + (i % channels);
      out[to] = kind === 'max' ? Math.max(out[to]!, x!.data[i]!) : out[to]! + x!.data[i]!;
    }
    if (!average) return [tensor(dtype, shape, out)];
    const { offset, shift, least, most } = average;
    const rounded = out.map((sum) => clamp(Math.floor((sum + offset) / 2 ** shift), least, most));
    return [tensor(dtype, shape, rounded)];
  },
  lower: (node, lowering) => lowerPool(pool, node, lowering),
  parallel: (layer) => ({ pe: layer.attrs.channels, simd: sizesOf(layer).positions }),
  demands: ({ attrs: { pe, simd } }) => ({ simd: pe, parallelWindow: simd > 1 ? 1 : 0 }),
  streams(layer) {
    const { pe, simd } = layer.attrs;
    const { positions } = sizesOf(layer);
    return [
      { ...streamPort('s_axis_0', 'in', layer.inputs[0]!.type, simd * pe), interleave: { positions, group: pe } },
      streamPort('m_axis_0', 'out', layer.types[0]!, pe),
    ];
  },
  cycles: (layer) => pool.streams(layer)[0]!.beats,
  schedule(layer) {
    const { beats } = sizesOf(layer);
    return {
      interval: pool.cycles(layer),
      period: beats,
      takes: () => true,
      gives: (_port, t) => t % beats === beats - 1,
      depth: reductionDepth(reductionOf(layer)),
    };
  },
  resources: (layer, device) => reductionCost(reductionOf(layer), device),
  rtl(layer, device, top) {
    const streams = pool.streams(layer);
    const source = reductionVerilog(reductionOf(layer), device, top, streams);
    return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
  },
  finn(layer) {
    const { attrs, inputs, types } = layer;
    const { positions } = sizesOf(layer);
    const max = attrs.function === 'max';
    return {
      opType: 'Pool_hls',
      attributes: {
        Channels: attrs.channels,
        PE: attrs.pe,
        KernelSize: positions,
        Function: max ? 'MaxPool' : 'QuantAvgPool',
        OutImgDims: `[${types[0]!.shape.slice(1, -1).join(', ')}]`,
        AccumBits: max ? 0 : reductionOf(layer).bits,
        Size: attrs.average?.shift ?? 0,
        BatchSize: types[0]!.shape[0]!,
        InputDataType: inputs[0]!.type.dtype.name,
        OutputDataType: types[0]!.dtype.name,
      },
    };
  },
  samples,
};

function samples(): Layer<PoolAttrs>[] {
  const sample = (
    dtype: DataType,
    [windows, positions, channels]: readonly [number, number, number],
    attrs: Pick<PoolAttrs, 'function'> & Partial<PoolAttrs>,
  ) => {
    const x = input('x', { dtype, shape: [1, 1, windows, positions * channels] });
    return layerOf<PoolAttrs>(pool, [x], { channels, pe: 1, simd: 1, ...attrs }, ['sample']);
  };
  const average = (offset: number, shift: number, least: number, most: number, output: string) => ({
    average: { offset, shift, least, most, output },
  });
  return [
    sample(uint(4), [2, 9, 4], { function: 'max', pe: 2 }),
    sample(int(4), [2, 4, 6], { function: 'max', pe: 3, simd: 4 }),
    sample(BIPOLAR, [3, 9, 4], { function: 'max', pe: 4, simd: 3 }),
    sample(TERNARY, [2, 6, 2], { function: 'max', simd: 2 }),
    sample(uint(4), [2, 9, 4], { function: 'sum', pe: 2, simd: 3 }),
    sample(int(3), [2, 4, 3], { function: 'sum', pe: 3 }),
    sample(BIPOLAR, [2, 9, 2], { function: 'sum', simd: 9 }),
    sample(uint(4), [2, 4, 6], { function: 'sum', pe: 6, simd: 4, ...average(0, 2, 0, 15, 'UINT4') }),
    sample(uint(4), [2, 9, 6], { function: 'sum', pe: 2, ...average(0, 3, 0, 15, 'UINT4') }),
    sample(int(4), [2, 16, 2], { function: 'sum', pe: 2, simd: 2, ...average(3, 2, -8, 7, 'INT4') }),
    sample(BIPOLAR, [2, 8, 2], { function: 'sum', pe: 2, simd: 4, ...average(5, 1, -2, 3, 'INT3') }),
    sample(uint(2), [3, 1, 4], { function: 'sum', pe: 2, ...average(1, 6, 0, 3, 'UINT2') }),
  ];
}
