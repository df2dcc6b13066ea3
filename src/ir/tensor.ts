import { bug, fail } from '../diagnostics/diagnostic.ts';
import { type DataType, FLOAT32 } from './datatype.ts';

/** Storage of tensors: binary32 for FLOAT32, binary64 for everything else (every integer up to 2^53 is exact). */
export type Data = Float32Array | Float64Array;

/** An n-dimensional array, row-major. Treated as immutable once made. */
export interface Tensor {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Zeroed storage for `size` elements of `dtype`. Fails with onnx/too-large where the machine has not so much memory. */
export function allocate(dtype: DataType, size: number): Data {
  try {
    return dtype === FLOAT32 ? new Float32Array(size) : new Float64Array(size);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return fail('onnx/too-large', `there is no memory for a tensor of ${size} elements`);
  }
}

export function tensor(dtype: DataType, shape: readonly number[], data: Data | readonly number[]): Tensor {
  const size = sizeOf(shape);
  if (data.length !== size) bug(`tensor of shape [${shape}] given ${data.length} elements`);
  const wanted = dtype === FLOAT32 ? Float32Array : Float64Array;
  return { dtype, shape, data: data instanceof wanted ? data : wanted.from(data as ArrayLike<number>) };
}

export const scalar = (dtype: DataType, value: number): Tensor => tensor(dtype, [], [value]);

/** The same elements under another shape of equal size. */
export const reshaped = (x: Tensor, shape: readonly number[]): Tensor => tensor(x.dtype, shape, x.data);

/** The same values under another type; storage is converted where it must be. */
export const retyped = (x: Tensor, dtype: DataType): Tensor => (x.dtype === dtype ? x : tensor(dtype, x.shape, x.data));

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Shape of the result of NumPy broadcasting, or undefined if the shapes do not fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i += 1) {
    const m = a[a.length - rank + i] ?? 1;
    const n = b[b.length - rank + i] ?? 1;
    if (m !== n && m !== 1 && n !== 1) return undefined;
    out[i] = m === 1 ? n : m;
  }
  return out;
}

/** Least and greatest element; NaN counts as neither. [Infinity, -Infinity] for no elements. */
export function extremes(data: ArrayLike<number>): [number, number] {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < data.length; i += 1) {
    const v = data[i]!;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  return [min, max];
}
