import { int } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, sizeOf, stridesOf, tensor } from '../../ir/tensor.ts';
import { define, floatOf, integerRange, isInteger, rounder, type Site } from './define.ts';

interface Reduction {
  readonly axes: ReadonlySet<number>;
  readonly shape: readonly number[];
  /** Elements that make one result. */
  readonly count: number;
}

function reductionOf(site: Site): Reduction {
  const shape = site.shape(0);
  const given = site.integers(1, 'axes') ?? [];
  const all = given.length === 0 && !site.flag('noop_with_empty_axes', false);
  const axes = new Set(all ? shape.keys() : given.map((a) => site.axis(a, shape.length)));
  const keep = site.flag('keepdims', true);
  return {
    axes,
    shape: shape.flatMap((n, i) => (axes.has(i) ? (keep ? [1] : []) : [n])),
    count: [...axes].reduce((product, a) => product * shape[a]!, 1),
  };
}

/** For each element of the input, which element of the result it belongs to. */
function belonging(shape: readonly number[], axes: ReadonlySet<number>): Uint32Array {
  const kept = stridesOf(shape.map((n, i) => (axes.has(i) ? 1 : n)));
  const strides = stridesOf(shape);
  const out = new Uint32Array(sizeOf(shape));
  for (let i = 0; i < out.length; i += 1) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis += 1) {
      if (!axes.has(axis)) at += (Math.floor(i / strides[axis]!) % shape[axis]!) * kept[axis]!;
    }
    out[i] = at;
  }
  return out;
}

/** Sums are exact for integers and otherwise taken in binary64 and rounded once; a mean divides the rounded sum. */
function reduction(name: string, kind: 'sum' | 'mean' | 'max' | 'min' | 'product'): Op {
  const start = { sum: 0, mean: 0, max: -Infinity, min: Infinity, product: 1 }[kind];
  const step = {
    sum: (a: number, b: number) => a + b,
    mean: (a: number, b: number) => a + b,
    max: Math.max,
    min: Math.min,
    product: (a: number, b: number) => a * b,
  }[kind];
  return define({
    name,
    arity: [1, 2],
    infer: (site) => {
      const { shape, count } = reductionOf(site);
      const from = site.type(0);
      if (kind === 'max' || kind === 'min') return { dtype: from.dtype, shape };
      if (kind === 'sum' && isInteger(from)) {
        const { min, max, bits } = from.dtype;
        return {
          dtype: bits === 64 ? from.dtype : integerRange(Math.min(0, min * count), Math.max(0, max * count)),
          shape,
        };
      }
      return { dtype: kind === 'product' && from.dtype === int(64) ? from.dtype : floatOf(from), shape };
    },
    evaluate: ([x], site, [type]) => {
      const { axes, count } = reductionOf(site);
      const round = rounder(type!.dtype);
      const target = belonging(x!.shape, axes);
      const sums = new Float64Array(sizeOf(type!.shape)).fill(start);
      for (let i = 0; i < target.length; i += 1) sums[target[i]!] = step(sums[target[i]!]!, x!.data[i]!);
      const data = allocate(type!.dtype, sums.length);
      for (let i = 0; i < data.length; i += 1) data[i] = kind === 'mean' ? round(sums[i]!) / count : sums[i]!;
      return tensor(type!.dtype, type!.shape, data);
    },
  });
}

function axisOf(site: Site, otherwise: number): { axis: number; length: number; inner: number } {
  const shape = site.shape(0);
  const axis = site.axis(site.integer('axis', otherwise), shape.length);
  return { axis, length: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

/** Index of the greatest (or least) element along an axis; ties go to the lowest index, or to the last. */
function arg(name: string, better: (a: number, b: number) => boolean): Op {
  return define({
    name,
    arity: [1, 1],
    infer: (site) => {
      const { axis } = axisOf(site, 0);
      const shape = site.shape(0);
      return { dtype: int(64), shape: site.flag('keepdims', true) ? shape.with(axis, 1) : shape.toSpliced(axis, 1) };
    },
    evaluate: ([x], site, [type]) => {
      const { length, inner } = axisOf(site, 0);
      const last = site.flag('select_last_index', false);
      const data = allocate(int(64), sizeOf(type!.shape));
      for (let lane = 0; lane < data.length; lane += 1) {
        const start = Math.floor(lane / inner) * length * inner + (lane % inner);
        let best = 0;
        for (let i = 1; i < length; i += 1) {
          const [a, b] = [x!.data[start + i * inner]!, x!.data[start + best * inner]!];
          if (better(a, b) || (last && a === b)) best = i;
        }
        data[lane] = best;
      }
      return tensor(int(64), type!.shape, data);
    },
  });
}

function topk(site: Site): { axis: number; length: number; inner: number; k: number } {
  const k = site.integers(1, 'k')?.[0] ?? site.fail('onnx/input', 'its k is missing');
  const where = axisOf(site, -1);
  if (k < 1 || k > where.length) {
    site.fail('onnx/shape', `the ${k} greatest of ${where.length} elements are asked for`, `k is 1 to ${where.length}`);
  }
  return { ...where, k };
}

/** The k greatest (or least) elements along an axis, best first, and their indices; ties go to the lower index. */
const TopK = define({
  name: 'TopK',
  arity: [1, 2],
  outputs: 2,
  infer: (site) => {
    const { axis, k } = topk(site);
    const shape = site.shape(0).with(axis, k);
    return [
      { dtype: site.type(0).dtype, shape },
      { dtype: int(64), shape },
    ].slice(0, site.context.outputs);
  },
  evaluate: ([x], site, types) => {
    const { length, inner, k } = topk(site);
    const sign = site.flag('largest', true) ? 1 : -1;
    const { shape, dtype } = types[0]!;
    const values = allocate(dtype, sizeOf(shape));
    const indices = allocate(int(64), values.length);
    for (let lane = 0; lane < values.length / k; lane += 1) {
      const outer = Math.floor(lane / inner);
      const from = outer * length * inner + (lane % inner);
      const order = Array.from({ length }, (_, i) => i);
      order.sort((a, b) => sign * (x!.data[from + b * inner]! - x!.data[from + a * inner]!) || a - b);
      for (let i = 0; i < k; i += 1) {
        const to = outer * k * inner + i * inner + (lane % inner);
        values[to] = x!.data[from + order[i]! * inner]!;
        indices[to] = order[i]!;
      }
    }
    return [tensor(dtype, shape, values), tensor(int(64), shape, indices)].slice(0, types.length);
  },
});

/** Operators that make one element of many. */
export const reductions: readonly Op[] = [
  reduction('ReduceSum', 'sum'),
  reduction('ReduceMean', 'mean'),
  reduction('ReduceMax', 'max'),
  reduction('ReduceMin', 'min'),
  reduction('ReduceProd', 'product'),
  arg('ArgMax', (a, b) => a > b),
  arg('ArgMin', (a, b) => a < b),
  TopK,
];
