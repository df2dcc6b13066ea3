import { bug } from '../../diagnostics/diagnostic.ts';
import { FLOAT64, int, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node, type Value } from '../../ir/graph.ts';
import { type Data, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import { refuseAutoPad } from './auto-pad.ts';
import {
  collapsed,
  combine,
  type Integers,
  isScalar,
  isZero,
  ofRank,
  perChannel,
  type Range,
  refuse,
  ZERO,
} from './carried.ts';
import { factorsOf, isUniform, multiplesOf, refuseScales, scalarOf, scaledWeights } from './linear.ts';
import type { Rule } from './rule.ts';

/** Conv or ConvTranspose of one group, or a Conv of one channel a group. */
interface Kind {
  readonly transposed: boolean;
  readonly depthwise: boolean;
  /** Output channels. */
  readonly outputs: number;
  /** Weights of one output channel: of each input channel the sum of the positive and of the negative ones. */
  taps(W: Tensor, output: number, visit: (positive: number, negative: number, channel: number) => void): void;
}

function kindOf(node: Node, W: Tensor, channels: number): Kind {
  const groups = Number(node.attrs['group'] ?? 1);
  const [first, second = 1] = W.shape as [number, number];
  const inner = sizeOf(W.shape.slice(2));
  if (W.shape.length > 4)
    refuse(node, `it has ${W.shape.length - 2} spatial axes`, 'finn builds convolutions over one and two axes');
  refuseAutoPad(node, W.shape.slice(2));
  if (node.op === onnx('ConvTranspose')) {
    if (groups !== 1) refuse(node, `it has ${groups} groups`, 'finn builds transposed convolutions of one group');
    const taps: Kind['taps'] = (w, o, visit) => {
      for (let c = 0; c < first; c += 1) visitSums(w.data, (c * second + o) * inner, inner, c, visit);
    };
    return { transposed: true, depthwise: false, outputs: second, taps };
  }
  const depthwise = groups > 1 && groups === channels && first === channels && second === 1;
  if (groups !== 1 && !depthwise)
    refuse(
      node,
      `it has ${groups} groups for ${channels} input and ${first} output channels`,
      `finn builds dense convolutions (group 1) and depthwise ones (group = inputs = outputs, here ${channels}): split it into dense ones`,
    );
  const taps: Kind['taps'] = (w, o, visit) => {
    for (let i = 0; i < second; i += 1) visitSums(w.data, (o * second + i) * inner, inner, depthwise ? o : i, visit);
  };
  return { transposed: false, depthwise, outputs: first, taps };
}

/** Visits the sums of the positive and the negative integers among `count`, from their sum and that of their magnitudes: all exact. */
function visitSums(data: Data, at: number, count: number, channel: number, visit: Parameters<Kind['taps']>[2]): void {
  let sum = 0;
  let magnitude = 0;
  for (let i = at; i < at + count; i += 1) {
    sum += data[i]!;
    magnitude += Math.abs(data[i]!);
  }
  visit((magnitude + sum) / 2, (sum - magnitude) / 2, channel);
}

const padded = (node: Node): boolean =>
  ((node.attrs['pads'] as readonly number[] | undefined) ?? []).some((n) => n > 0);

/**
 * The integer that stands for real zero, which padding is: −offset/scale, the same for every channel. Refuses where there
 * is none, since no circuit can pad with it.
 */
export function zeroOf(node: Node, { scale, offset }: Integers, real = 0): number {
  if (isZero(offset)) return 0;
  const zero = combine(offset, scale, (b, s) => Math.round(-b / s));
  const exact = zero && combine(combine(zero, scale, (q, s) => q * s)!, offset, (a, b) => Math.fround(a + b));
  const same = zero && collapsed(zero);
  if (!same || !isScalar(same) || !exact?.data.every((v) => v === 0))
    refuse(
      node,
      real === 0
        ? `it pads with zero, and no integer of its input stands for zero (a shift of ${offset.data[0]} at a scale of ${scale.data[0]})`
        : `it pads with ${real}, and no integer of its input stands for that (at a scale of ${scale.data[0]})`,
      real === 0
        ? 'begin with a quantiser (behind mean and std, where they are), quantise its input with a zero point, or set pads to 0'
        : `pad with a whole multiple of ${scale.data[0]}, or in front of the quantiser`,
    );
  return same.data[0]!;
}

/** What is at the edges of a padded input: a Pad in front where zero is another integer than 0. */
function withPadding(node: Node, x: Integers): { base: Value; attrs: Node['attrs']; zero: number | undefined } {
  if (!padded(node)) return { base: x.base, attrs: node.attrs, zero: undefined };
  const zero = zeroOf(node, x);
  if (zero === 0) return { base: x.base, attrs: node.attrs, zero };
  if (node.op !== onnx('Conv')) refuse(node, `its input has a zero point of ${zero}`, 'quantise its input without one');
  const pads = node.attrs['pads'] as readonly number[];
  const n = pads.length / 2;
  const all = [0, 0, ...pads.slice(0, n), 0, 0, ...pads.slice(n)];
  const inputs = [
    x.base,
    constant(tensor(int(64), [all.length], all)),
    constant(tensor(smallest(zero, zero), [], [zero])),
  ];
  const base = apply(onnx('Pad'), inputs, { mode: 'constant' }, [...node.origin, 'pad']);
  return { base, attrs: { ...node.attrs, pads: pads.map(() => 0) }, zero };
}

/** Exact range of every output channel; where there is padding, any tap may meet zero's integer instead. */
function rangeOf(x: Range, W: Tensor, kind: Kind, zero: number | undefined): Range {
  const min = new Float64Array(kind.outputs);
  const max = new Float64Array(kind.outputs);
  const uniform = x.min.length === 1;
  // A transposed convolution leaves taps out, which is a zero as well.
  const other = zero ?? (kind.transposed ? 0 : undefined);
  const low = x.min.map((v) => (other === undefined ? v : Math.min(v, other)));
  const high = x.max.map((v) => (other === undefined ? v : Math.max(v, other)));
  for (let o = 0; o < kind.outputs; o += 1) {
    let [least, most] = [0, 0];
    kind.taps(W, o, (positive, negative, c) => {
      const at = uniform ? 0 : c;
      least += positive * low[at]! + negative * high[at]!;
      most += positive * high[at]! + negative * low[at]!;
    });
    min[o] = least;
    max[o] = most;
  }
  return { min, max };
}

/**
 * conv(s·x + b, t·W) = s·t·conv(x, W) + b·(ΣW)·t, channel by channel. The scale of the input is one number, or one a
 * channel where the convolution is depthwise; that of the weights one number, or one an output channel. Padding is the
 * integer that stands for zero.
 */
export const convolutionRule: Rule = (node, inputs, walk) => {
  if (node.inputs[2]) return bug('a convolution with its bias');
  const factors = factorsOf(node, inputs, walk);
  if (!('W' in factors)) return factors;
  const { x, weights, W } = factors;
  const rank = W.shape.length;
  const channels = x.base.type.shape[1]!;
  const kind = kindOf(node, W, channels);
  if (!isScalar(x.scale) && !kind.depthwise) {
    const own = perChannel(x.scale, rank, channels);
    const multiples = own && multiplesOf(own);
    if (!multiples) return refuseScales(node, inputs[0] as Integers);
    // Weights are [O, I, …]; transposed ones [I, O, …].
    const inner = sizeOf(W.shape.slice(kind.transposed ? 1 : 2));
    const factored = scaledWeights(weights, (i) => multiples.factors[Math.floor(i / inner) % channels]!);
    return convolutionRule(node, [{ ...x, scale: scalarOf(multiples.unit) }, factored], walk);
  }
  const column = (t: Tensor, what: string): Float64Array =>
    perChannel(ofRank(t, rank), rank, channels) ??
    refuse(
      node,
      `its input has a ${what} that varies along another axis than the channels`,
      `use one ${what}, or one a channel`,
    );
  const weightScale = outputScale(weights.scale, rank, kind);
  if (!weightScale)
    refuse(node, 'its weights have a scale that varies along the sum', 'use one scale, or one for each output channel');
  const [inScale, shift] = [column(x.scale, 'scale'), column(x.offset, 'shift')];
  const scales = weightScale.map((t, o) => t * inScale[kind.depthwise ? o : 0]!);
  const row = (data: Float64Array): Tensor =>
    tensor(FLOAT64, [1, kind.outputs, ...new Array<number>(rank - 2).fill(1)], data);
  const scale = isUniform(scales) ? scalarOf(scales[0]!) : row(scales);
  const offset = isZero(x.offset)
    ? ZERO
    : row(
        Float64Array.from({ length: kind.outputs }, (_, o) => {
          let sum = 0;
          kind.taps(W, o, (positive, negative, c) => {
            sum += (positive + negative) * shift[c]!;
          });
          return sum * weightScale[o]!;
        }),
      );
  if (kind.transposed && !isZero(x.offset))
    refuse(node, 'its input has a shift', 'quantise its input without a zero point');
  const { base, attrs, zero } = withPadding(node, x);
  walk.meet({ at: 'product', origin: node.origin[0] ?? node.op.name, scale, offset });
  return [
    {
      kind: 'integers',
      base: apply(node.op, [base, weights.base], attrs, node.origin),
      scale,
      offset,
      links: [],
      range: rangeOf(x.range, W, kind, zero),
    },
  ];
};

/** One scale an output channel: weights are [O, I, …], transposed ones [I, O, …]. */
function outputScale(scale: Tensor, rank: number, { transposed, outputs }: Kind): Float64Array | undefined {
  if (isScalar(scale)) return new Float64Array(outputs).fill(scale.data[0]!);
  const { shape } = ofRank(scale, rank);
  const own = transposed ? 1 : 0;
  return shape.length === rank && shape.every((n, axis) => n === 1 || (axis === own && n === outputs))
    ? Float64Array.from(scale.data)
    : undefined;
}
