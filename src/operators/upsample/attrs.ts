import type { Attrs } from '../../ir/graph.ts';

export interface UpsampleAttrs extends Attrs {
  /** How often each row and each pixel of a row comes. */
  readonly scales: readonly [vertical: number, horizontal: number];
  /** Channels in a beat; divides them. */
  readonly simd: number;
  /** Where the row that is repeated lies. */
  readonly memory: 'auto' | 'lut' | 'block';
}
