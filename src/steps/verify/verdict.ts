/** Where a computation went another way: the first layer, element and both values. */
export interface Difference {
  /** Layer or ONNX node. */
  readonly where: string;
  readonly origin: readonly string[];
  readonly vector: number;
  /** Index in the tensor of one vector. */
  readonly element: readonly number[];
  readonly expected: number;
  readonly found: number;
}

/** What a verification found. */
export interface Verdict {
  readonly stage: 'import' | 'streamline' | 'lower' | 'codegen' | 'stitch' | 'shell';
  /** Vectors and elements that were compared; 0 where the recipe does not ask for this stage. */
  readonly vectors: number;
  readonly elements: number;
  /** Share of labels met, where there are labels. */
  readonly accuracy?: number;
  /** Integers that differ where the network is within rounding error of a step. */
  readonly nearTies: number;
  /** How far from a step the farthest of those is, as a share of the largest magnitude in its tensor. */
  readonly nearTieDistance?: number;
}
