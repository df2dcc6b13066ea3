import type { Op } from '../../ir/graph.ts';
import { activation } from './activation.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { linear } from './linear.ts';
import { movement } from './movement.ts';
import { MultiThreshold } from './multi-threshold.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { quantisers } from './quant.ts';
import { DequantizeLinear, QuantizeLinear } from './quantize-linear.ts';
import { reductions } from './reduction.ts';
import { Resize } from './resize.ts';
import { selection } from './selection.ts';
import { windows } from './windows.ts';

const own: readonly Op[] = [
  ...elementwise,
  ...activation,
  ...linear,
  ...convolution,
  ...pooling,
  ...movement,
  ...selection,
  ...reductions,
  ...windows,
  ...normalization,
  ...quantisers,
  Resize,
  MultiThreshold,
  QuantizeLinear,
  DequantizeLinear,
];

/** Every operator of ONNX and QONNX that finn knows the meaning of, and those of plug-ins. */
export let onnxOps: readonly Op[] = own;

/** Adds the operators of plug-ins to finn's own, in place of those that were there. */
export function extendOnnx(more: readonly Op[]): void {
  onnxOps = [...own, ...more];
}
