import { admits, uint } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, reshaped, sizeOf, tensor } from '../../ir/tensor.ts';
import { common, define, FINN, integerRange, QONNX, type Site } from './define.ts';
import { accumulatorType } from './linear.ts';
import { transpose } from './movement.ts';

interface Im2ColSizes {
  readonly input: readonly [height: number, width: number, channels: number];
  readonly output: readonly [height: number, width: number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Rows above and columns before the image. */
  readonly begin: readonly [number, number];
  readonly batch: number;
}

function im2colOf(site: Site): Im2ColSizes {
  const shape = site.shape(0);
  if (shape.length !== 4) site.fail('onnx/shape', `its input [${shape.join(', ')}] is not N×H×W×C`);
  const pair = (name: string, otherwise: number): [number, number] => {
    const list = site.list(name, 2, otherwise);
    return list.some((v) => v < 1) ? site.illegal(name, list, 'two positive integers') : (list as [number, number]);
  };
  const kernel = pair('kernel_size', 1);
  const stride = pair('stride', 1);
  const dilation = pair('dilations', 1);
  const [top, left, bottom, right] = site.list('pad_amount', 4, 0) as [number, number, number, number];
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const output = ([height + top + bottom, width + left + right] as const).map((size, i) => {
    const room = size - (kernel[i]! - 1) * dilation[i]! - 1;
    if (room < 0) {
      const span = size - room;
      site.fail('onnx/shape', `its kernel covers ${span} elements, axis ${i + 1} has ${size} with padding`);
    }
    return Math.floor(room / stride[i]!) + 1;
  }) as [number, number];
  return { batch, input: [height, width, channels], output, kernel, stride, dilation, begin: [top, left] };
}

/**
 * QONNX: the windows of an image, N×H×W×C → N×OH×OW×(kh·kw·C), channel innermost; padding has `pad_value`. `depthwise`
 * says that a reader takes the channels apart; it does not change the values.
 */
export const Im2Col: Op = define({
  name: 'Im2Col',
  domain: QONNX,
  arity: [1, 1],
  infer: (site) => {
    const { batch, input, output, kernel } = im2colOf(site);
    const { dtype } = site.type(0);
    const pad = site.integer('pad_value', 0);
    // Padding BIPOLAR by 0 gives {−1, 0, 1}.
    const padded = site.list('pad_amount', 4, 0).some((n) => n > 0) && dtype.integer && !admits(dtype, pad);
    return {
      dtype: padded ? integerRange(Math.min(dtype.min, pad), Math.max(dtype.max, pad)) : dtype,
      shape: [batch, ...output, kernel[0] * kernel[1] * input[2]],
    };
  },
  evaluate: ([x], site, [type]) => {
    const { batch, input, output, kernel, stride, dilation, begin } = im2colOf(site);
    const [height, width, channels] = input;
    const pad = site.integer('pad_value', 0);
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    let at = 0;
    for (let n = 0; n < batch; n += 1) {
      for (let oy = 0; oy < output[0]; oy += 1) {
        for (let ox = 0; ox < output[1]; ox += 1) {
          for (let ky = 0; ky < kernel[0]; ky += 1) {
            const y = oy * stride[0] + ky * dilation[0] - begin[0];
            for (let kx = 0; kx < kernel[1]; kx += 1) {
              const column = ox * stride[1] + kx * dilation[1] - begin[1];
              if (y >= 0 && y < height && column >= 0 && column < width) {
                const from = ((n * height + y) * width + column) * channels;
                data.set(x!.data.subarray(from, from + channels), at);
              } else if (pad !== 0) data.fill(pad, at, at + channels);
              at += channels;
            }
          }
        }
      }
    }
    return tensor(type!.dtype, type!.shape, data);
  },
});

/** Channels of a window tensor [.., k·C] and its k. */
function windowsOf(site: Site, channels: number): { positions: number; shape: number[] } {
  const shape = site.shape(0);
  const last = shape.at(-1) ?? 0;
  if (channels < 1 || last % channels !== 0)
    site.fail('onnx/shape', `its last axis, of ${last}, is no whole number of positions of ${channels} channels`);
  return { positions: last / channels, shape: [...shape.slice(0, -1), channels] };
}

/** finn: each channel of a window times its own weights, x[.., k·C] and W[k, C] → [.., C]: the heart of a depthwise convolution. */
export const DepthwiseMatMul: Op = define({
  name: 'DepthwiseMatMul',
  domain: FINN,
  arity: [2, 2],
  infer: (site) => {
    const [k = 0, channels = 0] = site.shape(1);
    const { positions, shape } = windowsOf(site, channels);
    if (site.shape(1).length !== 2 || positions !== k)
      site.fail(
        'onnx/shape',
        `weights [${site.shape(1)}] for windows of ${positions} positions and ${channels} channels`,
      );
    return { dtype: accumulatorType(site.type(0), site.type(1), k), shape };
  },
  evaluate: ([x, w], _site, [type]) => {
    const [k, channels] = w!.shape as [number, number];
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    for (let i = 0; i < data.length; i += channels)
      for (let p = 0; p < k; p += 1)
        for (let c = 0; c < channels; c += 1)
          data[i + c]! += x!.data[i * k + p * channels + c]! * w!.data[p * channels + c]!;
    return tensor(type!.dtype, type!.shape, data);
  },
});

function windowReduction(name: string, start: number, step: (a: number, b: number) => number, sum: boolean): Op {
  return define({
    name,
    domain: FINN,
    arity: [1, 1],
    infer: (site) => {
      const { positions, shape } = windowsOf(site, site.integer('channels', 1));
      const { dtype } = site.type(0);
      return {
        dtype: sum && dtype.integer ? integerRange(dtype.min * positions, dtype.max * positions) : dtype,
        shape,
      };
    },
    evaluate: ([x], site, [type]) => {
      const channels = site.integer('channels', 1);
      const { positions } = windowsOf(site, channels);
      const data = allocate(type!.dtype, sizeOf(type!.shape)).fill(start);
      for (let i = 0; i < data.length; i += channels)
        for (let p = 0; p < positions; p += 1)
          for (let c = 0; c < channels; c += 1)
            data[i + c] = step(data[i + c]!, x!.data[i * positions + p * channels + c]!);
      return tensor(type!.dtype, type!.shape, data);
    },
  });
}

/** finn: the greatest element of each channel of a window, x[.., k·channels] → [.., channels]. */
export const WindowMax: Op = windowReduction('WindowMax', -Infinity, Math.max, false);
/** finn: the sum of each channel's elements in a window, x[.., k·channels] → [.., channels]. */
export const WindowSum: Op = windowReduction('WindowSum', 0, (a, b) => a + b, true);

/**
 * finn: zeros between the pixels of an image, N×H×W×C → N×((H−1)·sh+1)×((W−1)·sw+1)×C, for `strides` [sh, sw]: a transposed
 * convolution is this, padding, and a convolution.
 */
export const InsertPixels: Op = define({
  name: 'InsertPixels',
  domain: FINN,
  arity: [1, 1],
  infer: (site) => {
    const [n = 1, h = 1, w = 1, c = 1] = site.shape(0);
    if (site.shape(0).length !== 4) site.fail('onnx/shape', `its input [${site.shape(0).join(', ')}] is not N×H×W×C`);
    const [sh, sw] = site.list('strides', 2, 1) as [number, number];
    if (sh < 1 || sw < 1) site.illegal('strides', [sh, sw], 'two positive integers');
    const { dtype } = site.type(0);
    const withZero = dtype.integer && (dtype.min > 0 || dtype.name === 'BIPOLAR') ? common(dtype, uint(1)) : dtype;
    return { dtype: withZero, shape: [n, (h - 1) * sh + 1, (w - 1) * sw + 1, c] };
  },
  evaluate: ([x], site, [type]) => {
    const [n, h, w, c] = x!.shape as [number, number, number, number];
    const [sh, sw] = site.list('strides', 2, 1) as [number, number];
    const [, height, width] = type!.shape as [number, number, number, number];
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    for (let b = 0; b < n; b += 1)
      for (let y = 0; y < h; y += 1)
        for (let i = 0; i < w; i += 1) {
          const from = ((b * h + y) * w + i) * c;
          data.set(x!.data.subarray(from, from + c), ((b * height + y * sh) * width + i * sw) * c);
        }
    return tensor(type!.dtype, type!.shape, data);
  },
});

/**
 * finn: channels to pixels of a channels-last image, N×H×W×(b·b·C) → N×(b·H)×(b·W)×C; of the channels the block's row is
 * slowest, then its column, then C.
 */
export const DepthToSpace: Op = define({
  name: 'DepthToSpace',
  domain: FINN,
  arity: [1, 1],
  infer: (site) => {
    const b = site.integer('blocksize', 1);
    const [n = 1, h = 1, w = 1, c = 1] = site.shape(0);
    if (site.shape(0).length !== 4 || b < 1 || c % (b * b) !== 0)
      site.fail('onnx/shape', `[${site.shape(0).join(', ')}] has no ${b}×${b} blocks`);
    return { dtype: site.type(0).dtype, shape: [n, h * b, w * b, c / (b * b)] };
  },
  evaluate: ([x], site, [type]) => {
    const b = site.integer('blocksize', 1);
    const [n, h, w, c] = x!.shape as [number, number, number, number];
    const moved = transpose(reshaped(x!, [n, h, w, b, b, c / (b * b)]), [0, 1, 3, 2, 4, 5]);
    return reshaped(moved, type!.shape);
  },
});

/** The operations of channels-last networks between streamlining and lowering. */
export const windows: readonly Op[] = [Im2Col, DepthwiseMatMul, WindowMax, WindowSum, InsertPixels, DepthToSpace];
