import { int, uint } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, type Data, extremes, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { define, FINN, floatOf, integerRange, QONNX, rounder, type Site } from './define.ts';
import { transpose } from './movement.ts';
import { flatWindow, type Window2d, windowOf } from './window.ts';

interface Pool {
  readonly window: Window2d;
  readonly shape: readonly number[];
}
function poolOf(site: Site): Pool {
  const [batch = 0, channels = 0, ...size] = site.shape(0);
  if (size.length === 0) site.fail('onnx/shape', `its input [${site.shape(0).join(', ')}] has no spatial axes`);
  const window = windowOf(site, size, site.list('kernel_shape'));
  const flat = flatWindow(site, size, window);
  // onnxruntime refuses a window that could lie in the padding alone; so do we.
  const span = window.kernel.map((k, i) => (k - 1) * window.dilations[i]! + 1);
  if ([window.begin, window.end].some((pads) => pads.some((p, i) => p >= span[i]!))) {
    site.illegal('pads', site.attrs['pads'], 'less than the kernel');
  }
  return { window: flat, shape: [batch, channels, ...window.output] };
}

/** Calls `visit` for each output element with the input elements under its window, padding left out. */
function pool(x: Tensor, w: Window2d, visit: (at: number, values: readonly number[]) => void): void {
  const [height, width] = w.size;
  const planes = sizeOf(x.shape.slice(0, 2));
  let position = 0;
  const values: number[] = [];
  for (let p = 0; p < planes; p += 1) {
    for (let oy = 0; oy < w.output[0]; oy += 1) {
      for (let ox = 0; ox < w.output[1]; ox += 1) {
        values.length = 0;
        for (let ky = 0; ky < w.kernel[0]; ky += 1) {
          const y = oy * w.stride[0] + ky * w.dilation[0] - w.begin[0];
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < w.kernel[1]; kx += 1) {
            const column = ox * w.stride[1] + kx * w.dilation[1] - w.begin[1];
            if (column >= 0 && column < width) values.push(x.data[(p * height + y) * width + column]!);
          }
        }
        visit(position++, values);
      }
    }
  }
}

const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The greatest element under each window; padding never is. */
export const MaxPool: Op = define({
  name: 'MaxPool',
  arity: [1, 1],
  infer: (site) => ({ dtype: site.type(0).dtype, shape: poolOf(site).shape }),
  evaluate: ([x], site, [type]) => {
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    pool(x!, poolOf(site).window, (at, values) => {
      data[at] = greatest(values);
    });
    return tensor(type!.dtype, type!.shape, data);
  },
});

/**
 * The mean under each window: summed in binary64, rounded, divided, rounded. Padding counts only with count_include_pad.
 */
export const AveragePool: Op = define({
  name: 'AveragePool',
  arity: [1, 1],
  infer: (site) => ({ dtype: floatOf(site.type(0)), shape: poolOf(site).shape }),
  evaluate: ([x], site, [type]) => {
    const { window } = poolOf(site);
    const all = site.flag('count_include_pad', false) ? window.kernel[0] * window.kernel[1] : undefined;
    const round = rounder(type!.dtype);
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    pool(x!, window, (at, values) => {
      data[at] = round(sum(values)) / (all ?? values.length);
    });
    return tensor(type!.dtype, type!.shape, data);
  },
});

/** finn: the sum under each window, N×C×…, with the attributes of AveragePool; padding adds nothing. */
const SumPool = define({
  name: 'SumPool',
  domain: FINN,
  arity: [1, 1],
  infer: (site) => {
    const { shape, window } = poolOf(site);
    const { dtype } = site.type(0);
    const count = window.kernel[0] * window.kernel[1];
    if (!dtype.integer) return { dtype, shape };
    const padded = window.begin.some((n) => n > 0) || site.list('pads', 2 * (shape.length - 2), 0).some((n) => n > 0);
    const ends = [dtype.min * count, dtype.max * count, ...(padded ? [0] : [])];
    return { dtype: integerRange(Math.min(...ends), Math.max(...ends)), shape };
  },
  evaluate: ([x], site, [type]) => {
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    pool(x!, poolOf(site).window, (at, values) => {
      data[at] = sum(values);
    });
    return tensor(type!.dtype, type!.shape, data);
  },
});

function globalPool(name: string, mean: boolean): Op {
  const shapeOf = (site: Site): number[] => {
    const shape = site.shape(0);
    if (shape.length < 3) site.fail('onnx/shape', `its input [${shape.join(', ')}] has no spatial axes`);
    return shape.map((n, i) => (i < 2 ? n : 1));
  };
  return define({
    name,
    arity: [1, 1],
    infer: (site) => ({ dtype: mean ? floatOf(site.type(0)) : site.type(0).dtype, shape: shapeOf(site) }),
    evaluate: ([x], _site, [type]) => {
      const inner = sizeOf(x!.shape.slice(2));
      const round = rounder(type!.dtype);
      const data = allocate(type!.dtype, sizeOf(type!.shape));
      for (let i = 0; i < data.length; i += 1) {
        const part = x!.data.subarray(i * inner, (i + 1) * inner);
        data[i] = mean ? round(total(part)) / inner : extremes(part)[1];
      }
      return tensor(type!.dtype, type!.shape, data);
    },
  });
}
function total(data: Data): number {
  let s = 0;
  for (let i = 0; i < data.length; i += 1) s += data[i]!;
  return s;
}

