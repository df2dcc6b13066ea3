import { int, parseDataType } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, reshaped, sizeOf, stridesOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { common, define, floatOf, type Site } from './define.ts';
import { transpose } from './movement.ts';

/**
 * Elements of x picked axis by axis: result index i along an axis is input index picks[axis][i], where −1 (only in Pad) stands for
 * `fill`.
 */
function pick(x: Tensor, picks: readonly (readonly number[])[], fill = 0): Tensor {
  const shape = picks.map((list) => list.length);
  const strides = stridesOf(x.shape);
  const data = allocate(x.dtype, sizeOf(shape));
  let position = 0;
  const descend = (axis: number, at: number): void => {
    if (axis === shape.length) {
      data[position++] = at < 0 ? fill : x.data[at]!;
      return;
    }
    for (const index of picks[axis]!) descend(axis + 1, at < 0 || index < 0 ? -1 : at + index * strides[axis]!);
  };
  if (data.length > 0) descend(0, 0);
  return tensor(x.dtype, shape, data);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const Concat = define({
  name: 'Concat',
  arity: [1, 4096],
  infer: (site) => {
    const first = site.shape(0);
    const axis = site.axis(site.integer('axis', 1), first.length);
    let dtype = site.type(0).dtype;
    let length = 0;
    for (const i of site.inputs.keys()) {
      const shape = site.shape(i);
      if (shape.length !== first.length || shape.some((n, a) => a !== axis && n !== first[a])) {
        site.fail('onnx/shape', `[${first.join(', ')}] and [${shape.join(', ')}] cannot be joined along axis ${axis}`);
      }
      dtype = common(dtype, site.type(i).dtype);
      length += shape[axis]!;
    }
    return { dtype, shape: first.with(axis, length) };
  },
  evaluate: (inputs, site, [type]) => {
    const { shape, dtype } = type!;
    const axis = site.axis(site.integer('axis', 1), shape.length);
    const inner = sizeOf(shape.slice(axis + 1));
    const data = allocate(dtype, sizeOf(shape));
    let at = 0;
    for (let o = 0; o < sizeOf(shape.slice(0, axis)); o += 1) {
      for (const x of inputs) {
        const run = x!.shape[axis]! * inner;
        data.set(x!.data.subarray(o * run, (o + 1) * run), at);
        at += run;
      }
    }
    return tensor(dtype, shape, data);
  },
});

function splitLengths(site: Site): { axis: number; lengths: number[] } {
  const shape = site.shape(0);
  const axis = site.axis(site.integer('axis', 0), shape.length);
  const count = site.context.outputs;
  const whole = shape[axis]!;
  const part = Math.ceil(whole / count);
  const equal = range(count).map((i) => Math.max(0, Math.min(part, whole - i * part)));
  const lengths = site.integers(1, 'split') ?? equal;
  if (lengths.length !== count || lengths.some((n) => n < 0) || lengths.reduce((a, b) => a + b, 0) !== whole) {
    site.fail('onnx/shape', `axis ${axis} of [${shape.join(', ')}] does not split into ${lengths.join(' + ')}`);
  }
  return { axis, lengths };
}

const Split = define({
  name: 'Split',
  arity: [1, 2],
  outputs: 4096,
  infer: (site) => {
    const { axis, lengths } = splitLengths(site);
    return lengths.map((n) => ({ dtype: site.type(0).dtype, shape: site.shape(0).with(axis, n) }));
  },
  evaluate: ([x], site) => {
    const { axis, lengths } = splitLengths(site);
    let start = 0;
    return lengths.map((n) => {
      const from = start;
      start += n;
      return pick(
        x!,
        x!.shape.map((length, a) => (a === axis ? range(n).map((i) => i + from) : range(length))),
      );
    });
  },
});

/** For each axis, the input indices that a Slice takes. */
function sliceOf(site: Site): number[][] {
  const shape = site.shape(0);
  const picks: (readonly [start: number, count: number, step: number])[] = shape.map((n) => [0, n, 1]);
  const starts = site.integers(1, 'starts') ?? site.fail('onnx/input', 'its starts are missing');
  const ends = site.integers(2, 'ends') ?? site.fail('onnx/input', 'its ends are missing');
  const axes = site.integers(3, 'axes') ?? range(starts.length);
  const steps = site.integers(4, 'steps') ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length)) {
    site.fail('onnx/shape', 'its starts, ends, axes and steps have different lengths');
  }
  axes.forEach((given, i) => {
    const axis = site.axis(given, shape.length);
    const n = shape[axis]!;
    const step = steps[i]!;
    if (step === 0) site.fail('onnx/input', `its step along axis ${axis} is 0`);
    const low = step > 0 ? 0 : -1;
    const high = step > 0 ? n : n - 1;
    const bound = (v: number): number => Math.min(Math.max(v < 0 ? v + n : v, low), high);
    const [start, end] = [bound(starts[i]!), bound(ends[i]!)];
    picks[axis] = [start, Math.max(0, Math.ceil((end - start) / step)), step];
  });
  return picks.map(([start, count, step]) => range(count).map((i) => start + i * step));
}

