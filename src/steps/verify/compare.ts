import { FinnError, fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { extremes } from '../../ir/tensor.ts';
import type { Difference } from './verdict.ts';

/** Index along each axis of the `flat`-th element of a row-major shape. */
export function indexOf(flat: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  let rest = flat;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}

/**
 * First element that differs, or −1. Integers must be equal; reals may differ by 1e-6 of the largest magnitude
 * (product.md: the order of binary32 additions differs between implementations).
 */
export function firstDifference(expected: Tensor, found: Tensor): number {
  const [a, b] = [expected.data, found.data];
  const exact = expected.dtype.integer || expected.data.every(Number.isInteger);
  const [min, max] = extremes(a);
  const slack = exact ? 0 : 1e-6 * Math.max(Math.abs(min), Math.abs(max));
  for (let i = 0; i < a.length; i += 1) if (!(Math.abs(a[i]! - b[i]!) <= slack)) return i;
  return -1;
}

/** Fails the stage, and says where. */
export function mismatch(
  stage: string,
  { where, origin, vector, element, expected, found }: Difference,
  hint?: string,
): never {
  return fail(
    'verify/mismatch',
    `after ${stage}, vector ${vector}: ${where} gives ${found} at [${element.join(', ')}] where ${expected} is right`,
    { at: inNetwork(origin), hint },
  );
}

/** Runs a comparison; where it fails, its diagnostics name those who are suspected. */
export function suspecting<T>(suspects: string | undefined, compare: () => T): T {
  if (suspects === undefined) return compare();
  try {
    return compare();
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    const named = cause.diagnostics.map((one) => ({ ...one, hint: one.hint ? `${suspects}; ${one.hint}` : suspects }));
    throw new FinnError(...named);
  }
}
