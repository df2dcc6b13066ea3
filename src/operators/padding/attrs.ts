import type { Attrs } from '../../ir/graph.ts';
import type { Sides } from '../border.ts';

export interface PaddingAttrs extends Attrs {
  /** Pixels added above, left, below and right. */
  readonly pads: Sides;
  /** What each of their channels is. */
  readonly value: number;
  /** Channels in a beat; divides them. */
  readonly simd: number;
  /** Pixels in a beat; more than one only with all channels. */
  readonly pixels: number;
}