const Slice = define({
  name: 'Slice',
  arity: [1, 5],
  infer: (site) => ({ dtype: site.type(0).dtype, shape: sliceOf(site).map((list) => list.length) }),
  evaluate: ([x], site) => pick(x!, sliceOf(site)),
});

const Gather = define({
  name: 'Gather',
  arity: [2, 2],
  infer: (site) => {
    const shape = site.shape(0);
    const axis = site.axis(site.integer('axis', 0), shape.length);
    const given = site.inputs[1];
    const bad =
      given?.kind === 'constant' &&
      given.tensor.data.find((v) => !Number.isInteger(v) || v < -shape[axis]! || v >= shape[axis]!);
    if (typeof bad === 'number')
      site.fail('onnx/input', `index ${bad} is not in axis ${axis} of ${shape[axis]} elements`);
    return { dtype: site.type(0).dtype, shape: [...shape.slice(0, axis), ...site.shape(1), ...shape.slice(axis + 1)] };
  },
  evaluate: ([x, indices], site, [type]) => {
    const axis = site.axis(site.integer('axis', 0), x!.shape.length);
    const n = x!.shape[axis]!;
    const list = Array.from(indices!.data, (i) => {
      if (!Number.isInteger(i) || i < -n || i >= n)
        site.fail('onnx/input', `index ${i} is not in axis ${axis} of ${n} elements`);
      return i < 0 ? i + n : i;
    });
    return reshaped(
      pick(
        x!,
        x!.shape.map((length, a) => (a === axis ? list : range(length))),
      ),
      type!.shape,
    );
  },
});

interface Padding {
  readonly picks: number[][];
  readonly before: readonly number[];
  readonly after: readonly number[];
}
function paddingOf(site: Site): Padding {
  const shape = site.shape(0);
  const mode = site.choice('mode', ['constant', 'reflect', 'edge', 'wrap'], 'constant');
  const pads = site.integers(1, 'pads') ?? site.fail('onnx/input', 'its pads are missing');
  const axes = (site.integers(3, 'axes') ?? range(shape.length)).map((a) => site.axis(a, shape.length));
  if (pads.length !== 2 * axes.length) site.fail('onnx/shape', `it has ${pads.length} pads for ${axes.length} axes`);
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i]!;
    after[axis] = pads[i + axes.length]!;
  });
  if (pads.some((n) => n > 2 ** 24)) site.fail('onnx/too-large', `it pads by ${Math.max(...pads)}`);
  const picks = shape.map((n, axis) => {
    const length = n + before[axis]! + after[axis]!;
    if (length < 0) site.fail('onnx/shape', `axis ${axis} would have ${length} elements`);
    return range(length).map((i) => source(i - before[axis]!, n, mode));
  });
  return { picks, before, after };
}
function source(i: number, n: number, mode: 'constant' | 'reflect' | 'edge' | 'wrap'): number {
  if (i >= 0 && i < n) return i;
  if (mode === 'constant' || n === 0) return -1;
  if (mode === 'edge') return i < 0 ? 0 : n - 1;
  if (mode === 'wrap') return ((i % n) + n) % n;
  const period = Math.max(1, 2 * (n - 1));
  const j = ((i % period) + period) % period;
  return j < n ? j : period - j;
}

const Pad = define({
  name: 'Pad',
  arity: [1, 4],
  infer: (site) => {
    const { dtype } = site.type(0);
    const value = site.constant(2, 'value');
    const fits = !dtype.integer || (value?.data[0] ?? 0) === 0 || value?.dtype.integer;
    return {
      dtype: fits ? common(dtype, value?.dtype.integer ? value.dtype : dtype) : floatOf(site.type(0)),
      shape: paddingOf(site).picks.map((list) => list.length),
    };
  },
  evaluate: ([x, , value], site, [type]) => {
    const wide = tensor(type!.dtype, x!.shape, x!.data);
    return pick(wide, paddingOf(site).picks, value?.data[0] ?? 0);
  },
});

const Tile = define({
  name: 'Tile',
  arity: [2, 2],
  infer: (site) => {
    const shape = site.shape(0);
    const repeats = site.integers(1, 'repeats')!;
    if (repeats.length !== shape.length || repeats.some((n) => n < 0)) {
      site.fail('onnx/shape', `[${shape.join(', ')}] cannot be repeated [${repeats.join(', ')}] times`);
    }
    return { dtype: site.type(0).dtype, shape: shape.map((n, i) => n * repeats[i]!) };
  },
  evaluate: ([x], _site, [type]) =>
    pick(
      x!,
      type!.shape.map((length, axis) => range(length).map((i) => i % x!.shape[axis]!)),
    ),
});

