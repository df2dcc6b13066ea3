import type { Attrs } from '../../ir/graph.ts';

export interface PixelPaddingAttrs extends Attrs {
  /** Pixel i of a column or row goes to place i · stride. */
  readonly strides: readonly [vertical: number, horizontal: number];
  /** Channels in a beat; divides them. */
  readonly simd: number;
}
