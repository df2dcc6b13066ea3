import type { Counter } from '../../hdl/counters.ts';
import type { Layer } from '../operator.ts';
import type { UpsampleAttrs } from './attrs.ts';

/** An upsampling as its circuit sees it: rows that stand for one another or follow one another are one. */
export interface UpsampleSizes {
  /** Beats of a pixel, pixels of a row, rows of a frame. */
  readonly folds: number;
  readonly width: number;
  readonly rows: number;
  /** How often a row and a pixel come. */
  readonly down: number;
  readonly across: number;
  /** Beats that are kept to be repeated: a row, or a pixel where rows come once; 1 if a beat can simply stay. */
  readonly kept: number;
}

export function sizesOf({ inputs: [x], attrs }: Layer<UpsampleAttrs>): UpsampleSizes {
  const [batch, height, width, channels] = x!.type.shape as [number, number, number, number];
  const [down, across] = attrs.scales;
  const folds = channels / attrs.simd;
  // A row of one pixel is that pixel down · across times; rows that come once are one long row.
  if (width === 1 || down === 1) {
    const times = down * across;
    return {
      ...{ folds, width: batch * height * width, rows: 1, down: 1, across: times },
      kept: times === 1 ? 1 : folds,
    };
  }
  return { folds, width, rows: batch * height, down, across, kept: width * folds };
}

/** Counters of the output position, the innermost first; those of them that nobody asks for are left out. */
export interface UpsampleNest {
  readonly nest: readonly Counter[];
  readonly fold: Counter;
  readonly across: Counter;
  readonly column: Counter;
  readonly down: Counter;
}

export function nestOf({ folds, width, down, across }: UpsampleSizes): UpsampleNest {
  const place: UpsampleNest = {
    fold: { name: 'fold', count: across > 1 ? folds : 1 },
    across: { name: 'across', count: across },
    column: { name: 'column', count: down === 1 ? 1 : across > 1 ? width : width * folds },
    down: { name: 'down', count: down },
    nest: [],
  };
  return { ...place, nest: [place.fold, place.across, place.column, place.down] };
}

/** The input beat that output beat j is, and the first that it or a later one is. */
export function sourceOf(s: UpsampleSizes, j: number): { beat: number; first: number } {
  const row = s.width * s.across * s.folds;
  const y = Math.floor(j / row);
  const x = Math.floor((j % row) / s.folds);
  const start = Math.floor(y / s.down) * s.width * s.folds;
  const pixel = start + Math.floor(x / s.across) * s.folds;
  const beat = pixel + (j % s.folds);
  const again = y % s.down < s.down - 1;
  return { beat, first: again ? start : x % s.across < s.across - 1 ? pixel : beat };
}
