import { BINARY, BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { constant, input, node } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { type Random, random } from '../../util/random.ts';
import type { Layer, Operator } from '../operator.ts';
import { accumulatorRange, accumulatorTypeOf } from '../widths.ts';
import type { MvauAttrs } from './layer.ts';

/** A layer to make up: sizes, types, folding, and what thresholds it has. */
export interface Sample {
  readonly name: string;
  readonly mw: number;
  readonly mh: number;
  readonly pe: number;
  readonly simd: number;
  readonly x: DataType;
  readonly w: DataType;
  /** Type of the output; without one the sums come out. */
  readonly out?: DataType;
  /** One row of thresholds for all neurons. */
  readonly shared?: boolean;
  readonly memory?: 'auto' | 'lut' | 'block';
  readonly vectors?: number;
}

const list: readonly Sample[] = [
  { name: 'xnor_full', mw: 12, mh: 6, pe: 6, simd: 12, x: BIPOLAR, w: BIPOLAR, out: BIPOLAR },
  { name: 'xnor_folded', mw: 16, mh: 8, pe: 2, simd: 4, x: BIPOLAR, w: BIPOLAR, out: BIPOLAR },
  { name: 'xnor_serial', mw: 6, mh: 4, pe: 1, simd: 1, x: BIPOLAR, w: BIPOLAR, out: BIPOLAR },
  { name: 'xnor_sums', mw: 18, mh: 5, pe: 5, simd: 3, x: BIPOLAR, w: BIPOLAR },
  { name: 'xnor_one_synapse_fold', mw: 10, mh: 6, pe: 3, simd: 10, x: BIPOLAR, w: BIPOLAR, out: BINARY },
  { name: 'bipolar_ternary_sums', mw: 12, mh: 6, pe: 2, simd: 4, x: BIPOLAR, w: TERNARY },
  { name: 'bipolar_ternary', mw: 12, mh: 6, pe: 3, simd: 6, x: BIPOLAR, w: TERNARY, out: uint(2) },
  { name: 'binary_bipolar', mw: 14, mh: 4, pe: 4, simd: 7, x: BINARY, w: BIPOLAR, out: BIPOLAR },
  { name: 'uint2_ternary', mw: 16, mh: 8, pe: 4, simd: 4, x: uint(2), w: TERNARY, out: uint(2) },
  { name: 'uint2_ternary_full', mw: 10, mh: 5, pe: 5, simd: 10, x: uint(2), w: TERNARY, out: uint(3) },
  { name: 'uint2_ternary_block', mw: 24, mh: 6, pe: 2, simd: 3, x: uint(2), w: TERNARY, out: int(2), memory: 'block' },
  {
    name: 'uint2_ternary_serial',
    mw: 24,
    mh: 12,
    pe: 3,
    simd: 6,
    x: uint(2),
    w: TERNARY,
    out: uint(4),
    memory: 'block',
  },
  { name: 'uint8_int4', mw: 10, mh: 4, pe: 2, simd: 5, x: uint(8), w: int(4), out: uint(4) },
  { name: 'uint8_bipolar_sums', mw: 8, mh: 6, pe: 3, simd: 2, x: uint(8), w: BIPOLAR },
  { name: 'int8_int8_sums', mw: 8, mh: 4, pe: 2, simd: 2, x: int(8), w: int(8) },
  { name: 'int8_int8_full', mw: 4, mh: 3, pe: 3, simd: 4, x: int(8), w: int(8), out: int(4) },
  { name: 'int3_int2', mw: 9, mh: 6, pe: 1, simd: 3, x: int(3), w: int(2), out: int(3), shared: true },
  { name: 'int3_int2_hold', mw: 9, mh: 6, pe: 2, simd: 9, x: int(3), w: int(2) },
  { name: 'ternary_ternary', mw: 8, mh: 8, pe: 8, simd: 2, x: TERNARY, w: TERNARY, out: BINARY },
  { name: 'uint4_uint3_sums', mw: 6, mh: 4, pe: 4, simd: 6, x: uint(4), w: uint(3) },
  { name: 'uint4_binary', mw: 6, mh: 4, pe: 1, simd: 3, x: uint(4), w: BINARY, out: uint(2), vectors: 3 },
  { name: 'long_vector', mw: 120, mh: 4, pe: 2, simd: 2, x: uint(4), w: int(3), out: uint(4) },
  { name: 'unrolled', mw: 36, mh: 12, pe: 12, simd: 36, x: uint(2), w: TERNARY, out: uint(2) },
  { name: 'unrolled_table', mw: 25, mh: 5, pe: 5, simd: 25, x: BIPOLAR, w: TERNARY, out: uint(6) },
  { name: 'unrolled_xnor_sums', mw: 30, mh: 9, pe: 9, simd: 30, x: BIPOLAR, w: BIPOLAR },
  { name: 'unrolled_int4', mw: 18, mh: 8, pe: 8, simd: 18, x: int(3), w: int(4) },
  { name: 'unrolled_alone', mw: 24, mh: 1, pe: 1, simd: 24, x: BINARY, w: BIPOLAR, out: BIPOLAR },
  { name: 'one_neuron', mw: 20, mh: 1, pe: 1, simd: 4, x: uint(2), w: TERNARY, out: BIPOLAR },
];

/** The grid that the conformance test runs. */
export const mvauSamples = (op: Operator<MvauAttrs>): readonly Layer<MvauAttrs>[] =>
  list.map((s) => sampleLayer(op, s));

/** A layer with random weights and thresholds, seeded by its name: some unreachable, some equal, most within reach. */
export function sampleLayer(op: Operator<MvauAttrs>, s: Sample): Layer<MvauAttrs> {
  const rng = random(s.name);
  const weights = tensor(
    s.w,
    [s.mw, s.mh],
    Array.from({ length: s.mw * s.mh }, () => element(s.w, rng)),
  );
  const accumulator = accumulatorTypeOf(weights, s.x);
  const thresholds = s.out ? thresholdsFor(weights, s, rng) : undefined;
  const output = s.out ?? accumulator;
  const shape = s.vectors === undefined ? [1, s.mw] : [1, s.vectors, s.mw];
  const x = input('x', { dtype: s.x, shape });
  const inputs = thresholds ? [x, constant(weights), constant(thresholds)] : [x, constant(weights)];
  const attrs: MvauAttrs = {
    pe: s.pe,
    simd: s.simd,
    memory: s.memory ?? 'auto',
    scale: s.out === BIPOLAR ? 2 : 1,
    bias: s.out ? s.out.min : 0,
    accumulator: accumulator.name,
    output: output.name,
  };
  return node(op, inputs, attrs, [s.name]) as Layer<MvauAttrs>;
}

function element(type: DataType, rng: Random): number {
  if (type === BIPOLAR) return rng.chance() ? 1 : -1;
  return rng.int(type.min, type.max);
}

function thresholdsFor(weights: Tensor, s: Sample, rng: Random): Tensor {
  const range = accumulatorRange(weights, s.x);
  const steps = 2 ** s.out!.bits - 1;
  const rows = s.shared ? 1 : s.mh;
  const data: number[] = [];
  for (let j = 0; j < rows; j += 1) {
    // Sums lie mostly near the middle of their range; one in eight thresholds lies outside of it.
    const [min, max] = [range.min[j]!, range.max[j]!];
    const [low, high] = [Math.ceil((5 * min + 3 * max) / 8), Math.floor((3 * min + 5 * max) / 8)];
    const row = Array.from({ length: steps }, () => {
      if (rng.chance(1 / 8)) return rng.chance() ? min - rng.int(0, 3) : max + rng.int(1, 3);
      return rng.int(Math.min(low, high), Math.max(low, high));
    });
    if (steps > 2 && rng.chance()) row[1] = row[0]!;
    data.push(...row.sort((a, b) => a - b));
  }
  return tensor(int(32), [rows, steps], data);
}
