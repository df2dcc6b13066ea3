import type { Site } from './define.ts';

/** How a kernel moves over the spatial axes of a tensor. All lists have one entry for each spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after each axis. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly output: readonly number[];
}

/**
 * The window of a Conv or pool over the spatial axes `size`, from ONNX's attributes: output = floor((size + pads − dilated kernel)/stride) + 1,
 * or ceil for ceil_mode (without windows that lie in the padding alone). auto_pad SAME gives ceil(size/stride).
 */
export function windowOf(site: Site, size: readonly number[], kernel: readonly number[]): Window {
  const n = size.length;
  const strides = positive(site, 'strides', n);
  const dilations = positive(site, 'dilations', n);
  if (kernel.length !== n || kernel.some((k) => k < 1)) site.illegal('kernel_shape', kernel, `${n} positive integers`);
  const auto = site.choice('auto_pad', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'], 'NOTSET');
  const span = kernel.map((k, i) => (k - 1) * dilations[i]! + 1);
  const begin = new Array<number>(n).fill(0);
  const end = new Array<number>(n).fill(0);
  if (auto === 'NOTSET') {
    const pads = site.list('pads', 2 * n, 0);
    if (pads.some((p) => p < 0)) site.illegal('pads', pads, 'integers of 0 and more');
    for (let i = 0; i < n; i += 1) [begin[i], end[i]] = [pads[i]!, pads[i + n]!];
  } else if (auto !== 'VALID') {
    for (let i = 0; i < n; i += 1) {
      const total = Math.max(0, (Math.ceil(size[i]! / strides[i]!) - 1) * strides[i]! + span[i]! - size[i]!);
      const small = Math.floor(total / 2);
      [begin[i], end[i]] = auto === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
    }
  }
  const up = site.flag('ceil_mode', false);
  const output = size.map((length, i) => {
    const room = length + begin[i]! + end[i]! - span[i]!;
    if (room < 0) {
      site.fail(
        'onnx/shape',
        `its kernel covers ${span[i]} elements, spatial axis ${i} has ${length + begin[i]! + end[i]!} with padding`,
        'use a smaller kernel or dilation, more padding, or a larger input image',
      );
    }
    const count = (up ? Math.ceil(room / strides[i]!) : Math.floor(room / strides[i]!)) + 1;
    return up && (count - 1) * strides[i]! >= length + begin[i]! ? count - 1 : count;
  });
  return { kernel, strides, dilations, begin, end, output };
}

/** A list attribute of positive integers, ones if it is left out. */
export function positive(site: Site, name: string, length: number): number[] {
  const list = site.list(name, length, 1);
  return list.some((v) => v < 1) ? site.illegal(name, list, 'positive integers') : list;
}

/** A window over N×C×H×W, a spatial axis of length 1 put in front of what has one only. */
export interface Window2d {
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly begin: readonly [number, number];
  readonly output: readonly [number, number];
}

/** The window as one over two axes. Fails with onnx/unsupported for more than two. */
export function flatWindow(site: Site, size: readonly number[], w: Window): Window2d {
  if (size.length < 1 || size.length > 2) {
    site.fail('onnx/unsupported', `it works on ${size.length} spatial axes`, 'finn computes one and two');
  }
  const pair = (list: readonly number[], one: number): [number, number] =>
    list.length === 1 ? [one, list[0]!] : [list[0]!, list[1]!];
  return {
    size: pair(size, 1),
    kernel: pair(w.kernel, 1),
    stride: pair(w.strides, 1),
    dilation: pair(w.dilations, 1),
    begin: pair(w.begin, 0),
    output: pair(w.output, 1),
  };
}
