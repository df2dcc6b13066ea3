import { FLOAT64, int, smallest } from '../../ir/datatype.ts';
import { apply, constant, type Node, type Value } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import {
  type Carried,
  channelsOf,
  combine,
  type Integers,
  isScalar,
  isZero,
  mapped,
  ofRank,
  perChannel,
  type Range,
  refuse,
  type Sum,
  ZERO,
} from './carried.ts';
import { constantTensor } from './constants.ts';
import { absorbAffine, elementwiseRule } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';
import { signed } from './signs.ts';

const equal = (a: Tensor, b: Tensor): boolean =>
  a.data.length === b.data.length && a.data.every((v, i) => v === b.data[i]);

/** Ranges of several tensors put together, channel by channel. */
export function joined(
  ranges: readonly Range[],
  of: (...bounds: (readonly [number, number])[]) => readonly [number, number],
): Range {
  const channels = Math.max(...ranges.map(({ min }) => min.length));
  const at = ({ min, max }: Range, c: number): readonly [number, number] => [
    min[min.length === 1 ? 0 : c]!,
    max[max.length === 1 ? 0 : c]!,
  ];
  const ends = Array.from({ length: channels }, (_, c) => of(...ranges.map((range) => at(range, c))));
  return { min: Float64Array.from(ends, ([low]) => low), max: Float64Array.from(ends, ([, high]) => high) };
}

const total = (...bounds: (readonly [number, number])[]): [number, number] => [
  bounds.reduce((n, [low]) => n + low, 0),
  bounds.reduce((n, [, high]) => n + high, 0),
];

/** The same reals by other integers: their negatives, at the negated scale. */
function negated(x: Integers): Integers {
  const signs = new Int8Array(channelsOf(x.base)).fill(-1);
  return {
    ...x,
    base: signed(x.base, signs),
    scale: mapped(x.scale, (s) => -s),
    range: { min: x.range.max.map((v) => -v), max: x.range.min.map((v) => -v) },
  };
}

const quantiseThere = 'quantise every branch in front of the join';

/** Which branch of a join is no quantised tensor, and through which node. */
function unquantised(inputs: readonly (Carried | undefined)[]): string {
  const real = inputs.findIndex((from) => from?.kind === 'host');
  if (real >= 0) return `its input ${real} is not quantised`;
  const links = inputs.map((from) => {
    if (from?.kind === 'integers') return absorbAffine(from).links;
    return from?.kind === 'sum' ? from.links : [];
  });
  const at = links.findIndex((list) => list.length > 0);
  const first = links[at]?.[0]?.node;
  return first
    ? `'${first.origin[0]}' (${first.op.name}), through which its input ${at} comes, is not followed by a quantiser`
    : 'what it joins is not quantised';
}

/** The two streams of a joining node without links; or the node itself where it is no join, or none for the circuit. */
function streamsOf(
  node: Node,
  inputs: readonly (Carried | undefined)[],
  walk: Parameters<Rule>[2],
): readonly Carried[] | { readonly terms: readonly (readonly Integers[])[]; readonly shape: readonly number[] } {
  if (node.inputs.some((value) => value && constantTensor(value))) return elementwiseRule(node, inputs, walk);
  if (inputs.some((from) => from?.kind === 'host'))
    return onHost(node, inputs, `${node.op.name} of reals`, 'quantise its inputs in front of it');
  const terms = inputs.map((from) =>
    from?.kind === 'sum' ? (from.links.length === 0 ? from.terms : undefined) : [absorbAffine(from as Integers)],
  );
  if (!terms.every((list) => list?.every(({ links }) => links.length === 0)))
    return onHost(node, inputs, unquantised(inputs), quantiseThere);
  const { shape } = node.types[0]!;
  if (!node.inputs.every((value) => repeats(value!.type.shape, shape)))
    refuse(
      node,
      `it joins shapes ${node.inputs.map((value) => `[${value!.type.shape.join(', ')}]`).join(' and ')}`,
      'give both branches the same channels: pixels are repeated, channels are not (a convolution with as many outputs makes them)',
    );
  const whole = (terms as readonly (readonly Integers[])[]).map((list) => list.map((x) => repeated(x, shape, node)));
  return { terms: whole, shape };
}

/** Is a tensor broadcast to `shape` along spatial axes only, or not at all? */
const repeats = (own: readonly number[], shape: readonly number[]): boolean =>
  own.join() === shape.join() ||
  (own.length === shape.length && own.length > 2 && own[0] === shape[0] && own[1] === shape[1]);

