import type { Data } from '../../ir/tensor.ts';

/** Columns of B that are worked on at once, so that a stripe of the accumulators stays in the cache. */
const STRIPE = 512;

/**
 * C[m×n] = A[m×k] · B[k×n] in binary64: exact for integers, and for others summed in the order of k. `out` is written
 * from `at` on and rounds once if it is binary32. Offsets select one matrix of a batch.
 */
export function multiply(
  [m, k, n]: readonly [number, number, number],
  a: Data,
  aAt: number,
  b: Data,
  bAt: number,
  out: Data,
  at: number,
): void {
  const sums = new Float64Array(Math.min(n, STRIPE));
  for (let from = 0; from < n; from += STRIPE) {
    const width = Math.min(STRIPE, n - from);
    for (let i = 0; i < m; i += 1) {
      sums.fill(0);
      for (let j = 0; j < k; j += 1) {
        const factor = a[aAt + i * k + j]!;
        const row = bAt + j * n + from;
        for (let c = 0; c < width; c += 1) sums[c]! += factor * b[row + c]!;
      }
      const target = at + i * n + from;
      for (let c = 0; c < width; c += 1) out[target + c] = sums[c]!;
    }
  }
}

/** The transpose of a rows×columns matrix. */
export function transposed(data: Data, rows: number, columns: number): Data {
  const out = data instanceof Float32Array ? new Float32Array(data.length) : new Float64Array(data.length);
  for (let i = 0; i < rows; i += 1) {
    for (let j = 0; j < columns; j += 1) out[j * rows + i] = data[i * columns + j]!;
  }
  return out;
}
