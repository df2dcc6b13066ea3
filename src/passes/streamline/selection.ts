import { BINARY, smallest } from '../../ir/datatype.ts';
import { apply, constant, node as makeNode, output } from '../../ir/graph.ts';
import { extremes, tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import { type Integers, isScalar, ONE, ZERO } from './carried.ts';
import { absorbAffine, linksAreUniform } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';
import { chainFunction } from './thresholds.ts';

/**
 * TopK and ArgMax choose the same places among integers as among reals where one strictly rising function leads from
 * the ones to the others, ties included. Only the places can come from integers; the values stay on the host.
 */
export const selectionRule: Rule = (node, inputs) => {
  const given = inputs[0]!;
  if (given.kind !== 'integers') return onHost(node, inputs, 'it selects among reals');
  const from = withWholeShift(given, Number(node.attrs['axis'] ?? -1));
  const reason = risesStrictly(from);
  if (reason) return onHost(node, inputs, reason);
  const made = makeNode(node.op, [from.base, ...node.inputs.slice(1)], node.attrs, node.origin, node.types.length);
  const last = node.types.length - 1;
  return node.types.map((_, index) =>
    index === last
      ? { kind: 'integers', base: output(made, index), scale: ONE, offset: ZERO, links: [], range: indexRange(from) }
      : { kind: 'host', side: 'behind', value: output(node, index), because: { node, reason: 'its values are real' } },
  );
};

/** How far from a whole number of scales a shift may be: binary32's rounding of a bias that is quantised with that scale. */
const WHOLE = 2 ** -18;

/**
 * A shift of each channel by whole multiples of one scale, as a dense layer's quantised bias is, added to the integers: their
 * order is then that of the reals.
 */
function withWholeShift(given: Integers, axis: number): Integers {
  const { shape } = given.base.type;
  const from = absorbAffine(given);
  const last = axis === -1 || axis === shape.length - 1;
  if (!last || isScalar(from.offset) || !isScalar(from.scale) || from.offset.data.length !== shape.at(-1)) return given;
  const scale = from.scale.data[0]!;
  const whole = from.offset.data.map((o) => Math.round(o / scale));
  if (!from.offset.data.every((o, i) => Math.abs(o / scale - whole[i]!) <= WHOLE * Math.max(1, Math.abs(whole[i]!))))
    return given;
  const [low, high] = extremes(whole);
  const row = constant(tensor(smallest(Math.min(0, low), Math.max(0, high)), [whole.length], whole));
  const { range } = from;
  const at = (bound: Float64Array, c: number): number => bound[bound.length === 1 ? 0 : c]!;
  const perChannel = shape.length === 2;
  const shifted = (bound: Float64Array, end: number): Float64Array =>
    perChannel ? Float64Array.from(whole, (w, c) => at(bound, c) + w) : bound.map((v) => v + end);
  return {
    ...from,
    base: apply(onnx('Add'), [from.base, row], {}, given.links[0]?.node.origin ?? []),
    offset: ZERO,
    range: { min: shifted(range.min, low), max: shifted(range.max, high) },
  };
}

const indexRange = (from: Integers) => ({
  min: Float64Array.of(0),
  max: Float64Array.of(Math.max(BINARY.max, (from.base.type.shape.at(-1) ?? 1) - 1)),
});

/** Integers that are tried one by one. */
const MOST = 1 << 20;

/** Why the chain is not one strictly rising function of every integer that can occur; undefined if it is. */
function risesStrictly({ scale, offset, links, range, base }: Integers): string | undefined {
  if (!isScalar(scale) || !isScalar(offset) || !linksAreUniform(links))
    return 'what lies before it differs from channel to channel';
  const low = Math.min(...range.min);
  const high = Math.max(...range.max);
  const count = Math.min(high - low + 1, MOST);
  const f = chainFunction({
    channels: 1,
    rank: base.type.shape.length,
    scale: Float64Array.from(scale.data),
    offset: Float64Array.from(offset.data),
    links,
  });
  // A wider range is sampled at its ends and evenly between, neighbours included.
  const half = Math.floor(count / 2);
  const points = Float64Array.from({ length: count }, (_, i) =>
    count === high - low + 1 ? low + i : low + Math.floor(((high - low - 1) * Math.floor(i / 2)) / half) + (i % 2),
  );
  const values = f(points);
  for (let i = 1; i < count; i += 1)
    if (points[i]! > points[i - 1]! && !(values[i]! > values[i - 1]!))
      return `it does not rise from ${points[i - 1]} to ${points[i]}`;
  return undefined;
}
