import type { Device } from '../../hdl/device.ts';
import { type ThresholdOptions, thresholdDepth } from '../../hdl/threshold-plan.ts';
import { countOf, type ThresholdTable, thresholdTable } from '../../hdl/threshold-table.ts';
import { BINARY, BIPOLAR, bitsFor, smallest } from '../../ir/datatype.ts';
import { Remembered } from '../../util/remembered.ts';
import { boothCode, type InputCode, inputCode, signedCode, type WeightCode, weightCode } from '../encoding.ts';
import { greatestPart, heapBits, heapCut, inSums, offsetsOf } from '../sums.ts';
import { accumulatorRange } from '../widths.ts';
import type { Mvau } from './layer.ts';
import { unrolled } from './unrolled.ts';

/**
 * How the input reaches the sums. constant: all weights in logic. direct: one fold of neurons, the stream itself. hold: the
 * whole vector in a register. shift: a ring of words. memory: a small RAM.
 */
export type Front = 'constant' | 'direct' | 'hold' | 'shift' | 'memory';

/**
 * What becomes of the sums. sum: they are the output. sign: −threshold is loaded into the accumulator, its sign is the output.
 * count: the threshold unit of hdl/thresholds.ts.
 */
export type Back = 'sum' | 'sign' | 'count';

/** Everything that is decided before Verilog is printed. P is the heap's sum: accumulator = scale · P + offset(neuron). */
export interface Plan {
  readonly front: Front;
  readonly back: Back;
  readonly input: InputCode;
  readonly weights: WeightCode;
  /** heap: columns of bits and counters. rows: one product behind the other on carry chains, where LUTs have six inputs. */
  readonly form: 'heap' | 'rows';
  /** Counters in front of the registers inside the heap; undefined where it is too small to have any. */
  readonly cut: number | undefined;
  /** Registers behind every counter, this many on each way: of large sums with all weights in logic. */
  readonly levels: number | undefined;
  /** Bits of one cycle's partial sum. */
  readonly partBits: number;
  /** Bits of the accumulator. */
  readonly sumBits: number;
  readonly sumSigned: boolean;
  /** What each neuron's accumulator begins with; undefined where it begins with nothing (count). */
  readonly preload: readonly bigint[] | undefined;
  /** The lowest bit of every output of `sum` where the scale is 2. */
  readonly lowBit: 0 | 1 | undefined;
  readonly thresholds: ThresholdOptions | undefined;
  /** For sign with all weights in logic: P of this neuron reaches it or not. */
  readonly least: readonly number[] | undefined;
}

/** The plan of an MVAU for the device; found once for each array of weights and folding. */
export function planOf(m: Mvau, device: Device): Plan {
  const { mw, mh, pe, simd, input, output, thresholds, scale, bias, memory } = m;
  const of = [mw, mh, pe, simd, input, output, thresholds, scale, bias, memory, device.family];
  return plans.get(m.weights.data, of, () => decided(m, device));
}
const plans = new Remembered<Plan>();

function decided(m: Mvau, device: Device): Plan {
  const inLogic = m.nf === 1 && m.sf === 1;
  const coded = inputCode(m.input);
  const weights = weightCode(m.weights, coded.bits, inLogic);
  const heap = planWith(m, device, coded, weights, 'heap');
  if (inLogic && heapBits(m.weights, m.simd, heap.input, weights) > crowded * coded.bits) {
    const { levels } = unrolled(m, heap, heapConstants(m, heap));
    return { ...heap, cut: undefined, levels };
  }
  // One bit at a time gains nothing from carry chains.
  if (device.family === 'ice40' || device.family === 'ecp5' || inLogic || coded.bits < 2) return heap;
  if (weights.kind !== 'integer') return { ...heap, form: 'rows' };
  const rows = planWith(m, device, signedCode(m.input), boothCode(weights, coded.bits), 'rows');
  // Depths must be those of every other family.
  return depthOf(m, rows) === depthOf(m, heap) ? rows : heap;
}

