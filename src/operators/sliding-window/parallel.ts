import type { Device } from '../../hdl/device.ts';
import { type Memory, memoryFor, worthOfMemory } from '../../hdl/stream-memory.ts';
import type { Pipeline } from '../operator.ts';
import type { Sizes, SlidingWindowAttrs } from './sizes.ts';

/** Values delayed by `steps` beats: in registers, or in a memory before its read register. */
export interface Delay {
  readonly width: number;
  readonly steps: number;
  readonly memory?: Memory;
}

/**
 * A window in registers. Each tap holds a column of the window, `kernel rows` beats; the next one holds what it held `spacing`
 * beats before. What leaves a row's last tap comes back as the row above, whose first beat is one row of the image older.
 */
export interface ParallelPlan {
  /** Taps of a row of the window. */
  readonly taps: number;
  /** Bits of a beat. */
  readonly width: number;
  /** From all taps but the last to those after them; from the last tap's rows but the first to the rows above. */
  readonly columns?: Delay;
  readonly rows?: Delay;
  /** Beats of a pixel, columns and rows of beats of a frame. */
  readonly frame: readonly [groups: number, columns: number, rows: number];
  /** Columns of beats and rows that come before the first complete window. */
  readonly before: readonly [column: number, row: number];
}

/** Columns of beats before the first complete window of a row. */
const columnsBefore = ({ kernel, dilation, pixels }: Sizes): number => ((kernel[1] - 1) * dilation[1]) / pixels;

export function parallelPlan(s: Sizes, device: Device, wanted: SlidingWindowAttrs['memory']): ParallelPlan {
  const { kernel, dilation, image, groups, pixels } = s;
  const width = pixels * s.simd * s.bits;
  const before = columnsBefore(s);
  const taps = pixels > 1 ? before + 1 : kernel[1];
  const spacing = pixels > 1 ? 1 : dilation[1] * groups;
  const columns = image[1] / pixels;
  const delay = (bits: number, steps: number, memory: SlidingWindowAttrs['memory']): Delay => {
    const found = { ...memoryFor(device, steps, bits, memory), depth: steps };
    const registers = bits * (steps - 1);
    const worse = memory === 'auto' && registers <= worthOfMemory(device.family, found);
    return steps <= 2 || found.style === 'logic' || worse
      ? { width: bits, steps }
      : { width: bits, steps, memory: found };
  };
  return {
    ...{ taps, width, frame: [groups, columns, image[0]], before: [before, (kernel[0] - 1) * dilation[0]] },
    ...(taps > 1 ? { columns: delay((taps - 1) * kernel[0] * width, spacing, 'auto') } : {}),
    ...(kernel[0] > 1
      ? { rows: delay((kernel[0] - 1) * width, dilation[0] * columns * groups - (taps - 1) * spacing, wanted) }
      : {}),
  };
}

/** One beat comes in in every cycle, and a window goes out one cycle after its last beat. */
export function parallelSchedule(s: Sizes): Pipeline {
  const { groups, pixels, kernel, dilation, stride, image, inputs } = s;
  const columns = image[1] / pixels;
  const first = columnsBefore(s);
  const above = (kernel[0] - 1) * dilation[0];
  return {
    interval: inputs,
    takes: () => true,
    gives(_, t) {
      const column = (Math.floor(t / groups) % columns) - first;
      const row = Math.floor(t / (groups * columns)) - above;
      return column >= 0 && column % stride[1] === 0 && row >= 0 && row % stride[0] === 0;
    },
    depth: 1,
  };
}
