import { FinnError } from '../../diagnostics/diagnostic.ts';
import { FLOAT32, FLOAT64 } from '../../ir/datatype.ts';
import { evaluate } from '../../ir/evaluate.ts';
import { type Graph, type InputValue, input, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { onnx, qonnx } from '../ops.ts';
import type { Link, Range } from './carried.ts';

/** The elementwise chain between an integer tensor and a quantiser's output, one column a channel. */
export interface Chain {
  readonly channels: number;
  /** Axes of the tensor that the links were made for. */
  readonly rank: number;
  /** One a channel. */
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  readonly links: readonly Link[];
}

/** What of the chain's result counts: the grid k = round((real − offset) / scale), one row a channel. */
export interface Grid {
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  readonly min: number;
  readonly max: number;
  /** Distance of neighbouring levels: 2 for {−1, +1}, else 1. */
  readonly step: number;
}

/** thresholds[c·steps + j]: the least integer of channel c (after its sign) whose level is at least min + (j+1)·step. */
export interface Steps {
  readonly thresholds: Float64Array;
  readonly steps: number;
  /** −1 where the chain decreases: thresholds are then on the negated integer. */
  readonly signs: Int8Array;
}

export type Found =
  | { readonly ok: true; readonly steps: Steps }
  | {
      readonly ok: false;
      readonly unproved?: undefined;
      readonly channel: number;
      readonly at: number;
      readonly levels: readonly [number, number, number];
    }
  /** There are too many integers to try them all, and nothing is known of this node. */
  | { readonly ok: false; readonly unproved: Node; readonly count: number };

/** Evaluates the chain for rows of candidate integers [rows × channels], exactly as the interpreter would. */
export function chainFunction(chain: Chain): (candidates: Float64Array) => Float32Array {
  const { channels, scale, offset } = chain;
  const f = chainOfReals(chain);
  return (candidates) => {
    const start = new Float32Array(candidates.length);
    for (let from = 0; from < candidates.length; from += channels)
      for (let c = 0; c < channels; c += 1) start[from + c] = scale[c]! * candidates[from + c]! + offset[c]!;
    return f(start);
  };
}

/** The links on rows of reals [rows × channels], exactly as the interpreter evaluates them. */
export function chainOfReals({
  channels,
  rank,
  links,
}: Pick<Chain, 'channels' | 'rank' | 'links'>): (reals: Float32Array) => Float32Array {
  const tail = new Array<number>(Math.max(0, rank - 2)).fill(1);
  const graphs = new Map<number, { graph: Graph; shape: number[] }>();
  const graphFor = (rows: number) => {
    let entry = graphs.get(rows);
    if (!entry) {
      const shape = [rows, channels, ...tail];
      const x: InputValue = input('x', { dtype: FLOAT32, shape });
      let value: Value = x;
      for (const { node, position } of links) {
        const inputs = node.inputs.map((v, i) => (i === position ? value : v));
        value = output(makeNode(node.op, inputs, node.attrs, node.origin, node.types.length));
      }
      entry = { graph: { name: 'chain', inputs: [x], outputs: [{ name: 'y', value }] }, shape };
      graphs.set(rows, entry);
    }
    return entry;
  };
  return (reals) => {
    if (links.length === 0) return reals;
    const { graph, shape } = graphFor(reals.length / channels);
    const y = evaluate(graph, new Map([['x', tensor(FLOAT32, shape, reals)]])).get('y')!;
    return y.data instanceof Float32Array ? y.data : Float32Array.from(y.data);
  };
}

/** The first link whose constants make the channels' result another shape than one number a channel; undefined if none does. */
export function widensChannels({
  channels,
  rank,
  links,
}: Pick<Chain, 'channels' | 'rank' | 'links'>): Node | undefined {
  // A number of rows that no constant has as its extent.
  const shape = [7919, channels, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
  let value: Value = input('x', { dtype: FLOAT32, shape });
  for (const { node, position } of links) {
    const inputs = node.inputs.map((v, i) => (i === position ? value : v));
    try {
      value = output(makeNode(node.op, inputs, node.attrs, node.origin, node.types.length));
    } catch (cause) {
      if (cause instanceof FinnError) return node;
      throw cause;
    }
    if (value.type.shape.join() !== shape.join()) return node;
  }
  return undefined;
}

/** Operations that only rise or only fall, whatever their constants are. */
const monotone = new Set([
  ...[
    'Add',
    'Sub',
    'Mul',
    'Min',
    'Max',
    'Neg',
    'Relu',
    'Clip',
    'Cast',
    'Identity',
    'BatchNormalization',
    'Sigmoid',
  ].map(onnx),
  ...['Tanh', 'Erf', 'Exp', 'Floor', 'Ceil', 'Round', 'Sign', 'Softplus', 'HardSigmoid', 'HardTanh'].map(onnx),
  ...['QuantizeLinear', 'DequantizeLinear'].map(onnx),
  ...['Quant', 'IntQuant', 'BipolarQuant', 'MultiThreshold'].map(qonnx),
]);

/** These fall below 0 where their alpha is negative. */
const leaky = new Set(['LeakyRelu', 'Elu'].map(onnx));

/** Does the link only rise, or only fall, whatever its constants are? */
export const isMonotone = ({ node, position }: Link): boolean =>
  monotone.has(node.op) ||
  (node.op === onnx('Div') && position === 0) ||
  (leaky.has(node.op) && Number(node.attrs['alpha'] ?? 0) >= 0);

/** Up to this many integers, over all channels, every one is evaluated, which is also the proof. */
const EXHAUSTIVE = 1 << 15;
/** Where an operation is in the chain that may fall after it rose, every integer is evaluated up to this many. */
const EXHAUSTIVE_UNKNOWN = 1 << 22;
/** Points spread over the range of a channel at which a wider chain is checked to be monotone. */
const SPREAD = 64;
/** Elements evaluated at once. */
const BATCH = 1 << 16;

/**
 * The integer steps of a monotone chain, by evaluating it: ties, rounding and clipping agree with the network because
 * the network's own arithmetic is what is evaluated. Up to 2^15 integers are exhausted; wider ones are bisected (IEEE
 * operations are monotone), then the neighbours of every step and 64 spread points a channel are checked.
 */
export function findSteps(chain: Chain, grid: Grid, range: Range): Found {
  const { channels } = chain;
  const f = chainFunction(chain);
  const low = (c: number) => range.min[range.min.length === 1 ? 0 : c]!;
  const high = (c: number) => range.max[range.max.length === 1 ? 0 : c]!;
  const levelsOf = (candidates: Float64Array): Float64Array => {
    const out = new Float64Array(candidates.length);
    const rowsAtOnce = Math.max(1, Math.floor(BATCH / channels));
    for (let start = 0; start < candidates.length; start += rowsAtOnce * channels) {
      const part = candidates.subarray(start, Math.min(candidates.length, start + rowsAtOnce * channels));
      const real = f(part);
      for (let from = 0; from < part.length; from += channels)
        for (let c = 0; c < channels; c += 1)
          out[start + from + c] = Math.round((real[from + c]! - grid.offset[c]!) / grid.scale[c]!);
    }
    return out;
  };

  const ends = new Float64Array(2 * channels);
  for (let c = 0; c < channels; c += 1) {
    ends[c] = low(c);
    ends[channels + c] = high(c);
  }
  const atEnds = levelsOf(ends);
  const signs = new Int8Array(channels);
  // A rising grid under a negative grid scale falls: what counts is the level's direction.
  for (let c = 0; c < channels; c += 1) signs[c] = atEnds[channels + c]! < atEnds[c]! ? -1 : 1;
  // Positions 0…width of channel c are the integers from its least (sign +) or from its greatest down (sign −).
  const width = Float64Array.from({ length: channels }, (_, c) => high(c) - low(c));
  const at = (c: number, position: number) => (signs[c]! > 0 ? low(c) + position : high(c) - position);
  const steps = Math.round((grid.max - grid.min) / grid.step);
  const positions = new Float64Array(channels * steps);
  const widest = width.reduce((a, b) => Math.max(a, b), 0);

  const count = (widest + 1) * channels;
  const unproved = chain.links.find((link) => !isMonotone(link))?.node;
  if (unproved && count > EXHAUSTIVE_UNKNOWN) return { ok: false, unproved, count };
  if (unproved || count <= EXHAUSTIVE) {
    const rows = widest + 1;
    const candidates = new Float64Array(rows * channels);
    for (let r = 0; r < rows; r += 1)
      for (let c = 0; c < channels; c += 1) candidates[r * channels + c] = at(c, Math.min(r, width[c]!));
    const levels = levelsOf(candidates);
    for (let c = 0; c < channels; c += 1) {
      let reached = 0;
      let previous = -Infinity;
      for (let r = 0; r <= width[c]!; r += 1) {
        const level = levels[r * channels + c]!;
        if (!(level >= previous)) return { ok: false, channel: c, at: at(c, r), levels: [previous, level, level] };
        previous = level;
        while (reached < steps && level >= grid.min + (reached + 1) * grid.step) positions[c * steps + reached++] = r;
      }
      while (reached < steps) positions[c * steps + reached++] = width[c]! + 1;
    }
  } else {
    const lo = new Float64Array(channels * steps);
    const hi = new Float64Array(channels * steps);
    for (let c = 0; c < channels; c += 1) hi.fill(width[c]! + 1, c * steps, (c + 1) * steps);
    const candidates = new Float64Array(steps * channels);
    const middle = (i: number) => Math.floor((lo[i]! + hi[i]!) / 2);
    for (let round = 0; round <= Math.ceil(Math.log2(widest + 2)); round += 1) {
      for (let c = 0; c < channels; c += 1)
        for (let j = 0; j < steps; j += 1)
          candidates[j * channels + c] = at(c, Math.min(middle(c * steps + j), width[c]!));
      const levels = levelsOf(candidates);
      for (let c = 0; c < channels; c += 1) {
        for (let j = 0; j < steps; j += 1) {
          const i = c * steps + j;
          if (lo[i]! >= hi[i]!) continue;
          const m = middle(i);
          if (levels[j * channels + c]! >= grid.min + (j + 1) * grid.step) hi[i] = m;
          else lo[i] = m + 1;
        }
      }
    }
    positions.set(lo);
    const broken = checkMonotone(levelsOf, at, width, positions, channels, steps);
    if (broken) return broken;
  }

  const thresholds = new Float64Array(channels * steps);
  for (let c = 0; c < channels; c += 1) {
    const least = signs[c]! > 0 ? low(c) : -high(c);
    for (let j = 0; j < steps; j += 1) thresholds[c * steps + j] = least + positions[c * steps + j]!;
  }
  return { ok: true, steps: { thresholds, steps, signs } };
}

/** Both sides of every step and a spread of points between: levels never fall along a channel. */
function checkMonotone(
  levelsOf: (candidates: Float64Array) => Float64Array,
  at: (c: number, position: number) => number,
  width: Float64Array,
  positions: Float64Array,
  channels: number,
  steps: number,
): Found | undefined {
  const rows: Float64Array[] = [];
  for (let c = 0; c < channels; c += 1) {
    const points = new Float64Array(4 * steps + SPREAD + 1);
    for (let j = 0; j < steps; j += 1)
      for (let d = 0; d < 4; d += 1)
        points[4 * j + d] = Math.min(Math.max(positions[c * steps + j]! + d - 2, 0), width[c]!);
    for (let i = 0; i <= SPREAD; i += 1) points[4 * steps + i] = Math.floor((width[c]! * i) / SPREAD);
    points.sort();
    rows.push(points.filter((point, i) => i === 0 || point !== points[i - 1]));
  }
  const most = rows.reduce((n, list) => Math.max(n, list.length), 0);
  const candidates = new Float64Array(most * channels);
  for (let r = 0; r < most; r += 1)
    for (let c = 0; c < channels; c += 1)
      candidates[r * channels + c] = at(c, rows[c]![Math.min(r, rows[c]!.length - 1)]!);
  const levels = levelsOf(candidates);
  for (let c = 0; c < channels; c += 1) {
    for (let r = 1; r < most; r += 1) {
      const [before, after] = [levels[(r - 1) * channels + c]!, levels[r * channels + c]!];
      if (!(after >= before))
        return { ok: false, channel: c, at: candidates[r * channels + c]!, levels: [before, after, after] };
    }
  }
  return undefined;
}

/** The steps as the constant of a MultiThreshold: [channels × steps], or [1 × steps] where all channels agree. */
export function stepsTensor({ thresholds, steps }: Steps, channels: number): Tensor {
  const first = thresholds.subarray(0, steps);
  for (let c = 1; c < channels; c += 1)
    for (let j = 0; j < steps; j += 1)
      if (thresholds[c * steps + j] !== first[j]) return tensor(FLOAT64, [channels, steps], thresholds);
  return tensor(FLOAT64, [1, steps], first.slice());
}
