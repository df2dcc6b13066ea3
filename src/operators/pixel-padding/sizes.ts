import { all, atLast, type Counter, within } from '../../hdl/counters.ts';
import type { Layer } from '../operator.ts';
import type { PixelPaddingAttrs } from './attrs.ts';

/** The position in the output image. */
export interface Positions {
  /** Its counters, the innermost first. */
  readonly nest: readonly Counter[];
  /** Beats of the output image. */
  readonly beats: number;
  /** Verilog: here is a pixel of the input. */
  readonly taking: string;
  /** Is beat t of the output image one of the input? */
  takes(t: number): boolean;
}

/**
 * Along each axis two counters: which pixel of the input was the last, and how many places ago (its phase). Behind the last pixel
 * of an axis there are no zeros: there the phase begins again at once.
 */
export function positionsOf({ inputs: [x], attrs, types }: Layer<PixelPaddingAttrs>): Positions {
  const [, height, width, channels] = x!.type.shape as [number, number, number, number];
  const [, rows, columns] = types[0]!.shape as [number, number, number, number];
  const [vertical, horizontal] = attrs.strides;
  const folds = channels / attrs.simd;
  const column: Counter = { name: 'column', count: width };
  const row: Counter = { name: 'row', count: height };
  const phase = (name: string, stride: number, outer: Counter): Counter =>
    outer.count > 1 ? { name, count: stride, early: atLast(outer) } : { name, count: 1 };
  const across = phase('across', horizontal, column);
  const down = phase('down', vertical, row);
  const line: readonly Counter[] =
    across.count > 1 ? [{ name: 'fold', count: folds }, across, column] : [{ name: 'column', count: folds * columns }];
  return {
    nest: [...line, ...(down.count > 1 ? [down, row] : [])],
    beats: rows * columns * folds,
    taking: all(within(across, 0, 1), within(down, 0, 1)),
    takes(t) {
      const pixel = Math.floor(t / folds);
      return (pixel % columns) % horizontal === 0 && Math.floor(pixel / columns) % vertical === 0;
    },
  };
}
