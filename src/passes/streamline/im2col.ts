import { apply } from '../../ir/graph.ts';
import { isScalar, isZero } from './carried.ts';
import { absorbAffine } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';

/** FINN's windows of an image that is channels-last already: elements move, and padding is an integer as it stands. */
export const im2colRule: Rule = (node, inputs) => {
  const given = inputs[0]!;
  if (given.kind !== 'integers') return onHost(node, inputs, 'it moves reals');
  const from = absorbAffine(given);
  const pad = Number(node.attrs['pad_value'] ?? 0);
  const padded = ((node.attrs['pad_amount'] as readonly number[] | undefined) ?? []).some((n) => n > 0);
  if (from.links.length > 0 || !isScalar(from.scale) || !isScalar(from.offset))
    return onHost(node, inputs, 'what lies before it is not quantised with one scale');
  if (padded && (pad !== 0 || !isZero(from.offset))) return onHost(node, inputs, `it pads with the real ${pad}`);
  const low = Math.min(...from.range.min, ...(padded ? [0] : []));
  const high = Math.max(...from.range.max, ...(padded ? [0] : []));
  const base = apply(node.op, [from.base], node.attrs, node.origin);
  return [{ ...from, base, range: { min: Float64Array.of(low), max: Float64Array.of(high) } }];
};
