import { type DataType, FLOAT64, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node, type Value } from '../../ir/graph.ts';
import { extremes, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { qonnx } from '../ops.ts';
import {
  type Carried,
  channelsOf,
  type Integers,
  isScalar,
  type Link,
  perChannel,
  type Range,
  refuse,
  type Sum,
} from './carried.ts';
import { constantTensor } from './constants.ts';
import { linkOf, linksAreUniform } from './elementwise.ts';
import { together } from './join.ts';
import { reachOnHost } from './reach.ts';
import { type Rule, refuseLeftover, type Walk } from './rule.ts';
import { signed } from './signs.ts';
import { findSumSteps } from './sum-thresholds.ts';
import {
  chainFunction,
  chainOfReals,
  findSteps,
  isMonotone,
  type Steps,
  stepsTensor,
  widensChannels,
} from './thresholds.ts';

/** The values a quantiser can give: scale · k + offset for integers k. */
export interface Levels {
  readonly scale: Tensor;
  readonly offset: Tensor;
  readonly min: number;
  readonly max: number;
  /** Distance of neighbouring k. */
  readonly step: number;
  readonly dtype: DataType;
}

/** Which levels a quantiser node has; `reach` evaluates the real values at the ends of what can come in. */
export type LevelsOf = (node: Node, reach: () => readonly [number, number]) => Levels;

/** QONNX's name of a layout with the channels on axis 1. */
const layoutOf = (rank: number): string => ['', 'C', 'NC', 'NCW', 'NCHW'][rank] ?? `NC${'DHWUVXYZ'.slice(0, rank - 2)}`;

/** Steps that one MultiThreshold may have; 8 bits have 255. */
const MOST_STEPS = 1 << 12;

/** A quantiser ends a chain: the chain becomes the thresholds at which its level changes, by evaluating it. */
export const quantiserRule =
  (levelsOf: LevelsOf): Rule =>
  (node, inputs, walk) => {
    const position = node.inputs.findIndex((value) => value && !constantTensor(value));
    if (position < 0) return [quantisedConstant(node, levelsOf)];
    const from = inputs[position]!;
    if (from.kind === 'host' && from.side === 'behind') refuseLeftover(node, from.because);
    if (from.kind === 'sum') return [thresholdedSum(node, position, from, levelsOf, walk)];
    return [from.kind === 'host' ? fed(node, levelsOf, walk) : thresholded(node, position, from, levelsOf, walk)];
  };

function quantisedConstant(node: Node, levelsOf: LevelsOf): Integers {
  const real = constantTensor({ kind: 'node', node, index: 0, type: node.types[0]! })!;
  const levels = levelsOf(node, () => extremes(real.data));
  const rank = real.shape.length;
  const data = new Float64Array(real.data.length);
  let bad = 0;
  while (bad < data.length && Number.isFinite(real.data[bad])) bad += 1;
  if (bad < data.length)
    refuse(
      node,
      `it quantises a constant that holds ${real.data[bad]} (element ${bad})`,
      'export the trained weights anew',
    );
  if (isScalar(levels.scale) && isScalar(levels.offset)) {
    const [scale, offset] = [levels.scale.data[0]!, levels.offset.data[0]!];
    for (let i = 0; i < data.length; i += 1) data[i] = Math.round((real.data[i]! - offset) / scale);
  } else {
    const [scale, offset] = [broadcast(levels.scale, real), broadcast(levels.offset, real)];
    for (let i = 0; i < data.length; i += 1) data[i] = Math.round((real.data[i]! - offset(i)) / scale(i));
  }
  const name = node.inputs[0]?.kind === 'constant' ? node.inputs[0].name : '';
  const wide = (t: Tensor): Tensor =>
    t.data.length === 1 || t.shape.length === rank
      ? t
      : tensor(FLOAT64, [...new Array<number>(rank - t.shape.length).fill(1), ...t.shape], t.data);
  const [min, max] = extremes(data);
  return {
    kind: 'integers',
    base: constant(tensor(levels.dtype, real.shape, data), name),
    scale: wide(levels.scale),
    offset: wide(levels.offset),
    links: [],
    range: { min: Float64Array.of(min), max: Float64Array.of(max) },
  };
}

/** The element of a parameter that is broadcast to element `i` of the whole tensor. */
function broadcast({ data, shape }: Tensor, whole: Tensor): (i: number) => number {
  const first = data[0]!;
  if (data.length === 1) return () => first;
  const lead = whole.shape.length - shape.length;
  const axis = shape.findIndex((n) => n > 1);
  if (data.length === shape[axis]) {
    const inner = sizeOf(whole.shape.slice(lead + axis + 1));
    const n = data.length;
    return (i) => data[Math.floor(i / inner) % n]!;
  }
  const spread = Array.from({ length: sizeOf(whole.shape) }, (_, i) => broadcastIndex(shape, whole.shape, i));
  return (i) => data[spread[i]!]!;
}

/** Place in a broadcast parameter of element `i` of the whole tensor. */
function broadcastIndex(parameter: readonly number[], whole: readonly number[], i: number): number {
  let rest = i;
  let index = 0;
  let stride = 1;
  for (let back = 1; back <= whole.length; back += 1) {
    const extent = whole[whole.length - back]!;
    const own = parameter[parameter.length - back] ?? 1;
    if (own > 1) index += (rest % extent) * stride;
    stride *= own;
    rest = Math.floor(rest / extent);
  }
  return index;
}

/** A quantiser of a real input: the host computes it, and the accelerator is fed with its integers. */
function fed(node: Node, levelsOf: LevelsOf, walk: Walk): Integers {
  const levels = levelsOf(node, () => reachOnHost(node));
  const { dtype, scale, offset, min, max } = levels;
  const real: Value = { kind: 'node', node, index: 0, type: node.types[0]! };
  const base = walk.openInput(real, { dtype, shape: node.types[0]!.shape }, scale, offset);
  return {
    kind: 'integers',
    base,
    scale,
    offset,
    links: [],
    range: { min: Float64Array.of(min), max: Float64Array.of(max) },
  };
}

function thresholded(node: Node, position: number, from: Integers, levelsOf: LevelsOf, walk: Walk): Carried {
  const shape = from.base.type.shape;
  const rank = Math.max(shape.length, 1);
  const links = [...from.links, linkOf(node, position)];
  const all = shape.length < 2 ? 1 : channelsOf(from.base);
  // One column stands for all channels where nothing tells them apart.
  const uniform =
    isScalar(from.scale) && isScalar(from.offset) && from.range.min.length === 1 && linksAreUniform(links);
  const channels = uniform ? 1 : all;
  const each = (t: Tensor, what: string): Float64Array =>
    perChannel(t, rank, channels) ??
    refuse(
      node,
      `the ${what} before it varies along another axis than the channels`,
      'use one scale, or one a channel',
    );
  const chain = {
    channels,
    rank: shape.length < 2 ? 2 : rank,
    scale: each(from.scale, 'scale'),
    offset: each(from.offset, 'shift'),
    links,
  };
  const stranger = widensChannels(chain);
  if (stranger)
    refuse(
      stranger,
      'its constant varies along another axis than the channels',
      'use one number, or one for each channel (axis 1)',
    );
  const reach = (): readonly [number, number] => {
    const ends = new Float64Array(2 * channels);
    ends.set(spread(from.range.min, channels), 0);
    ends.set(spread(from.range.max, channels), channels);
    return extremes(chainFunction(chain)(ends));
  };
  const levels = levelsOf(node, reach);
  const grid = { ...levels, scale: each(levels.scale, 'scale'), offset: each(levels.offset, 'shift') };
  const count = Math.round((levels.max - levels.min) / levels.step);
  if (count > MOST_STEPS)
    refuse(
      node,
      `it has ${count + 1} levels`,
      `finn makes thresholds of up to ${MOST_STEPS + 1} levels: use fewer bits`,
    );
  const found = findSteps(chain, grid, from.range);
  if (!found.ok && found.unproved)
    refuse(
      node,
      `'${found.unproved.origin[0]}' (${found.unproved.op.name}) before it may not be monotone, and its input has ${found.count} values, too many to try them all`,
      'use an activation that only rises, or narrower weights and inputs',
    );
  if (!found.ok) refuseSteps(node, links.slice(0, -1), found);
  return quantised(node, from, found.steps, levels, channels, walk);
}

/** Nodes of a chain that one message shows. */
const SHOWN = 4;

/** Refuses a chain whose levels do not rise, or are no numbers; names what may be to blame. */
function refuseSteps(
  node: Node,
  links: readonly Link[],
  { channel, at, levels }: { channel: number; at: number; levels: readonly [number, number, number] },
): never {
  const suspects = links.filter((link) => !isMonotone(link));
  const named = (suspects.length > 0 ? suspects : links)
    .slice(0, SHOWN)
    .map((link) => `'${link.node.origin[0]}' (${link.node.op.name})`);
  const before = named.length > 0 ? named.join(', ') : 'its input';
  if (levels.some(Number.isNaN))
    return refuse(
      node,
      `what comes to it through ${before} is no number (NaN) in channel ${channel} at the integer ${at}`,
      'look at the constants there: a negative variance, a division by zero, NaN',
    );
  return refuse(
    node,
    `what comes to it through ${before} is not monotone: in channel ${channel} the level falls from ${levels[0]} to ${levels[1]} at the integer ${at}`,
    'only rising or only falling activations become thresholds: replace it by one (Relu, Clip, LeakyRelu with alpha ≥ 0, Sigmoid, Tanh)',
  );
}

/** The MultiThreshold behind integers, and what its levels mean. */
function quantised(node: Node, from: Integers, steps: Steps, levels: Levels, channels: number, walk: Walk): Integers {
  const { shape } = from.base.type;
  const all = shape.length < 2 ? 1 : channelsOf(from.base);
  const base = apply(
    qonnx('MultiThreshold'),
    [
      signed(from.base, channels === 1 ? new Int8Array(all).fill(steps.signs[0]!) : steps.signs),
      constant(stepsConstant(stepsTensor(steps, channels))),
    ],
    {
      out_dtype: levels.dtype.name,
      out_scale: levels.step,
      out_bias: levels.min,
      data_layout: layoutOf(shape.length),
    },
    [...new Set([...from.links.flatMap((link) => link.node.origin), ...node.origin])],
  );
  walk.meet({ at: 'quantiser', origin: node.origin[0] ?? node.op.name, scale: levels.scale, offset: levels.offset });
  return {
    kind: 'integers',
    base,
    scale: levels.scale,
    offset: levels.offset,
    links: [],
    range: reached(from.range, steps, levels, channels),
  };
}

/** A quantiser behind a sum of branches of unequal scale: a grid for both is found with its thresholds. */
function thresholdedSum(node: Node, position: number, sum: Sum, levelsOf: LevelsOf, walk: Walk): Carried {
  const { shape } = sum.terms[0]!.base.type;
  const rank = Math.max(shape.length, 2);
  const links = [...sum.links, linkOf(node, position)];
  const uniform = sum.terms.every(({ offset }) => isScalar(offset)) && linksAreUniform(links);
  const channels = uniform ? 1 : channelsOf(sum.terms[0]!.base);
  const along = (t: Tensor, what: string): Float64Array =>
    perChannel(t, rank, channels) ??
    refuse(
      node,
      `the ${what} before it varies along another axis than the channels`,
      `use one ${what}, or one a channel`,
    );
  const stranger = widensChannels({ channels, rank, links });
  if (stranger)
    refuse(
      stranger,
      'its constant varies along another axis than the channels',
      'use one number, or one for each channel (axis 1)',
    );
  const terms = sum.terms.map(({ scale, offset, range }) => ({
    scale: scale.data[0]!,
    offset: along(offset, 'shift'),
    range,
  }));
  const reach = (): readonly [number, number] => {
    const ends = (bound: (term: (typeof terms)[number]) => number) =>
      Float32Array.from({ length: channels }, (_, c) =>
        terms.reduce((n, term) => n + term.scale * bound(term) + term.offset[c]!, 0),
      );
    const f = chainOfReals({ channels, rank, links });
    const low = f(ends(({ range }) => Math.min(...range.min)));
    return extremes([...low, ...f(ends(({ range }) => Math.max(...range.max)))]);
  };
  const levels = levelsOf(node, reach);
  const grid = { ...levels, scale: along(levels.scale, 'scale'), offset: along(levels.offset, 'shift') };
  const found = findSumSteps(terms, links, { channels, rank }, grid);
  const scales = terms.map(({ scale }) => scale).join(' and ');
  if (!found.ok)
    refuse(
      node,
      found.reason === 'too many'
        ? `'${sum.node.origin[0]}' (${sum.node.op.name}) before it adds branches of scales ${scales} with ${found.combinations} combinations of values, too many to prove a common grid`
        : `no common grid of the scales ${scales} of '${sum.node.origin[0]}' (${sum.node.op.name}) before it gives the network's levels`,
      'quantise the branches with the same scale, or with fewer bits, before they join',
    );
  const from = together(sum, found.steps.factors, 1);
  return quantised(node, from, found.steps, levels, channels, walk);
}

const spread = (bound: Float64Array, channels: number): Float64Array =>
  bound.length === 1 ? new Float64Array(channels).fill(bound[0]!) : bound;

function stepsConstant(steps: Tensor): Tensor {
  const [min, max] = extremes(steps.data);
  return tensor(smallest(min, max), steps.shape, steps.data);
}

/** The levels that can occur, channel by channel. */
function reached(
  range: Range,
  { thresholds, steps, signs }: { thresholds: Float64Array; steps: number; signs: Int8Array },
  levels: Levels,
  channels: number,
): Range {
  const count = (c: number, integer: number): number => {
    let n = 0;
    while (n < steps && thresholds[c * steps + n]! <= integer) n += 1;
    return levels.min + n * levels.step;
  };
  // One row of thresholds stands for all channels, whatever their ranges are.
  const low = channels === 1 ? Float64Array.of(Math.min(...range.min)) : spread(range.min, channels);
  const high = channels === 1 ? Float64Array.of(Math.max(...range.max)) : spread(range.max, channels);
  return {
    min: Float64Array.from({ length: channels }, (_, c) => count(c, signs[c]! > 0 ? low[c]! : -high[c]!)),
    max: Float64Array.from({ length: channels }, (_, c) => count(c, signs[c]! > 0 ? high[c]! : -low[c]!)),
  };
}
