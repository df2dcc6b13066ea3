import type { Reduction, RunningMemory } from '../../hdl/reduction.ts';
import { BIPOLAR } from '../../ir/datatype.ts';
import type { Attrs, TensorType } from '../../ir/graph.ts';
import { divisors, gcd } from '../../util/maths.ts';
import type { Layer } from '../operator.ts';

export interface MaxPoolAttrs extends Attrs {
  /** Rows and columns of a window, and from one window to the next. */
  readonly kernel: readonly [number, number];
  /** Channels of a pixel in one cycle; divides the channels. */
  readonly pe: number;
  /** Pixels of a row in one cycle; more than one only with all channels. */
  readonly pixels: number;
  /** Where the greatest of a row of windows wait. */
  readonly memory: RunningMemory;
}

/** Why `pixels` of a row of `columns` in a beat do not go with windows of `kernel` columns, or undefined. */
export function unfitPixels(pixels: number, columns: number, kernel: number): string | undefined {
  if (!Number.isInteger(pixels) || pixels < 1) return 'it must be a positive integer';
  if (columns % pixels !== 0) return `it must divide the ${columns} columns`;
  if (pixels % kernel !== 0 && kernel % pixels !== 0)
    return `it must be a multiple or a divisor of the window's ${kernel} columns`;
  return undefined;
}

/** A number whose divisors all fit as `pixels`: the greatest one, unless the kernel's columns are a composite number. */
export function pixelsToDivide(columns: number, kernel: number): number {
  if (kernel === 1) return columns;
  const common = gcd(columns, kernel);
  if (common < kernel || divisors(kernel).length > 2) return common;
  let power = kernel;
  while (columns % (power * kernel) === 0) power *= kernel;
  return power;
}

/** The layer as a reduction: with several pixels a beat, as one of narrower rows whose beats hold parts of windows or several of them. */
export function reductionOf({ inputs, attrs }: Layer<MaxPoolAttrs>): Reduction {
  const { dtype, shape } = inputs[0]!.type as TensorType;
  const [, rows, columns, channels] = shape as [number, number, number, number];
  const { kernel, pe, pixels, memory } = attrs;
  const [kernelRows, kernelColumns] = kernel;
  const together = Math.min(pixels, kernelColumns);
  const windows = pixels / together;
  const lanes = Array.from({ length: windows * pe }, (_, i) => {
    const [window, channel] = [Math.floor(i / pe), i % pe];
    return Array.from({ length: together }, (_, p) => (window * together + p) * pe + channel);
  });
  const beatColumns = columns / pixels;
  const walk = {
    rows,
    columns: beatColumns,
    kernelRows,
    kernelColumns: kernelColumns / together,
    folds: channels / pe,
  };
  const bits = dtype === BIPOLAR ? 1 : dtype.bits;
  const plain = { begin: 0n, outputBits: bits, computed: false, memory } as const;
  return { walk, kind: 'max', input: dtype, lanes, bits, ...plain };
}