/** A branch of one pixel, row or column, such as a gate of each channel, repeated over the image. */
function repeated(x: Integers, shape: readonly number[], { origin }: Node): Integers {
  if (x.base.type.shape.join() === shape.join()) return x;
  const wanted = constant(tensor(int(64), [shape.length], shape));
  return { ...x, base: apply(onnx('Expand'), [x.base, wanted], {}, [...origin, 'expand']) };
}

/**
 * s·p + b plus s·q + c is s·(p + q) + (b + c). Branches of unequal scale stay apart until the quantiser behind them
 * finds a grid for both.
 */
export const addRule: Rule = (node, inputs, walk) => {
  const made = streamsOf(node, inputs, walk);
  if (!('terms' in made)) return made;
  const negative = node.op === onnx('Sub');
  const terms = [...made.terms[0]!, ...made.terms[1]!.map((x) => (negative ? negated(opposite(x)) : x))];
  return [added(node, terms)];
};

/** Minus a tensor: scale and shift change their sign. */
const opposite = (x: Integers): Integers => ({
  ...x,
  scale: mapped(x.scale, (s) => -s),
  offset: mapped(x.offset, (o) => -o),
});

function added(node: Node, terms: readonly Integers[]): Carried {
  const rest: Integers[] = [];
  for (const given of terms) {
    // A negative scale is turned round first, so that branches of scale ±s meet.
    const x = isScalar(given.scale) && given.scale.data[0]! < 0 ? negated(given) : given;
    const at = rest.findIndex((one) => equal(one.scale, x.scale) && compatible(one, x));
    if (at < 0) {
      rest.push(x);
      continue;
    }
    const other = rest[at]!;
    rest[at] = {
      ...other,
      base: apply(onnx('Add'), [other.base, x.base], {}, node.origin),
      offset: combine(ranked(other.offset, other), ranked(x.offset, x), (a, b) => a + b)!,
      range: joined([other.range, x.range], total),
    };
  }
  const [only] = rest;
  if (rest.length === 1) return only!;
  return rest.every(({ scale }) => isScalar(scale))
    ? { kind: 'sum', terms: rest, links: [], node }
    : onHost(
        node,
        rest,
        'its branches have unequal scales, one of them a scale for each channel',
        'quantise both branches with one scale (the same, or one number each), behind any normalisation',
      )[0]!;
}

const ranked = (t: Tensor, x: Integers): Tensor => ofRank(t, x.base.type.shape.length);
const compatible = (a: Integers, b: Integers): boolean =>
  combine(ranked(a.offset, a), ranked(b.offset, b), (x, y) => x + y) !== undefined;

/** The product of two streams: scales multiply, and neither may have a shift. */
export const productRule: Rule = (node, inputs, walk) => {
  const made = streamsOf(node, inputs, walk);
  if (!('terms' in made)) return made;
  const [[a, more], [b, others]] = made.terms as [Integers[], Integers[]];
  if (more || others || !a || !b || !isZero(a.offset) || !isZero(b.offset))
    return onHost(
      node,
      inputs,
      'its factors are no quantised tensors without zero point',
      'quantise both factors in front of it, without a zero point',
    );
  const rank = made.shape.length;
  const scale = combine(ofRank(a.scale, rank), ofRank(b.scale, rank), (s, t) => s * t);
  if (!scale) return onHost(node, inputs, 'the scales of its factors vary along different axes');
  const range = joined([a.range, b.range], ([l, h] = [0, 0], [m, n] = [0, 0]) => {
    const ends = [l * m, l * n, h * m, h * n];
    return [Math.min(...ends), Math.max(...ends)];
  });
  return [{ ...a, base: apply(node.op, [a.base, b.base], {}, node.origin), scale, offset: ZERO, range }];
};

/** The greater, or the lesser, of two streams of one positive scale and one shift. */
export const extremeRule: Rule = (node, inputs, walk) => {
  if (node.inputs.length !== 2) return elementwiseRule(node, inputs, walk);
  const made = streamsOf(node, inputs, walk);
  if (!('terms' in made)) return made;
  const [[a, more], [b, others]] = made.terms as [Integers[], Integers[]];
  const alike = a && b && !more && !others && equal(a.scale, b.scale) && equal(a.offset, b.offset);
  if (!alike || !a.scale.data.every((s) => s > 0))
    return onHost(
      node,
      inputs,
      `its branches do not have the same positive scale (${a?.scale.data[0]} and ${b?.scale.data[0]})`,
      'quantise both branches with the same scale',
    );
  const pick = node.op === onnx('Max') ? Math.max : Math.min;
  const range = joined([a.range, b.range], ([l, h] = [0, 0], [m, n] = [0, 0]) => [pick(l, m), pick(h, n)]);
  return [{ ...a, base: apply(node.op, [a.base, b.base], {}, node.origin), range }];
};

