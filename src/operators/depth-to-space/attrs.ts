import type { StreamPlacement } from '../../hdl/stream-memory.ts';
import type { Attrs } from '../../ir/graph.ts';

export interface DepthToSpaceAttrs extends Attrs {
  /** Rows, and columns, of pixels that one pixel becomes. */
  readonly blocksize: number;
  /** Channels of the output in a beat; divides them. */
  readonly simd: number;
  /** Where the segments wait. */
  readonly memory: StreamPlacement;
}
