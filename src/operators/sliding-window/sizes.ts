import type { Attrs } from '../../ir/graph.ts';
import type { Layer } from '../operator.ts';

export interface SlidingWindowAttrs extends Attrs {
  /** Rows and columns of a window. */
  readonly kernel: readonly [number, number];
  /** Rows and columns from one window to the next. */
  readonly stride: readonly [number, number];
  /** Rows and columns from one element of a window to the next. */
  readonly dilation: readonly [number, number];
  /** Its reader takes the channels apart: of each group of `simd` channels, all positions of the window. */
  readonly depthwise: 0 | 1;
  /** Channels in one cycle; divides the channels. */
  readonly simd: number;
  /** Are all positions of a window given in one cycle? */
  readonly parallelWindow: 0 | 1;
  /** Windows given in one cycle. */
  readonly pixels: number;
  /** Where rows wait. */
  readonly memory: 'auto' | 'lut' | 'block' | 'ultra';
}

/** What a window generator counts with: [rows, columns]. An image of one column is turned into one of one row. */
export interface Sizes {
  readonly image: readonly [number, number];
  readonly output: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly simd: number;
  /** Beats of a position: channels / simd. */
  readonly groups: number;
  readonly depthwise: boolean;
  readonly pixels: number;
  /** Bits of an element. */
  readonly bits: number;
  /** Beats of a frame. */
  readonly inputs: number;
  readonly outputs: number;
}

/** Windows along an axis; 0 if the kernel is larger than the image. */
export const windowsAlong = (size: number, kernel: number, stride: number, dilation: number): number =>
  Math.max(0, Math.floor((size - (kernel - 1) * dilation - 1) / stride) + 1);

type Pair = readonly [number, number];

export function sizesOf({ inputs: [x], attrs }: Layer<SlidingWindowAttrs>): Sizes {
  const { dtype, shape } = x!.type;
  const [, height, width, channels] = shape as [number, number, number, number];
  const { simd, pixels, parallelWindow } = attrs;
  const turned = width === 1;
  const pair = ([a, b]: Pair): Pair => (turned ? [b, a] : [a, b]);
  const kernel = pair(attrs.kernel);
  const stride = pair(attrs.stride);
  const dilation = pair(attrs.dilation);
  const image = pair([height, width]);
  const along = (i: 0 | 1): number => windowsAlong(image[i], kernel[i], stride[i], dilation[i]);
  const output: Pair = [along(0), along(1)];
  const groups = channels / simd;
  const windows = output[0] * output[1];
  return {
    ...{ image, output, kernel, stride, dilation, simd, groups, pixels, depthwise: attrs.depthwise === 1 },
    bits: dtype.bits,
    inputs: (image[0] * image[1] * groups) / pixels,
    outputs: (windows * groups * (parallelWindow === 1 ? 1 : kernel[0] * kernel[1])) / pixels,
  };
}