/** Streams one behind the other; where their scales differ along the channels, each channel keeps its own. */
export const concatRule: Rule = (node, inputs) => {
  const terms = inputs.map((from) => (from?.kind === 'integers' ? absorbAffine(from) : undefined));
  if (!terms.every((x): x is Integers => x !== undefined && x.links.length === 0))
    return onHost(node, inputs, unquantised(inputs), quantiseThere);
  const rank = node.types[0]!.shape.length;
  const axis = (Number(node.attrs['axis'] ?? 1) + rank) % rank;
  const base = apply(
    node.op,
    terms.map((x) => x.base),
    node.attrs,
    node.origin,
  );
  const [first] = terms as [Integers, ...Integers[]];
  const one = (of: (x: Integers) => Tensor): Tensor | undefined => {
    if (terms.every((x) => isScalar(of(x)) && of(x).data[0] === of(first).data[0])) return of(first);
    if (axis !== 1) return undefined;
    const lists = terms.map((x) => perChannel(of(x), rank, channelsOf(x.base)));
    if (!lists.every((list) => list !== undefined)) return undefined;
    const data = lists.flatMap((list) => [...list!]);
    return tensor(FLOAT64, [1, data.length, ...new Array<number>(rank - 2).fill(1)], data);
  };
  const [scale, offset] = [one((x) => x.scale), one((x) => x.offset)];
  if (!scale || !offset)
    return onHost(
      node,
      inputs,
      'its branches have unequal scales along another axis than the channels',
      'quantise the branches with the same scale',
    );
  return [{ kind: 'integers', base, scale, offset, links: [], range: concatenated(terms, axis) }];
};

function concatenated(terms: readonly Integers[], axis: number): Range {
  const lists = terms.map(({ range, base }) => {
    const spread = (list: Float64Array): number[] =>
      list.length === 1 ? new Array<number>(channelsOf(base)).fill(list[0]!) : [...list];
    return [spread(range.min), spread(range.max)] as const;
  });
  const mins = lists.flatMap(([min]) => min);
  const maxs = lists.flatMap(([, max]) => max);
  if (axis === 1) return { min: Float64Array.from(mins), max: Float64Array.from(maxs) };
  return { min: Float64Array.of(Math.min(...mins)), max: Float64Array.of(Math.max(...maxs)) };
}

/** integers · factor, where the factor is not 1. */
export function times(base: Value, factor: number, origin: readonly string[]): Value {
  if (factor === 1) return base;
  return apply(onnx('Mul'), [base, constant(tensor(smallest(factor, factor), [], [factor]))], {}, origin);
}

/** Greatest factor with which a sum's terms are brought to one grid. */
const MOST = 4096;

/**
 * A sum as integers of one scale, where its scales are small multiples of one to within binary32; for what reads a sum
 * and is no quantiser.
 */
export function settled(sum: Sum): Integers | undefined {
  const least = Math.min(...sum.terms.map(({ scale }) => scale.data[0]!));
  for (let n = 1; n <= MOST; n += 1) {
    const factors = sum.terms.map(({ scale }) => (scale.data[0]! / least) * n);
    if (!factors.every((f) => Math.abs(f - Math.round(f)) <= f * 2 ** -23)) continue;
    return together(sum, factors.map(Math.round), least / n);
  }
  return undefined;
}

/** Sums that were made, by their terms and factors: two quantisers behind one sum read the same one. */
const made = new WeakMap<readonly Integers[], Map<string, Value>>();

function summed({ terms, node }: Sum, factors: readonly number[]): Value {
  const known = made.get(terms) ?? new Map<string, Value>();
  made.set(terms, known);
  const key = factors.join();
  const { origin } = node;
  let base = known.get(key);
  if (!base) {
    const [first, ...rest] = terms.map((x, i) => times(x.base, factors[i]!, origin)) as [Value, ...Value[]];
    base = rest.reduce((a, b) => apply(onnx('Add'), [a, b], {}, origin), first);
    known.set(key, base);
  }
  return base;
}

/** Σ factor · base, of one scale, with the sum's links. */
export function together(sum: Sum, factors: readonly number[], unit: number): Integers {
  const { terms, links, node } = sum;
  const base = summed(sum, factors);
  const ranges = terms.map(({ range }, i) =>
    joined([range], ([low, high] = [0, 0]) => [low * factors[i]!, high * factors[i]!]),
  );
  const offset = terms
    .map((x) => ranked(x.offset, x))
    .reduce(
      (a, b) =>
        combine(a, b, (v, w) => v + w) ??
        refuse(node, 'the shifts of its branches vary along different axes', 'use one shift, or one a channel'),
    );
  return { kind: 'integers', base, scale: tensor(FLOAT64, [], [unit]), offset, links, range: joined(ranges, total) };
}
