import { BINARY, type DataType, FLOAT32, FLOAT64, int, uint } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, reshaped, retyped, sizeOf, stridesOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { expand } from './broadcast.ts';
import { define, type Site } from './define.ts';

/** An operator that only gives the elements another shape. */
function reshaping(name: string, arity: readonly [number, number], shapeOf: (site: Site) => readonly number[]): Op {
  return define({
    name,
    arity,
    infer: (site) => ({ dtype: site.type(0).dtype, shape: shapeOf(site) }),
    evaluate: ([x], _site, [type]) => reshaped(x!, type!.shape),
  });
}

/** Reshape: −1 stands for what is left, 0 for the size that axis has now (unless allowzero). */
function reshapeTo(site: Site): number[] {
  const from = site.shape(0);
  const wanted = site.integers(1, 'shape') ?? site.fail('onnx/input', 'its shape is missing');
  const keep = !site.flag('allowzero', false);
  const shape = wanted.map((n, i) => (n === 0 && keep ? (from[i] ?? 0) : n));
  const free = shape.indexOf(-1);
  const known = shape.reduce((product, n, i) => (i === free ? product : product * n), 1);
  if (free >= 0) shape[free] = sizeOf(from) / known;
  if (shape.some((n) => !Number.isInteger(n) || n < 0) || sizeOf(shape) !== sizeOf(from)) {
    site.fail(
      'onnx/shape',
      `[${from.join(', ')}] has ${sizeOf(from)} elements and cannot become [${wanted.join(', ')}]`,
    );
  }
  return shape;
}

function flattenTo(site: Site): number[] {
  const shape = site.shape(0);
  const given = site.integer('axis', 1);
  const axis = given === shape.length ? given : site.axis(given, Math.max(1, shape.length));
  return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
}

function squeezeTo(site: Site): number[] {
  const shape = site.shape(0);
  const axes = site.integers(1, 'axes')?.map((a) => site.axis(a, shape.length));
  const gone = new Set(axes ?? [...shape.keys()].filter((i) => shape[i] === 1));
  for (const axis of gone)
    if (shape[axis] !== 1) site.fail('onnx/shape', `axis ${axis} has ${shape[axis]} elements, not 1`);
  return shape.filter((_, i) => !gone.has(i));
}

function unsqueezeTo(site: Site): number[] {
  const shape = [...site.shape(0)];
  const axes = site.integers(1, 'axes') ?? site.fail('onnx/input', 'its axes are missing');
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((a) => site.axis(a, rank)));
  if (added.size !== axes.length) site.fail('onnx/shape', `axes ${axes.join(', ')} name one axis twice`);
  return Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : shape.shift()!));
}

/** The axes permuted: result axis i is input axis perm[i]. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const shape = perm.map((p) => x.shape[p]!);
  const steps = perm.map((p) => strides[p]!);
  const data = allocate(x.dtype, x.data.length);
  const last = shape.length - 1;
  if (last < 0) return x;
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < data.length; ) {
    for (let j = 0; j < shape[last]!; j += 1) data[i++] = x.data[at + j * steps[last]!]!;
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      at += steps[axis]!;
      if (index[axis]! < shape[axis]!) break;
      at -= steps[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return tensor(x.dtype, shape, data);
}

/** The permutation of a Transpose: reversed axes if it is left out. */
export function permutation(site: Site): number[] {
  const rank = site.shape(0).length;
  const perm =
    site.attrs['perm'] === undefined ? Array.from({ length: rank }, (_, i) => rank - 1 - i) : site.list('perm');
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== rank || sorted.some((p, i) => p !== i))
    site.illegal('perm', perm, `a permutation of 0 to ${rank - 1}`);
  return perm;
}

export const Transpose: Op = define({
  name: 'Transpose',
  arity: [1, 1],
  infer: (site) => ({ dtype: site.type(0).dtype, shape: permutation(site).map((p) => site.shape(0)[p]!) }),
  evaluate: ([x], site) => transpose(x!, permutation(site)),
});
export const Reshape: Op = reshaping('Reshape', [1, 2], reshapeTo);
export const Flatten: Op = reshaping('Flatten', [1, 1], flattenTo);
export const Squeeze: Op = reshaping('Squeeze', [1, 2], squeezeTo);
export const Unsqueeze: Op = reshaping('Unsqueeze', [1, 2], unsqueezeTo);
export const Identity: Op = reshaping('Identity', [1, 1], (site) => site.shape(0));

