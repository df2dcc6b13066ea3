import type { Op } from '../../ir/graph.ts';
import { elementwise } from '../../onnx/ops/elementwise.ts';
import { finn, onnx, qonnx } from '../ops.ts';
import {
  convolutionLayout,
  im2colLayout,
  maxPoolLayout,
  sumPoolLayout,
  transposedConvolutionLayout,
} from './convolution.ts';
import { concatLayout, elementwiseLayout, matMulLayout, reduceSumLayout, splitLayout } from './joins.ts';
import type { LayoutRule } from './layout.ts';
import {
  depthToSpaceLayout,
  expandLayout,
  gatherLayout,
  padLayout,
  reshapeLayout,
  resizeLayout,
  sliceLayout,
  transposeLayout,
} from './movement.ts';

/** Operations on images. */
const images: readonly (readonly [Op, LayoutRule])[] = [
  [onnx('Conv'), convolutionLayout],
  [onnx('ConvTranspose'), transposedConvolutionLayout],
  [onnx('MaxPool'), maxPoolLayout],
  [finn('SumPool'), sumPoolLayout],
  [onnx('Resize'), resizeLayout],
  [onnx('Expand'), expandLayout],
  [onnx('DepthToSpace'), depthToSpaceLayout],
];

/** What each operation becomes; one that is not here keeps the network's order. */
export const layoutRules = new Map<Op, LayoutRule>([
  ...elementwise.map((op): [Op, LayoutRule] => [op, elementwiseLayout]),
  [qonnx('MultiThreshold'), elementwiseLayout],
  ...images,
  [onnx('ReduceSum'), reduceSumLayout],
  [onnx('Concat'), concatLayout],
  [onnx('Split'), splitLayout],
  [onnx('Slice'), sliceLayout],
  [onnx('Pad'), padLayout],
  [onnx('Gather'), gatherLayout],
  [onnx('Transpose'), transposeLayout],
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((name): [Op, LayoutRule] => [onnx(name), reshapeLayout]),
  [onnx('MatMul'), matMulLayout],
  [qonnx('Im2Col'), im2colLayout],
]);

/** Operations that need their input as an image, and so decide how the accelerator's input lies. */
export const spatial: ReadonlySet<Op> = new Set<Op>([
  ...images.map(([op]) => op),
  ...['Concat', 'Split', 'Slice', 'Pad'].map(onnx),
]);
