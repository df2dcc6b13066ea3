import { apply, type Node } from '../../ir/graph.ts';
import { DepthToSpace } from '../../onnx/ops/windows.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { DepthToSpaceAttrs } from './attrs.ts';

/** finn's DepthToSpace of integers becomes the layer of that name. */
export function lowerDepthToSpace(op: Operator<DepthToSpaceAttrs>, node: Node): Lowered | undefined {
  const [x] = node.inputs;
  if (node.op !== DepthToSpace || !x) return undefined;
  if (!x.type.dtype.integer) return { refused: `its input is ${x.type.dtype.name}, not integer` };
  const blocksize = Number(node.attrs['blocksize'] ?? 1);
  return { value: apply(op, [x], { blocksize, simd: 1, memory: 'auto' }, node.origin) };
}
