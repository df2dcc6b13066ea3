import type { Data } from '../../ir/tensor.ts';

/** Columns of B that are worked on at once, so that a stripe of the accumulators stays in the cache. */
const STRIPE = 1024;

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
  // One kind of array only, whatever is given: the loop below is then compiled for it.
  const left =
    a instanceof Float64Array ? a.subarray(aAt, aAt + m * k) : Float64Array.from(a.subarray(aAt, aAt + m * k));
  const right =
    b instanceof Float64Array ? b.subarray(bAt, bAt + k * n) : Float64Array.from(b.subarray(bAt, bAt + k * n));
  const sums = new Float64Array(Math.min(n, STRIPE));
  for (let from = 0; from < n; from += STRIPE) {
    const width = Math.min(STRIPE, n - from);
    for (let i = 0; i < m; i += 1) {
      sums.fill(0);
      accumulate(left, i * k, right, n, from, width, k, sums);
      const target = at + i * n + from;
      for (let c = 0; c < width; c += 1) out[target + c] = sums[c]!;
    }
  }
}

/** Adds to `sums` the product of one row of A and `width` columns of B, four terms at a time but in their order. */
function accumulate(
  a: Float64Array,
  row: number,
  b: Float64Array,
  n: number,
  from: number,
  width: number,
  k: number,
  sums: Float64Array,
): void {
  let j = 0;
  for (; j + 3 < k; j += 4) {
    const [f0, f1, f2, f3] = [a[row + j]!, a[row + j + 1]!, a[row + j + 2]!, a[row + j + 3]!];
    const [r0, r1, r2, r3] = [j * n + from, (j + 1) * n + from, (j + 2) * n + from, (j + 3) * n + from];
    for (let c = 0; c < width; c += 1) {
      sums[c] = sums[c]! + f0 * b[r0 + c]! + f1 * b[r1 + c]! + f2 * b[r2 + c]! + f3 * b[r3 + c]!;
    }
  }
  for (; j < k; j += 1) {
    const factor = a[row + j]!;
    const at = j * n + from;
    for (let c = 0; c < width; c += 1) sums[c]! += factor * b[at + c]!;
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