function planWith(m: Mvau, device: Device, coded: InputCode, weights: WeightCode, form: Plan['form']): Plan {
  const inLogic = weights.kind === 'constant';
  const range = accumulatorRange(m.weights, m.input);
  const offset = offsetsOf(m.weights, coded, weights);
  const back: Back = !m.thresholds ? 'sum' : m.output === BIPOLAR || m.output === BINARY ? 'sign' : 'count';

  const parity = new Set(Array.from(offset, (o) => Math.abs(o % 2)));
  const doubled = coded.scale === 2 && back === 'sum' && parity.size > 1;
  // Outputs of different parity: the heap counts in ones after all.
  const input: InputCode = doubled ? { ...coded, scale: 1, shift: 1 } : coded;
  const scale = input.scale;
  const low = scale === 2 ? ([...parity][0] as 0 | 1) : 0;
  const least = (j: number): number => (range.min[j]! - offset[j]!) / scale;
  const most = (j: number): number => (range.max[j]! - offset[j]!) / scale;
  const front = inLogic ? 'constant' : m.nf === 1 ? 'direct' : bufferOf(m, coded.bits);
  const neurons = Array.from({ length: m.mh }, (_, j) => j);
  const part = bitsFor(greatestPart(m.weights, m.simd, weights) * 2 ** input.shift);
  const common = {
    front,
    back,
    input,
    weights,
    form,
    cut: heapCut(heapBits(m.weights, m.simd, input, weights), input, weights),
    levels: undefined,
  } as const;

  if (back === 'sum') {
    const begin = neurons.map((j) => (offset[j]! - low) / scale);
    const ends = {
      min: Math.min(...neurons.map((j) => range.min[j]!)),
      max: Math.max(...neurons.map((j) => range.max[j]!)),
    };
    const type = smallest((ends.min - low) / scale, Math.max(0, (ends.max - low) / scale));
    return {
      ...common,
      partBits: Math.min(part, type.bits),
      sumBits: type.bits,
      sumSigned: type.signed,
      preload: begin.map((b) => BigInt.asUintN(type.bits, BigInt(b))),
      lowBit: scale === 2 ? low : undefined,
      thresholds: undefined,
      least: undefined,
    };
  }
  const table = thresholdTable(inSums(m.thresholds!, offset, scale), m.mh, least, most);
  if (back === 'sign') {
    const from = neurons.map((j) => firstSet(m, table, j, least(j), most(j)));
    const type = smallest(
      Math.min(-1, ...neurons.map((j) => least(j) - from[j]!)),
      Math.max(0, ...neurons.map((j) => most(j) - from[j]!)),
    );
    return {
      ...common,
      partBits: inLogic ? part : Math.min(part, type.bits),
      sumBits: type.bits,
      sumSigned: true,
      preload: from.map((t) => BigInt.asUintN(type.bits, BigInt(-t))),
      lowBit: undefined,
      thresholds: undefined,
      least: from,
    };
  }
  const sumBits = bitsFor(Math.max(...neurons.map(most)));
  return {
    ...common,
    partBits: Math.min(part, sumBits),
    sumBits,
    sumSigned: false,
    preload: undefined,
    lowBit: undefined,
    thresholds: {
      table,
      pe: m.pe,
      accBits: sumBits,
      accSigned: false,
      output: m.output,
      scale: m.scale,
      bias: m.bias,
      device,
      memory: m.memory === 'block' ? 'block' : 'auto',
      interval: m.sf,
    },
    least: undefined,
  };
}

/** Enabled cycles from the beat that completes a result to the result on the output */
export function depthOf(m: Mvau, plan: Plan): number {
  return (
    partStage(plan) +
    (plan.back === 'count' ? (m.sf > 1 ? 1 : 0) + thresholdDepth(plan.thresholds!) : sumsAreOutput(m, plan) ? 0 : 1)
  );
}

/** The stage in which partial sums are there: the beat is taken in stage 0. */
export const partStage = (plan: Plan): number =>
  frontDepth(plan.front) + (plan.levels ?? (plan.cut === undefined ? 0 : 1)) + 1;

/** Enabled cycles from the beat to the heap's inputs. */
export const frontDepth = (front: Front): number =>
  front === 'memory' ? 2 : front === 'hold' || front === 'shift' ? 1 : 0;

/** Are the heap's sums, with a constant in the heap, the layer's outputs? */
export const sumsAreOutput = (m: Mvau, plan: Plan): boolean =>
  plan.back === 'sum' && m.sf === 1 && (m.nf === 1 || plan.preload!.every((p) => p === plan.preload![0]));

/** Does every lane begin with the same sum in all folds? */
export function preloadsAre({ pe, nf }: Mvau, plan: Plan): 'constants' | 'words' {
  const { preload } = plan;
  const same = (i: number): boolean =>
    Array.from({ length: nf }, (_, f) => f).every((f) => preload![f * pe + i] === preload![i]);
  return preload && Array.from({ length: pe }, (_, i) => i).every(same) ? 'constants' : 'words';
}

/** What each neuron's heap begins with. */
export const heapConstants = (m: Mvau, plan: Plan): readonly bigint[] =>
  Array.from({ length: m.mh }, (_, j) => (sumsAreOutput(m, plan) ? plan.preload![j]! : 0n));

/** Neurons with more inputs than this have registers behind every counter: three LUTs then lie between any two (circuits.md, rule 9). */
const crowded = 16;

/** The least P of neuron j for which the output's bit is set; one more than the greatest if there is none. */
function firstSet(m: Mvau, table: ThresholdTable, j: number, least: number, most: number): number {
  const set = (sum: number): boolean => m.scale * countOf(table, j, sum) + m.bias === 1;
  if (set(least)) return least;
  return table.steps[j]!.find((step) => step > least && step <= most && set(step)) ?? most + 1;
}

/**
 * The cheapest place for a vector that is read NF times. A ring costs a logic cell for each bit on ice40, a block RAM as much as about
 * 200 of them (hx8k 240, up5k 176). The rule is the same on every family, so that a layer's depth is too; elsewhere a short ring
 * is shift-register LUTs and a memory is LUT RAM, and neither is large. Who puts weights into block RAM has some to spare.
 */
function bufferOf(m: Mvau, bits: number): Front {
  if (m.sf === 1) return 'hold';
  const word = m.simd * bits;
  const price = m.memory === 'block' ? 50 : 200;
  return m.sf * word > price * Math.ceil(word / 16) ? 'memory' : 'shift';
}
