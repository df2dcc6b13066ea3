import type { Op } from '../../ir/graph.ts';
import { allocate, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { define, floatOf, type Site } from './define.ts';

interface Resizing {
  readonly shape: readonly number[];
  /** Factor of each axis. */
  readonly scales: readonly number[];
}

function resizingOf(site: Site): Resizing {
  const from = site.shape(0);
  const scales = site.constant(2, 'scales');
  const sizes = site.integers(3, 'sizes');
  if (scales && scales.data.length > 0) {
    if (scales.data.length !== from.length || scales.data.some((v) => !(v > 0) || v > 1024)) {
      site.fail('onnx/shape', `its scales are ${[...scales.data].join(', ')}`, `${from.length} numbers greater than 0`);
    }
    const list = [...scales.data];
    return { scales: list, shape: from.map((n, i) => Math.floor(n * list[i]!)) };
  }
  if (!sizes || sizes.length !== from.length || sizes.some((n) => n < 1)) {
    return site.fail('onnx/shape', 'it has neither scales nor sizes for every axis');
  }
  return { scales: sizes.map((n, i) => n / from[i]!), shape: sizes };
}

/** Where in the input output index i lies, in elements. */
function place(site: Site, i: number, scale: number, from: number, to: number): number {
  const modes = ['half_pixel', 'pytorch_half_pixel', 'half_pixel_symmetric', 'asymmetric', 'align_corners'] as const;
  switch (site.choice('coordinate_transformation_mode', modes, 'half_pixel')) {
    case 'asymmetric':
      return i / scale;
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    case 'pytorch_half_pixel':
      return to === 1 ? 0 : (i + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric': {
      const center = from / 2;
      return center * (1 - to / (scale * from)) + (i + 0.5) / scale - 0.5;
    }
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
  }
}

const nearest = {
  round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
} as const;

/** The indices and weights from which each index of an axis is made. */
function taps(site: Site, axis: number, { shape, scales }: Resizing): (readonly [index: number, weight: number])[][] {
  const from = site.shape(0)[axis]!;
  const clamp = (i: number): number => Math.min(Math.max(i, 0), from - 1);
  const linear = site.choice('mode', ['nearest', 'linear'], 'nearest') === 'linear';
  const round =
    nearest[
      site.choice('nearest_mode', ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'], 'round_prefer_floor')
    ];
  return Array.from({ length: shape[axis]! }, (_, i) => {
    if (shape[axis] === from && scales[axis] === 1) return [[i, 1] as const];
    const x = place(site, i, scales[axis]!, from, shape[axis]!);
    if (!linear) return [[clamp(round(x)), 1] as const];
    const low = Math.floor(x);
    return [
      [clamp(low), 1 - (x - low)],
      [clamp(low + 1), x - low],
    ] as const;
  });
}

/** Replaces one axis by the weighted sums that `list` says. */
function along(x: Tensor, axis: number, list: readonly (readonly (readonly [number, number])[])[]): Tensor {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const length = x.shape[axis]!;
  const shape = x.shape.with(axis, list.length);
  const data = allocate(x.dtype, sizeOf(shape));
  let position = 0;
  for (let o = 0; o < sizeOf(x.shape.slice(0, axis)); o += 1) {
    for (const terms of list) {
      for (let i = 0; i < inner; i += 1) {
        let sum = 0;
        for (const [index, weight] of terms) sum += weight * x.data[(o * length + index) * inner + i]!;
        data[position++] = sum;
      }
    }
  }
  return tensor(x.dtype, shape, data);
}

/** Resampling, nearest or linear, axis by axis; linear is rounded to binary32 after each axis. */
export const Resize: Op = define({
  name: 'Resize',
  arity: [1, 4],
  infer: (site) => {
    const linear = site.choice('mode', ['nearest', 'linear'], 'nearest') === 'linear';
    if (site.attrs['axes'] !== undefined)
      site.illegal('axes', site.attrs['axes'], 'left out: scales or sizes name every axis');
    const resizing = resizingOf(site);
    place(site, 0, 1, 1, 1);
    return { dtype: linear ? floatOf(site.type(0)) : site.type(0).dtype, shape: resizing.shape };
  },
  evaluate: ([x], site, [type]) => {
    const resizing = resizingOf(site);
    let out = tensor(type!.dtype, x!.shape, x!.data);
    for (let axis = 0; axis < x!.shape.length; axis += 1) {
      if (resizing.shape[axis] === x!.shape[axis] && resizing.scales[axis] === 1) continue;
      out = along(out, axis, taps(site, axis, resizing));
    }
    return out;
  },
});
