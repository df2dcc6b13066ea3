import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { FLOAT64, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node } from '../../ir/graph.ts';
import { extremes, type Tensor, tensor } from '../../ir/tensor.ts';
import { isFeed } from '../clean/surround.ts';
import { qonnx } from '../ops.ts';
import {
  type Carried,
  combine,
  type Integers,
  isScalar,
  isZero,
  mapped,
  ofRank,
  perChannel,
  type Range,
  refuse,
  ZERO,
} from './carried.ts';
import { absorbAffine } from './elementwise.ts';
import { onHost, type Rule, refuseLeftover, type Walk } from './rule.ts';

/** Σ weight·x for each column of a [K × N] matrix. */
function columns(weights: Tensor, of: (weight: number, k: number) => number): Float64Array {
  const [rows, width] = weights.shape as [number, number];
  const sums = new Float64Array(width);
  for (let k = 0; k < rows; k += 1) for (let n = 0; n < width; n += 1) sums[n]! += of(weights.data[k * width + n]!, k);
  return sums;
}

/** Exact range of every column of x·W, from the range of x and the weights themselves. */
function productRange(x: Range, weights: Tensor): Range {
  const at = (bound: Float64Array, k: number) => bound[bound.length === 1 ? 0 : k]!;
  return {
    min: columns(weights, (w, k) => w * (w > 0 ? at(x.min, k) : at(x.max, k))),
    max: columns(weights, (w, k) => w * (w > 0 ? at(x.max, k) : at(x.min, k))),
  };
}

/** One range for all channels; where the last axis is not axis 1, columns have none of their own. */
const overAll = ({ min, max }: Range): Range => ({
  min: Float64Array.of(extremes(min)[0]),
  max: Float64Array.of(extremes(max)[1]),
});

/** The factors of a product, ready to be multiplied as integers. */
export interface Factors {
  /** What runs through, without links. */
  readonly x: Integers;
  readonly weights: Integers;
  readonly W: Tensor;
}

/**
 * What a product with constant weights is made of, or the node on the host where it is a product of reals. Refuses what
 * has no integers to multiply.
 */
export function factorsOf(
  node: Node,
  inputs: readonly (Carried | undefined)[],
  walk: Walk,
): Factors | readonly Carried[] {
  const [left, weights] = inputs as [Carried, Carried];
  for (const from of inputs) if (from?.kind === 'host' && from.side === 'behind') refuseLeftover(node, from.because);
  if (left.kind !== 'integers' || weights.kind !== 'integers') {
    if (left.kind !== 'integers' && weights.kind === 'integers')
      refuse(
        node,
        'its input is real',
        'declare `input.datatype` in the recipe, or begin the network with a quantiser',
      );
    return weights.kind === 'integers' || left.kind !== 'integers'
      ? onHost(node, inputs, 'a product of reals')
      : refuse(
          node,
          'its weights are not quantised',
          'quantise them: Quant, BipolarQuant or QuantizeLinear with one scale',
        );
  }
  if (weights.base.kind !== 'constant')
    refuse(node, 'both factors depend on the input', 'finn multiplies by constant weights only');
  const x = rebiased(absorbAffine(left), walk);
  const first = x.links[0];
  if (first)
    refuse(
      node,
      `'${first.node.origin[0]}' (${first.node.op.name}) before it is not followed by a quantiser`,
      'quantise the activation: integers must enter a product',
    );
  if (!isZero(weights.offset) || weights.links.length > 0)
    refuse(node, 'its weights have a shift', 'use weights that are a scale times integers, with zero point 0');
  return { x, weights, W: weights.base.tensor };
}

/**
 * (s·x + b)(t·W) = s·t·(xW) + b·(ΣW)·t: the integers multiply, the scales go on behind, and a shift of the input becomes
 * a shift of each column. A scale must be one number for the input, and one number or one a column for the weights.
 */
export const matMulRule: Rule = (node, inputs, walk) => {
  const factors = factorsOf(node, inputs, walk);
  if (!('W' in factors)) return factors;
  const { x, weights, W } = factors;
  if (W.shape.length !== 2)
    refuse(node, `its weights have ${W.shape.length} axes`, 'finn multiplies by a matrix of weights');
  if (!isScalar(x.scale)) {
    const own = perColumn(ofRank(x.scale, node.types[0]!.shape.length), W.shape[0]!);
    const multiples = own && multiplesOf(own);
    if (!multiples) return refuseScales(node, inputs[0] as Integers);
    const rows = scaledWeights(weights, (i) => multiples.factors[Math.floor(i / W.shape[1]!)]!);
    return matMulRule(node, [{ ...x, scale: scalarOf(multiples.unit), offset: x.offset }, rows], walk);
  }
  const width = W.shape[1]!;
  const weightScale = perChannel(ofRank(weights.scale, 2), 2, width);
  if (!weightScale)
    refuse(node, 'its weights have a scale that varies along the sum', 'use one scale, or one for each output');

  const rank = node.types[0]!.shape.length;
  const row = (data: Float64Array): Tensor => tensor(FLOAT64, [...new Array<number>(rank - 1).fill(1), width], data);
  const scale = combine(
    isUniform(weightScale) ? scalarOf(weightScale[0]!) : row(weightScale),
    x.scale,
    (t, s) => t * s,
  )!;
  const shift = alongSum(ofRank(x.offset, rank), W.shape[0]!);
  if (!shift)
    refuse(
      node,
      'its input has a shift that varies along another axis than the sum',
      'use one shift, or one a channel',
    );
  const sums = columns(W, (w, k) => w * shift[k]!);
  const offset = isZero(x.offset) ? ZERO : row(sums.map((s, n) => s * weightScale[n]!));
  walk.meet({ at: 'product', origin: node.origin[0] ?? node.op.name, scale, offset });
  return [
    {
      kind: 'integers',
      base: apply(node.op, [x.base, weights.base], {}, node.origin),
      scale,
      offset,
      links: [],
      range: rank === 2 ? productRange(x.range, W) : overAll(productRange(overAll(x.range), W)),
    },
  ];
};

