import { BINARY, BIPOLAR, type DataType, int, TERNARY, uint } from '../../ir/datatype.ts';
import { constant, input, node } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { type Random, random } from '../../util/random.ts';
import type { Layer, Operator } from '../operator.ts';
import { accumulatorRange, accumulatorTypeOf } from '../widths.ts';
import type { VvauAttrs } from './layer.ts';

/** A layer to make up: sizes, types, folding, and what thresholds it has. */
export interface Sample {
  readonly name: string;
  readonly channels: number;
  readonly positions: number;
  readonly pe: number;
  readonly simd: number;
  readonly x: DataType;
  readonly w: DataType;
  /** Type of the output; without one the sums come out. */
  readonly out?: DataType;
  /** One row of thresholds for all channels. */
  readonly shared?: boolean;
  readonly memory?: 'auto' | 'lut' | 'block';
  /** Rows and columns of windows; one by two if left out. */
  readonly image?: readonly [number, number];
}

const list: readonly Sample[] = [
  { name: 'uint4_int4', channels: 4, positions: 9, pe: 2, simd: 3, x: uint(4), w: int(4), out: uint(4) },
  { name: 'uint4_int4_serial', channels: 4, positions: 9, pe: 1, simd: 1, x: uint(4), w: int(4), out: uint(4) },
  { name: 'uint4_int4_window', channels: 6, positions: 9, pe: 3, simd: 9, x: uint(4), w: int(4), out: uint(4) },
  { name: 'uint2_int3_logic', channels: 3, positions: 9, pe: 3, simd: 9, x: uint(2), w: int(3), out: uint(2) },
  { name: 'int8_int8_sums', channels: 3, positions: 4, pe: 1, simd: 2, x: int(8), w: int(8) },
  { name: 'int3_int2_logic_sums', channels: 2, positions: 4, pe: 2, simd: 4, x: int(3), w: int(2) },
  { name: 'uint4_ternary_sums', channels: 6, positions: 3, pe: 2, simd: 1, x: uint(4), w: TERNARY },
  { name: 'uint4_uint3_sums', channels: 4, positions: 6, pe: 4, simd: 3, x: uint(4), w: uint(3) },
  { name: 'bipolar_bipolar', channels: 8, positions: 9, pe: 4, simd: 3, x: BIPOLAR, w: BIPOLAR, out: BIPOLAR },
  { name: 'bipolar_bipolar_sums', channels: 4, positions: 9, pe: 2, simd: 9, x: BIPOLAR, w: BIPOLAR },
  { name: 'bipolar_ternary_sums', channels: 4, positions: 4, pe: 1, simd: 2, x: BIPOLAR, w: TERNARY },
  { name: 'bipolar_int2_logic_sums', channels: 2, positions: 3, pe: 2, simd: 3, x: BIPOLAR, w: int(2) },
  { name: 'ternary_binary', channels: 6, positions: 4, pe: 3, simd: 4, x: TERNARY, w: BINARY, out: BINARY },
  { name: 'uint8_int4_block', channels: 40, positions: 9, pe: 4, simd: 3, x: uint(8), w: int(4), memory: 'block' },
  {
    name: 'uint4_int4_lut',
    channels: 24,
    positions: 9,
    pe: 2,
    simd: 1,
    x: uint(4),
    w: int(4),
    out: int(4),
    memory: 'lut',
  },
  {
    name: 'one_position',
    channels: 6,
    positions: 1,
    pe: 2,
    simd: 1,
    x: uint(4),
    w: int(4),
    out: uint(3),
    shared: true,
  },
  {
    name: 'one_channel',
    channels: 1,
    positions: 9,
    pe: 1,
    simd: 3,
    x: uint(4),
    w: int(5),
    out: uint(2),
    image: [2, 2],
  },
];

/** The grid that the conformance test runs. */
export const vvauSamples = (op: Operator<VvauAttrs>): readonly Layer<VvauAttrs>[] =>
  list.map((s) => sampleLayer(op, s));

/** A layer with random weights and thresholds, seeded by its name: some unreachable, some equal, most within reach. */
export function sampleLayer(op: Operator<VvauAttrs>, s: Sample): Layer<VvauAttrs> {
  const rng = random(s.name);
  const size = s.positions * s.channels;
  const weights = tensor(
    s.w,
    [s.positions, s.channels],
    Array.from({ length: size }, () => element(s.w, rng)),
  );
  const accumulator = accumulatorTypeOf(weights, s.x).name;
  const x = input('x', { dtype: s.x, shape: [1, ...(s.image ?? [1, 2]), size] });
  const inputs = [x, constant(weights), ...(s.out ? [constant(thresholdsFor(weights, s, s.out, rng))] : [])];
  const attrs: VvauAttrs = {
    pe: s.pe,
    simd: s.simd,
    memory: s.memory ?? 'auto',
    scale: s.out === BIPOLAR ? 2 : 1,
    bias: s.out ? s.out.min : 0,
    accumulator,
    output: s.out?.name ?? accumulator,
  };
  return node(op, inputs, attrs, [s.name]) as Layer<VvauAttrs>;
}

const element = (type: DataType, rng: Random): number =>
  type === BIPOLAR ? rng.pick([-1, 1]) : rng.int(type.min, type.max);

function thresholdsFor(weights: Tensor, s: Sample, out: DataType, rng: Random): Tensor {
  const range = accumulatorRange(weights, s.x);
  const steps = 2 ** out.bits - 1;
  const rows = s.shared ? 1 : s.channels;
  const data: number[] = [];
  for (let c = 0; c < rows; c += 1) {
    const [min, max] = [range.min[c]!, range.max[c]!];
    const row = Array.from({ length: steps }, () =>
      rng.chance(1 / 8) ? rng.pick([min - 2, max + 1]) : rng.int(min, max),
    );
    if (steps > 2 && rng.chance()) row[1] = row[0]!;
    data.push(...row.sort((a, b) => a - b));
  }
  return tensor(int(32), [rows, steps], data);
}
