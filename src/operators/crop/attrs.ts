import type { Attrs } from '../../ir/graph.ts';
import type { Sides } from '../border.ts';

export interface CropAttrs extends Attrs {
  /** Pixels left out above, left, below and right. */
  readonly sides: Sides;
  /** Channels in a beat; divides them. */
  readonly simd: number;
  /** Pixels in a beat; more than one only with all channels. */
  readonly pixels: number;
}