/** Greatest factor by which weights take up the scales of their inputs. */
const MOST = 256;

/**
 * Scales of channels that are small multiples of one, to within binary32: that one, and the multiple of each channel, which
 * the weights of the channel take.
 */
export function multiplesOf(scales: Float64Array): { readonly unit: number; readonly factors: number[] } | undefined {
  const least = scales.reduce((a, s) => Math.min(a, Math.abs(s)), Infinity);
  for (let n = 1; n <= MOST; n += 1) {
    const exact = Array.from(scales, (s) => (s / least) * n);
    if (exact.some((f) => Math.abs(f) > MOST)) return undefined;
    if (exact.every((f) => Math.abs(f - Math.round(f)) <= Math.abs(f) * 2 ** -23))
      return { unit: least / n, factors: exact.map(Math.round) };
  }
  return undefined;
}

/** A product's scale cannot differ along its sum; where the recipe's `input` makes it so, that is what is named. */
export function refuseScales(node: Node, from: Integers): never {
  const feed = from.links.find((link) => isFeed(link.node));
  if (feed)
    return fail(
      'streamline/unsupported',
      `\`input\` of the recipe scales every channel by another number, and ${node.op.name} '${node.origin[0]}' adds the channels up before they are quantised`,
      {
        at: inNetwork(node.origin),
        hint: 'give `scale` and `std` one number each (`bias` and `mean` may have one a channel), or begin the network with a quantiser',
      },
    );
  return refuse(
    node,
    'its input has a scale for each channel, and they are no small multiples of one',
    'use one scale for all the activations that a product adds up (branches that are concatenated: the same quantiser scale)',
  );
}

/** One number for each element of the last axis; undefined where a parameter varies along another. */
const perColumn = (t: Tensor, extent: number): Float64Array | undefined =>
  t.data.length === extent && t.shape.at(-1) === extent ? Float64Array.from(t.data) : undefined;

/** Weights with each integer multiplied by a factor of its place. */
export function scaledWeights(weights: Integers, factor: (index: number) => number): Integers {
  const { base } = weights;
  if (base.kind !== 'constant') return weights;
  const data = base.tensor.data.map((w, i) => w * factor(i));
  const [min, max] = extremes(data);
  return {
    ...weights,
    base: constant(tensor(smallest(min, max), base.tensor.shape, Float64Array.from(data)), base.name),
  };
}

/** One shift for each addend of a product's sum, which runs along the last axis; undefined where it varies otherwise. */
function alongSum(shift: Tensor, extent: number): Float64Array | undefined {
  if (isScalar(shift)) return new Float64Array(extent).fill(shift.data[0]!);
  return shift.data.length === extent && shift.shape.at(-1) === extent ? Float64Array.from(shift.data) : undefined;
}

/**
 * A shift of quantised values by whole levels (FINN writes MultiThreshold, then Add −1) becomes the bias of the thresholds,
 * so that nothing is left of it behind the product.
 */
function rebiased(x: Integers, walk: Walk): Integers {
  const { base, scale, offset } = x;
  if (!isScalar(scale) || !isScalar(offset) || base.kind !== 'node' || base.node.op !== qonnx('MultiThreshold'))
    return x;
  const levels = offset.data[0]! / scale.data[0]!;
  if (levels === 0 || !Number.isInteger(levels)) return x;
  const { node } = base;
  const min = Number(node.attrs['out_bias']) + levels;
  const max = min + Number(node.attrs['out_scale']) * (node.inputs[1]?.type.shape[1] ?? 0);
  const attrs = { ...node.attrs, out_bias: min, out_dtype: smallest(min, max).name };
  walk.meet({ at: 'quantiser', origin: node.origin.at(-1) ?? '', scale, offset: mapped(offset, (v) => -v) });
  const range = { min: x.range.min.map((v) => v + levels), max: x.range.max.map((v) => v + levels) };
  return { ...x, base: apply(node.op, node.inputs, attrs, node.origin), offset: ZERO, range };
}

export const isUniform = (data: Float64Array): boolean => data.every((v) => v === data[0]);
export const scalarOf = (value: number): Tensor => tensor(FLOAT64, [], [value]);