/** Square pools of QONNX, in either layout, as N×C×H×W. */
function square(
  site: Site,
  kernel: number,
  stride: number,
  channelsLast: boolean,
): { window: Window2d; shape: number[] } {
  const shape = site.shape(0);
  if (shape.length !== 4) site.fail('onnx/shape', `its input [${shape.join(', ')}] does not have four axes`);
  if (kernel < 1 || stride < 1)
    site.fail('onnx/attribute', `its kernel is ${kernel}, its stride ${stride}`, 'both are at least 1');
  const [n, c, h, w] = (channelsLast ? [shape[0], shape[3], shape[1], shape[2]] : shape) as [
    number,
    number,
    number,
    number,
  ];
  const output = [h, w].map((size) => Math.floor((size - kernel) / stride) + 1) as [number, number];
  if (output.some((size) => size < 1))
    site.fail('onnx/shape', `its kernel of ${kernel} is larger than its input ${h}×${w}`);
  const window: Window2d = {
    ...{ size: [h, w], kernel: [kernel, kernel], stride: [stride, stride], dilation: [1, 1], begin: [0, 0], output },
  };
  return { window, shape: channelsLast ? [n, ...output, c] : [n, c, ...output] };
}

const quantPool = (site: Site): { window: Window2d; shape: number[]; last: boolean; shift: number; obits: number } => {
  const kernel = site.integer('kernel', 1);
  const last = site.choice('data_layout', ['NCHW', 'NHWC'], 'NCHW') === 'NHWC';
  const [ibits, obits] = [site.integer('ibits', 1), site.integer('obits', 1)];
  if (ibits < 1 || ibits > 32 || obits < 1 || obits > 32) site.illegal('ibits', ibits, 'with obits, 1 to 32');
  const accumulator = Math.ceil(Math.log2((2 ** ibits - 1) * kernel * kernel + 1));
  const shift = Math.max(0, accumulator - obits);
  return { ...square(site, kernel, site.integer('stride', 1), last), last, shift, obits };
};

/** QONNX: the integer sum under a square window, shifted right arithmetically by (bits of the largest sum) − obits. */
const QuantAvgPool2d = define({
  name: 'QuantAvgPool2d',
  domain: QONNX,
  arity: [1, 1],
  infer: (site) => {
    const { shape, obits } = quantPool(site);
    return { dtype: site.flag('signed', false) ? int(obits) : uint(obits), shape };
  },
  evaluate: ([x], site, [type]) => {
    const { window, last, shift } = quantPool(site);
    const planar = last ? transpose(x!, [0, 3, 1, 2]) : x!;
    const [n, c] = planar.shape as [number, number];
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    pool(planar, window, (at, values) => {
      data[at] = Math.floor(sum(values) / 2 ** shift);
    });
    if (!last) return tensor(type!.dtype, type!.shape, data);
    return transpose(tensor(type!.dtype, [n, c, ...window.output], data), [0, 2, 3, 1]);
  },
});

/** QONNX: MaxPool on N×H×W×C, through the axes moved there and back. */
const MaxPoolNHWC = define({
  name: 'MaxPoolNHWC',
  domain: QONNX,
  arity: [1, 1],
  infer: (site) => {
    const { shape } = nhwc(site);
    return { dtype: site.type(0).dtype, shape: [shape[0]!, shape[2]!, shape[3]!, shape[1]!] };
  },
  evaluate: ([x], site, [type]) => {
    const { window, shape } = nhwc(site);
    const data = allocate(type!.dtype, sizeOf(shape));
    pool(transpose(x!, [0, 3, 1, 2]), window, (at, values) => {
      data[at] = greatest(values);
    });
    return transpose(tensor(type!.dtype, shape, data), [0, 2, 3, 1]);
  },
});
function nhwc(site: Site): Pool {
  const [n, h, w, c] = site.shape(0);
  if (site.shape(0).length !== 4) site.fail('onnx/shape', `its input [${site.shape(0).join(', ')}] is not N×H×W×C`);
  const window = windowOf(site, [h!, w!], site.list('kernel_shape'));
  return { window: flatWindow(site, [h!, w!], window), shape: [n!, c!, ...window.output] };
}

/** Pools. */
export const pooling: readonly Op[] = [
  ...[MaxPool, AveragePool, SumPool, QuantAvgPool2d, MaxPoolNHWC],
  globalPool('GlobalAveragePool', true),
  globalPool('GlobalMaxPool', false),
];
