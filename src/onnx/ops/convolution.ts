import type { DataType } from '../../ir/datatype.ts';
import type { Op } from '../../ir/graph.ts';
import { allocate, type Data, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { define, floatOf, integerRange, type Site } from './define.ts';
import { accumulatorType } from './linear.ts';
import { multiply } from './matrix.ts';
import { flatWindow, positive, type Window2d, windowOf } from './window.ts';

interface Convolution {
  readonly batch: number;
  readonly groups: number;
  /** Channels of one group. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly window: Window2d;
  readonly shape: readonly number[];
}

function convolutionOf(site: Site): Convolution {
  const x = site.shape(0);
  const w = site.shape(1);
  const groups = site.integer('group', 1);
  const [batch = 0, channels = 0, ...size] = x;
  if (x.length < 3 || w.length !== x.length) {
    site.fail(
      'onnx/shape',
      `input [${x.join(', ')}] and weights [${w.join(', ')}] are not N×C×… and O×I×…`,
      'both have one axis for each spatial axis behind the first two',
    );
  }
  const [out, inside, ...kernel] = w as [number, number, ...number[]];
  if (groups < 1 || out % groups !== 0 || inside * groups !== channels) {
    site.fail(
      'onnx/shape',
      `weights [${w.join(', ')}] in ${groups} groups do not fit ${channels} input channels`,
      'weights are [outputs, inputs / group, kernel…]',
    );
  }
  const said = site.attrs['kernel_shape'] === undefined ? kernel : site.list('kernel_shape');
  if (said.length !== kernel.length || said.some((k, i) => k !== kernel[i])) {
    site.illegal('kernel_shape', said, `that of the weights, ${kernel.join('×')}`);
  }
  biasFits(site, out);
  const window = windowOf(site, size, kernel);
  return {
    ...{ batch, groups, inChannels: inside, outChannels: out / groups },
    window: flatWindow(site, size, window),
    shape: [batch, out, ...window.output],
  };
}

function biasFits(site: Site, channels: number): void {
  if (!site.inputs[2] || sizeOf(site.shape(2)) === channels) return;
  site.fail(
    'onnx/shape',
    `its bias has ${sizeOf(site.shape(2))} elements`,
    `one for each of the ${channels} output channels`,
  );
}

/** Type of the result: exact with its bias where all are integers, otherwise floating point. */
function resultType(site: Site, terms: number): DataType {
  const sum = accumulatorType(site.type(0), site.type(1), terms);
  const bias = site.inputs[2] ? site.type(2) : undefined;
  if (!sum.integer || !bias) return sum;
  if (!bias.dtype.integer) return floatOf(bias);
  return integerRange(sum.min + bias.dtype.min, sum.max + bias.dtype.max);
}

/** Patches of one group as a matrix: a row for each weight of a filter, a column for each output pixel. Padding is 0. */
function patches(x: Data, at: number, channels: number, w: Window2d, to: Data): void {
  const [height, width] = w.size;
  const [rows, columns] = w.output;
  let position = 0;
  for (let c = 0; c < channels; c += 1) {
    for (let ky = 0; ky < w.kernel[0]; ky += 1) {
      for (let kx = 0; kx < w.kernel[1]; kx += 1) {
        for (let oy = 0; oy < rows; oy += 1) {
          const y = oy * w.stride[0] + ky * w.dilation[0] - w.begin[0];
          const line = at + (c * height + y) * width;
          for (let ox = 0; ox < columns; ox += 1) {
            const column = ox * w.stride[1] + kx * w.dilation[1] - w.begin[1];
            const inside = y >= 0 && y < height && column >= 0 && column < width;
            to[position++] = inside ? x[line + column]! : 0;
          }
        }
      }
    }
  }
}

function addBias(data: Data, bias: Tensor | undefined, inner: number): void {
  if (!bias) return;
  const channels = bias.data.length;
  for (let i = 0; i < data.length; i += 1) data[i] = data[i]! + bias.data[Math.floor(i / inner) % channels]!;
}

/** Cross-correlation over one or two spatial axes, in groups. Summed exactly or in binary64 and rounded once; the bias is one more addition. */
export const Conv: Op = define({
  name: 'Conv',
  arity: [2, 3],
  infer: (site) => {
    const { shape } = convolutionOf(site);
    return { dtype: resultType(site, sizeOf(site.shape(1).slice(1))), shape };
  },
  evaluate: ([x, w, bias], site, [type]) => {
    const { batch, groups, inChannels, outChannels, window } = convolutionOf(site);
    const pixels = window.output[0] * window.output[1];
    const plane = window.size[0] * window.size[1];
    const terms = inChannels * window.kernel[0] * window.kernel[1];
    const data = allocate(type!.dtype, sizeOf(type!.shape));
    // The patches of a pointwise kernel are the image itself.
    const [one, ...rest] = [window.kernel, window.stride].flat();
    const pointwise = one === 1 && rest.every((n) => n === 1) && window.begin.every((n) => n === 0) && pixels === plane;
    const matrix = new Float64Array(pointwise ? 0 : terms * pixels);
    for (let n = 0; n < batch; n += 1) {
      for (let g = 0; g < groups; g += 1) {
        const source = (n * groups + g) * inChannels * plane;
        if (!pointwise) patches(x!.data, source, inChannels, window, matrix);
        const [right, from] = pointwise ? [x!.data, source] : [matrix, 0];
        const target = (n * groups + g) * outChannels * pixels;
        multiply([outChannels, terms, pixels], w!.data, g * outChannels * terms, right, from, data, target);
      }
    }
    addBias(data, bias, pixels);
    return tensor(type!.dtype, type!.shape, data);
  },
});

interface Transposed {
  readonly window: Window2d;
  readonly shape: readonly number[];
  readonly groups: number;
  readonly inChannels: number;
  readonly outChannels: number;
}
function transposedOf(site: Site): Transposed {
  const x = site.shape(0);
  const w = site.shape(1);
  const groups = site.integer('group', 1);
  const [batch = 0, channels = 0, ...size] = x;
  if (x.length < 3 || w.length !== x.length || groups < 1 || w[0] !== channels || channels % groups !== 0) {
    site.fail('onnx/shape', `weights [${w.join(', ')}] in ${groups} groups do not fit input [${x.join(', ')}]`);
  }
  const n = size.length;
  const kernel = w.slice(2);
  const strides = positive(site, 'strides', n);
  const dilations = positive(site, 'dilations', n);
  const extra = site.list('output_padding', n, 0);
  const auto = site.choice('auto_pad', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'], 'NOTSET');
  let pads = site.list('pads', 2 * n, 0);
  const full = size.map((s, i) => strides[i]! * (s - 1) + extra[i]! + (kernel[i]! - 1) * dilations[i]! + 1);
  const fixed =
    site.attrs['output_shape'] === undefined
      ? auto.startsWith('SAME')
        ? size.map((s, i) => s * strides[i]!)
        : undefined
      : site.list('output_shape').slice(-n);
  if (fixed) {
    const total = full.map((f, i) => f - fixed[i]!);
    const half = total.map((t) => (auto === 'SAME_UPPER' ? Math.floor(t / 2) : t - Math.floor(t / 2)));
    pads = [...half, ...total.map((t, i) => t - half[i]!)];
  }
  const output = full.map((f, i) => f - pads[i]! - pads[i + n]!);
  if (output.some((o) => o < 1) || pads.some((p) => p < 0) || extra.some((e) => e < 0)) {
    site.fail('onnx/shape', `it would make a tensor of spatial shape ${output.join('×')} with pads ${pads.join(', ')}`);
  }
  const out = w[1]! * groups;
  biasFits(site, out);
  const window = flatWindow(site, size, {
    kernel,
    strides,
    dilations,
    begin: pads.slice(0, n),
    end: pads.slice(n),
    output,
  });
  return { window, shape: [batch, out, ...output], groups, inChannels: channels / groups, outChannels: w[1]! };
}

/** The transpose of Conv: every input element adds its multiple of the kernel to the output. Rounded as Conv is. */
const ConvTranspose = define({
  name: 'ConvTranspose',
  arity: [2, 3],
  infer: (site) => {
    const { shape, inChannels, window } = transposedOf(site);
    const sum = resultType(site, inChannels * window.kernel[0] * window.kernel[1]);
    // Some outputs have fewer terms, or none.
    return { dtype: sum.integer ? integerRange(Math.min(0, sum.min), Math.max(0, sum.max)) : sum, shape };
  },
  evaluate: ([x, w, bias], site, [type]) => {
    const { window, groups, inChannels, outChannels } = transposedOf(site);
    const { size, kernel, stride, dilation, begin, output } = window;
    const plane = size[0] * size[1];
    const pixels = output[0] * output[1];
    const sums = new Float64Array(sizeOf(type!.shape));
    const total = groups * inChannels;
    for (let c = 0; c < x!.shape[0]! * total; c += 1) {
      const group = Math.floor((c % total) / inChannels);
      const base = (Math.floor(c / total) * groups + group) * outChannels;
      for (let o = 0; o < outChannels; o += 1) {
        for (let ky = 0; ky < kernel[0]; ky += 1) {
          for (let kx = 0; kx < kernel[1]; kx += 1) {
            const factor = w!.data[(((c % total) * outChannels + o) * kernel[0] + ky) * kernel[1] + kx]!;
            for (let i = 0; i < plane; i += 1) {
              const row = Math.floor(i / size[1]) * stride[0] + ky * dilation[0] - begin[0];
              const column = (i % size[1]) * stride[1] + kx * dilation[1] - begin[1];
              if (row < 0 || row >= output[0] || column < 0 || column >= output[1]) continue;
              sums[(base + o) * pixels + row * output[1] + column]! += factor * x!.data[c * plane + i]!;
            }
          }
        }
      }
    }
    const data = allocate(type!.dtype, sums.length);
    data.set(sums);
    addBias(data, bias, pixels);
    return tensor(type!.dtype, type!.shape, data);
  },
});

/** Convolutions. */
export const convolution: readonly Op[] = [Conv, ConvTranspose];
