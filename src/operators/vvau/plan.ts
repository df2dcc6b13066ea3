import type { Device } from '../../hdl/device.ts';
import { type ThresholdOptions, thresholdDepth } from '../../hdl/threshold-plan.ts';
import { thresholdTable } from '../../hdl/threshold-table.ts';
import { bitsFor, smallest } from '../../ir/datatype.ts';
import { Remembered } from '../../util/remembered.ts';
import { type InputCode, inputCode, type WeightCode, weightCode } from '../encoding.ts';
import { greatestPart, heapBits, heapCut, inSums, offsetsOf } from '../sums.ts';
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

/** The plan of a VVAU for the device; found once for each array of weights and folding. */
export function planOf(v: Vvau, device: Device): Plan {
  const { channels, positions, pe, simd, input, output, thresholds, scale, bias, memory } = v;
  const of = [channels, positions, pe, simd, input, output, thresholds, scale, bias, memory, device.family];
  return plans.get(v.weights.data, of, () => decided(v, device));
}
const plans = new Remembered<Plan>();

function decided(v: Vvau, device: Device): Plan {
  const coded = inputCode(v.input);
  const weights = weightCode(v.weights, coded.bits, inLogic(v));
  // Sums that go out are counted in ones: channels may differ in the lowest bit of their offset.
  const input: InputCode = v.thresholds ? coded : { ...coded, scale: 1, shift: coded.scale - 1 };
  const range = accumulatorRange(v.weights, v.input);
  const constants = offsetsOf(v.weights, coded, weights);
  const channels = Array.from({ length: v.channels }, (_, c) => c);
  const mostOfPart = bitsFor(greatestPart(v.weights, v.simd, weights) * 2 ** input.shift);
  const cut = heapCut(heapBits(v.weights, v.simd, input, weights), input, weights);
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
  const table = thresholdTable(inSums(v.thresholds, constants, scale), v.channels, least, most);
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