/** Channels to pixels; mode DCR takes the block's position from the slow part of the channel, CRD from the fast part. */
const DepthToSpace = define({
  name: 'DepthToSpace',
  arity: [1, 1],
  infer: (site) => {
    const shape = site.shape(0);
    const block = site.integer('blocksize', 0);
    site.choice('mode', ['DCR', 'CRD'], 'DCR');
    const [n, c, h, w] = shape;
    if (shape.length !== 4 || block < 1 || c! % (block * block) !== 0) {
      site.fail(
        'onnx/shape',
        `[${shape.join(', ')}] has no ${block}×${block} blocks`,
        'it takes N×C×H×W, C a multiple of blocksize²',
      );
    }
    return { dtype: site.type(0).dtype, shape: [n!, c! / (block * block), h! * block, w! * block] };
  },
  evaluate: ([x], site, [type]) => {
    const b = site.integer('blocksize', 0);
    const [n, c, h, w] = x!.shape as [number, number, number, number];
    const inner = c / (b * b);
    const moved =
      site.choice('mode', ['DCR', 'CRD'], 'DCR') === 'DCR'
        ? transpose(reshaped(x!, [n, b, b, inner, h, w]), [0, 3, 4, 1, 5, 2])
        : transpose(reshaped(x!, [n, inner, b, b, h, w]), [0, 1, 4, 2, 5, 3]);
    return reshaped(moved, type!.shape);
  },
});

const SpaceToDepth = define({
  name: 'SpaceToDepth',
  arity: [1, 1],
  infer: (site) => {
    const shape = site.shape(0);
    const block = site.integer('blocksize', 0);
    const [n, c, h, w] = shape;
    if (shape.length !== 4 || block < 1 || h! % block !== 0 || w! % block !== 0) {
      site.fail(
        'onnx/shape',
        `[${shape.join(', ')}] has no ${block}×${block} blocks`,
        'it takes N×C×H×W, H and W multiples of blocksize',
      );
    }
    return { dtype: site.type(0).dtype, shape: [n!, c! * block * block, h! / block, w! / block] };
  },
  evaluate: ([x], site, [type]) => {
    const b = site.integer('blocksize', 0);
    const [n, c, h, w] = x!.shape as [number, number, number, number];
    return reshaped(transpose(reshaped(x!, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), type!.shape);
  },
});

/** The number that a ConstantOfShape fills with, and its type; 0.0 if it does not say. */
function filling(site: Site): Tensor {
  const given = site.attrs['value'];
  if (given === undefined) return tensor(parseDataType('FLOAT32')!, [], [0]);
  const { dtype, values } = given as { dtype?: unknown; values?: unknown };
  const type = typeof dtype === 'string' ? parseDataType(dtype) : undefined;
  if (!type || !Array.isArray(values) || typeof values[0] !== 'number')
    return site.illegal('value', given, 'a tensor of one element');
  return tensor(type, [], [values[0]]);
}

const ConstantOfShape = define({
  name: 'ConstantOfShape',
  arity: [1, 1],
  infer: (site) => {
    const shape = site.integers(0, 'shape')!;
    if (shape.some((n) => n < 0)) site.fail('onnx/shape', `[${shape.join(', ')}] is no shape`);
    return { dtype: filling(site).dtype, shape };
  },
  evaluate: (_inputs, site, [type]) => {
    const data = allocate(type!.dtype, sizeOf(type!.shape)).fill(filling(site).data[0]!);
    return tensor(type!.dtype, type!.shape, data);
  },
});

/** Numbers from start, in steps of delta, below limit. */
const Range = define({
  name: 'Range',
  arity: [3, 3],
  infer: (site) => {
    const [start, limit, delta] = [0, 1, 2].map((i) => site.constant(i, 'bounds')!.data[0] ?? 0) as [
      number,
      number,
      number,
    ];
    if (delta === 0) site.fail('onnx/input', 'its step is 0');
    return {
      dtype: site.type(0).dtype.integer ? int(64) : site.type(0).dtype,
      shape: [Math.max(0, Math.ceil((limit - start) / delta))],
    };
  },
  evaluate: ([start, , delta], _site, [type]) =>
    tensor(
      type!.dtype,
      type!.shape,
      range(type!.shape[0]!).map((i) => start!.data[0]! + i * delta!.data[0]!),
    ),
});

/** Operators that pick, join, repeat and fill. */
export const selection: readonly Op[] = [
  ...[Concat, Split, Slice, Gather, Pad, Tile, DepthToSpace, SpaceToDepth, ConstantOfShape, Range],
];
