import { apply, type Node } from '../../ir/graph.ts';
import type { Lowered, Operator } from '../operator.ts';
import { type SlidingWindowAttrs, windowsAlong } from './sizes.ts';

/** QONNX's Im2Col of integers without padding becomes a window generator; padding is a layer of its own in front. */
export function lowerWindows(op: Operator<SlidingWindowAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'Im2Col') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const { dtype, shape } = x.type;
  const list = (name: string, otherwise: readonly number[]): readonly number[] => {
    const value = node.attrs[name];
    return Array.isArray(value) ? value : otherwise;
  };
  const pad = list('pad_amount', [0, 0, 0, 0]);
  if (!dtype.integer) return { refused: `its input is ${dtype.name}, not integer` };
  if (shape.length !== 4 || shape[0] !== 1) return { refused: `its input [${shape.join(', ')}] is not 1×H×W×C` };
  if (pad.some((n) => n !== 0))
    return { refused: `it pads its input by [${pad.join(', ')}], which a Pad in front has to do` };
  const pair = (name: string): [number, number] => list(name, [1, 1]) as [number, number];
  const [kernel, stride, dilation] = [pair('kernel_size'), pair('stride'), pair('dilations')];
  for (const i of [0, 1] as const) {
    if (windowsAlong(shape[i + 1]!, kernel[i], stride[i], dilation[i]) === 0) {
      const covers = (kernel[i] - 1) * dilation[i] + 1;
      return { refused: `its kernel covers ${covers} ${i === 0 ? 'rows' : 'columns'}, the image has ${shape[i + 1]}` };
    }
  }
  const attrs: SlidingWindowAttrs = {
    ...{ kernel, stride, dilation },
    depthwise: node.attrs['depthwise'] === 1 ? 1 : 0,
    ...{ simd: 1, parallelWindow: 0, pixels: 1, memory: 'auto' },
  };
  return { value: apply(op, [x], attrs, node.origin) };
}
