import type { DataType } from '../../ir/datatype.ts';
import { allocate, type Tensor, tensor } from '../../ir/tensor.ts';

/** Steps by which a broadcast input moves along each axis of the result: 0 where it has one element. */
function steps(shape: readonly number[], from: readonly number[]): number[] {
  const out = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let i = from.length - 1; i >= 0; i -= 1) {
    out[shape.length - from.length + i] = from[i] === 1 ? 0 : stride;
    stride *= from[i]!;
  }
  return out;
}

/** Calls `visit(i, offsets)` for each element i of `shape` in order, with the matching offset into each input. */
function walk(
  shape: readonly number[],
  inputs: readonly Tensor[],
  visit: (i: number, at: readonly number[]) => void,
): void {
  const size = shape.reduce((product, n) => product * n, 1);
  const moves = inputs.map((x) => steps(shape, x.shape));
  const at = inputs.map(() => 0);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < size; i += 1) {
    visit(i, at);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      for (let k = 0; k < at.length; k += 1) at[k]! += moves[k]![axis]!;
      if (index[axis]! < shape[axis]!) break;
      for (let k = 0; k < at.length; k += 1) at[k]! -= moves[k]![axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/**
 * Calls `visit(from, to, offsets)` for stretches of `shape`, in order, within which none of the parameters changes;
 * `offsets` are the matching offsets into the parameters.
 */
export function stretches(
  shape: readonly number[],
  parameters: readonly Tensor[],
  visit: (from: number, to: number, at: readonly number[]) => void,
): void {
  const moves = parameters.map((x) => steps(shape, x.shape));
  let axis = shape.length;
  let length = 1;
  while (axis > 0 && moves.every((m) => m[axis - 1] === 0)) {
    axis -= 1;
    length *= shape[axis]!;
  }
  walk(
    shape.slice(0, axis),
    parameters.map((x) => trimmed(x, shape.length - axis)),
    (i, at) => visit(i * length, (i + 1) * length, at),
  );
}

/** The tensor without its last axes, all of length 1. */
function trimmed(x: Tensor, count: number): Tensor {
  return tensor(x.dtype, x.shape.slice(0, Math.max(0, x.shape.length - count)), x.data);
}

/** f applied to each element. Storage of FLOAT32 rounds the result to binary32. */
export function map(x: Tensor, dtype: DataType, f: (x: number) => number): Tensor {
  const data = allocate(dtype, x.data.length);
  for (let i = 0; i < data.length; i += 1) data[i] = f(x.data[i]!);
  return tensor(dtype, x.shape, data);
}

/** f applied to each pair of elements, broadcast to `shape`. Storage of FLOAT32 rounds the result to binary32. */
export function zip(
  a: Tensor,
  b: Tensor,
  dtype: DataType,
  shape: readonly number[],
  f: (a: number, b: number) => number,
): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const data = allocate(dtype, size);
  if (b.data.length === 1 && a.data.length === size) {
    const y = b.data[0]!;
    for (let i = 0; i < size; i += 1) data[i] = f(a.data[i]!, y);
  } else if (a.data.length === size && b.data.length === size) {
    for (let i = 0; i < size; i += 1) data[i] = f(a.data[i]!, b.data[i]!);
  } else {
    walk(shape, [a, b], (i, at) => {
      data[i] = f(a.data[at[0]!]!, b.data[at[1]!]!);
    });
  }
  return tensor(dtype, shape, data);
}

/** f applied to each triple (or more) of elements, broadcast to `shape`. */
export function zipAll(
  inputs: readonly Tensor[],
  dtype: DataType,
  shape: readonly number[],
  f: (values: readonly number[]) => number,
): Tensor {
  const data = allocate(
    dtype,
    shape.reduce((product, n) => product * n, 1),
  );
  const values = inputs.map((x) => x.data[0] ?? 0);
  const [first, ...rest] = inputs;
  if (first && first.data.length === data.length && rest.every((x) => x.data.length === 1)) {
    for (let i = 0; i < data.length; i += 1) {
      values[0] = first.data[i]!;
      data[i] = f(values);
    }
    return tensor(dtype, shape, data);
  }
  walk(shape, inputs, (i, at) => {
    for (let k = 0; k < inputs.length; k += 1) values[k] = inputs[k]!.data[at[k]!]!;
    data[i] = f(values);
  });
  return tensor(dtype, shape, data);
}

/** The tensor repeated to `shape`. */
export const expand = (x: Tensor, shape: readonly number[]): Tensor => zipAll([x], x.dtype, shape, ([v]) => v!);