/** In inference Dropout passes its input on; the mask is not computed. */
const Dropout = define({
  name: 'Dropout',
  arity: [1, 3],
  infer: (site) => site.type(0),
  evaluate: ([x]) => x!,
});

const castTypes: ReadonlyMap<number, DataType> = new Map([
  [1, FLOAT32],
  [2, uint(8)],
  [3, int(8)],
  [4, uint(16)],
  [5, int(16)],
  [6, int(32)],
  [7, int(64)],
  [9, BINARY],
  [10, FLOAT32],
  [11, FLOAT64],
  [12, uint(32)],
  [13, uint(64)],
]);

/**
 * Cast to the element type numbered `to`. To floating point, integers stay what they are, only their storage changes; to an integer
 * type values are cut off toward 0 and wrapped, to bool they become 0 or 1.
 */
const Cast = define({
  name: 'Cast',
  arity: [1, 1],
  infer: (site) => {
    const to = site.integer('to', 0);
    const wanted = castTypes.get(to) ?? site.illegal('to', to, `an element type: ${[...castTypes.keys()].join(', ')}`);
    const { dtype, shape } = site.type(0);
    const narrower = dtype.integer && wanted.integer && dtype.min >= wanted.min && dtype.max <= wanted.max;
    const exact = dtype.integer && !wanted.integer && dtype.bits <= 24;
    return { dtype: (narrower && wanted !== int(64)) || exact ? dtype : wanted, shape };
  },
  evaluate: ([x], _site, [type]) => {
    const { dtype } = type!;
    if (dtype === x!.dtype || !dtype.integer) return retyped(x!, dtype);
    if (dtype === BINARY)
      return tensor(
        BINARY,
        x!.shape,
        Array.from(x!.data, (v) => (v === 0 ? 0 : 1)),
      );
    const wrap = (v: number): number => {
      const whole = BigInt(Number.isFinite(v) ? Math.trunc(v) : 0);
      return Number(dtype.signed ? BigInt.asIntN(dtype.bits, whole) : BigInt.asUintN(dtype.bits, whole));
    };
    return tensor(dtype, x!.shape, Array.from(x!.data, wrap));
  },
});

/** The dimensions of its input. The importer replaces it by a constant. */
const Shape = define({
  name: 'Shape',
  arity: [1, 1],
  infer: (site) => ({ dtype: int(64), shape: [dimensions(site).length] }),
  evaluate: (_inputs, site) => tensor(int(64), [dimensions(site).length], dimensions(site)),
});

/** The dimensions that a Shape node gives, of an input of any kind. */
export function dimensions(site: Site): readonly number[] {
  const end = site.attrs['end'] === undefined ? undefined : site.integer('end', 0);
  return site.shape(0).slice(site.integer('start', 0), end);
}

const Size = define({
  name: 'Size',
  arity: [1, 1],
  infer: () => ({ dtype: int(64), shape: [] }),
  evaluate: ([x]) => tensor(int(64), [], [x!.data.length]),
});

const Expand = define({
  name: 'Expand',
  arity: [2, 2],
  infer: (site) => {
    const wanted = site.integers(1, 'shape')!;
    const own = site.shape(0);
    const rank = Math.max(own.length, wanted.length);
    const shape = Array.from({ length: rank }, (_, i) => {
      const [m, n] = [own[own.length - rank + i] ?? 1, wanted[wanted.length - rank + i] ?? 1];
      if ((m !== n && m !== 1 && n !== 1) || n < 1) {
        site.fail('onnx/shape', `[${own.join(', ')}] does not expand to [${wanted.join(', ')}]`);
      }
      return m === 1 ? n : m;
    });
    return { dtype: site.type(0).dtype, shape };
  },
  evaluate: ([x], _site, [type]) => expand(x!, type!.shape),
});

/** Operators that leave values alone: other shapes, other order of axes, other storage. */
export const movement: readonly Op[] = [
  ...[Reshape, Flatten, Squeeze, Unsqueeze, Identity, Transpose],
  ...[Dropout, Cast, Shape, Size, Expand],
];
