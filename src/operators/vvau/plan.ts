import type { Device } from '../../hdl/device.ts';
import { type ThresholdOptions, thresholdDepth } from '../../hdl/threshold-plan.ts';
import { thresholdTable } from '../../hdl/threshold-table.ts';
import { bitsFor, smallest } from '../../ir/datatype.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { digits, type InputCode, inputCode, type WeightCode, weightCode } from '../encoding.ts';
import { accumulatorRange } from '../widths.ts';
import type { Vvau } from './layer.ts';

/**
 * Everything that is decided before Verilog is printed. P is the heap's sum over a window; the channel's sum of products is
 * scale · P + offset(channel).
 */
export interface Plan {
  readonly input: InputCode;
  readonly weights: WeightCode;
  /** Counters in front of the registers inside the heap; undefined where it is too small to have any. */
  readonly cut: number | undefined;
  /** Bits of one beat's partial sum, and of the sum of a window. */
  readonly partBits: number;
  readonly sumBits: number;
  readonly sumSigned: boolean;
  /** Stage of the partial sums. */
  readonly part: number;
  /** Without thresholds: what each channel's sum begins with. */
  readonly preload: readonly bigint[] | undefined;
  readonly thresholds: ThresholdOptions | undefined;
  /** Enabled cycles from the beat that completes a window's group to the result on the output. */
  readonly depth: number;
}

/** Are all weights constants in logic? */
export const inLogic = (v: Vvau): boolean => v.groups === 1 && v.beats === 1;

export function planOf(v: Vvau, device: Device): Plan {
  const coded = inputCode(v.input);
  const weights = weightCode(v.weights, coded.bits, inLogic(v));
  // Sums that go out are counted in ones: channels may differ in the lowest bit of their offset.
  const input: InputCode = v.thresholds ? coded : { ...coded, scale: 1, shift: coded.scale - 1 };
  const range = accumulatorRange(v.weights, v.input);
  const constants = offsets(v, coded, weights);
  const channels = Array.from({ length: v.channels }, (_, c) => c);
  const mostOfPart = bitsFor(greatestPart(v, weights) * 2 ** input.shift);
  const cut = cutOf(v, input, weights);
  const part = cut === undefined ? 1 : 2;
  const common = { input, weights, cut, part } as const;
  if (!v.thresholds) {
    const type = smallest(Math.min(0, ...range.min), Math.max(0, ...range.max));
    return {
      ...common,
      partBits: Math.min(mostOfPart, type.bits),
      sumBits: type.bits,
      sumSigned: type.signed,
      preload: channels.map((c) => BigInt.asUintN(type.bits, BigInt(constants[c]!))),
      thresholds: undefined,
      depth: part + 1,
    };
  }
  const { scale } = input;
  const least = (c: number): number => (range.min[c]! - constants[c]!) / scale;
  const most = (c: number): number => (range.max[c]! - constants[c]!) / scale;
  const table = thresholdTable(inSums(v, constants, scale), v.channels, least, most);
  const sumBits = bitsFor(Math.max(...channels.map(most)));
  const thresholds: ThresholdOptions = {
    table,
    pe: v.pe,
    accBits: sumBits,
    accSigned: false,
    output: v.output,
    scale: v.scale,
    bias: v.bias,
    device,
    memory: v.memory === 'block' ? 'block' : 'auto',
    interval: v.beats,
  };
  return {
    ...common,
    partBits: Math.min(mostOfPart, sumBits),
    sumBits,
    sumSigned: false,
    preload: undefined,
    thresholds,
    depth: part + (v.beats > 1 ? 1 : 0) + thresholdDepth(thresholds),
  };
}

/** Product bits that one channel adds in a cycle. */
export function productCount(v: Vvau, input: InputCode, code: WeightCode): number {
  if (code.kind !== 'constant') return v.simd * input.bits * (code.kind === 'integer' ? code.bits : 1);
  let most = 0;
  for (let c = 0; c < v.channels; c += 1) {
    let all = 0;
    for (let p = 0; p < v.positions; p += 1) all += digits(v.weights.data[p * v.channels + c]!).length;
    most = Math.max(most, all);
  }
  return input.bits * most;
}

/** Half of the heap's levels, if it has more than a carry chain has time for. The same on every family, so that depths are. */
function cutOf(v: Vvau, input: InputCode, code: WeightCode): number | undefined {
  const bits = productCount(v, input, code);
  if (bits < 12) return undefined;
  const columns = input.bits + (code.kind === 'integer' ? code.bits - 1 : 0);
  const levels = Math.ceil(Math.log(Math.max(3, bits / columns) / 2) / Math.log(1.5));
  return Math.max(1, Math.ceil(levels / 2));
}

/** What the sum of products of each channel is beside its P. */
function offsets(v: Vvau, input: InputCode, code: WeightCode): Float64Array {
  const offset = new Float64Array(v.channels);
  v.weights.data.forEach((w, i) => {
    offset[i % v.channels]! += input.scale * code.correction(w) + input.offset * w;
  });
  return offset;
}

/** Greatest partial sum of one beat, over all channels and beats. */
function greatestPart(v: Vvau, code: WeightCode): number {
  let most = 0;
  for (let c = 0; c < v.channels; c += 1)
    for (let beat = 0; beat < v.beats; beat += 1) {
      let total = 0;
      for (let p = beat * v.simd; p < (beat + 1) * v.simd; p += 1)
        total += code.most(v.weights.data[p * v.channels + c]!);
      most = Math.max(most, total);
    }
  return most;
}

/** The thresholds as steps of P, a row for each channel. */
function inSums(v: Vvau, offset: Float64Array, scale: number): Tensor {
  const { shape, data, dtype } = v.thresholds!;
  const [rows, steps] = shape as [number, number];
  const own = new Float64Array(v.channels * steps);
  for (let i = 0; i < own.length; i += 1) {
    const channel = Math.floor(i / steps);
    own[i] = (data[(rows === 1 ? 0 : channel) * steps + (i % steps)]! - offset[channel]!) / scale;
  }
  return tensor(dtype, [v.channels, steps], own);
}
