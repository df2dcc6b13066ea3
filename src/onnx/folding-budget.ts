import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import type { Node } from '../ir/graph.ts';
import { sizeOf } from '../ir/tensor.ts';
import type { Beside } from './external.ts';

/** Elements of constants that a file of any size may make, and those for each of its bytes. */
const BASE = 2 ** 26;
const PER_BYTE = 16;

/** How much may be computed of constants at import: a few nodes in a small file could fill any memory. */
export class FoldingBudget {
  #left: number;

  constructor(bytes: number, beside: Beside | undefined) {
    const outside = typeof beside === 'object' ? Object.values(beside).reduce((sum, { length }) => sum + length, 0) : 0;
    this.#left = BASE + PER_BYTE * (bytes + outside);
  }

  /** Takes what this node makes. Fails with onnx/too-large where too little is left. */
  take({ types, origin }: Node): void {
    this.#left -= types.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (this.#left >= 0) return;
    fail(
      'onnx/too-large',
      `node '${origin.join(', ')}' and those before it make larger constants than a file of this size means`,
      {
        at: inNetwork(origin),
        hint: `${BASE} elements in all, and ${PER_BYTE} for each byte of the file`,
      },
    );
  }
}
