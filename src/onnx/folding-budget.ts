import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import type { Node } from '../ir/graph.ts';
import { sizeOf, type Tensor } from '../ir/tensor.ts';

/** Elements that any network may make of constants, and those for each element of the tensors in its file. */
const BASE = 2 ** 25;
const PER_ELEMENT = 64;

/** How much may be computed of constants at import: a few nodes in a small file could fill any memory. */
export class FoldingBudget {
  #left = BASE;

  /** Counts a tensor that was read: there were bytes for all of its elements. */
  has(read: Tensor): Tensor {
    this.#left += PER_ELEMENT * read.data.length;
    return read;
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
        hint: `${BASE} elements in all, and ${PER_ELEMENT} for each element of the file's tensors`,
      },
    );
  }
}
