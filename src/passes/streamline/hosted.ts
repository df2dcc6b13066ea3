import { output } from '../../ir/graph.ts';
import { onnx } from '../ops.ts';
import { isScalar } from './carried.ts';
import { constantTensor } from './constants.ts';
import { absorbAffine } from './elementwise.ts';
import { onHost, type Rule } from './rule.ts';

/** Operations that give elements of their input and no others. */
const moving = new Set(
  ['Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Gather', 'Resize', 'Expand'].map(onnx),
);

/** Why the host has to do a node, and what to change where hardware needs its result. */
export interface Hosted {
  readonly reason: string;
  readonly hint?: string | undefined;
}

/**
 * A node that no circuit does, for this reason. What only moves elements of the accelerator's input is done in front of
 * it: the host feeds what comes of it. Anything else is done behind the accelerator.
 */
export const hostedRule =
  ({ reason, hint }: Hosted): Rule =>
  (node, inputs, walk) => {
    const [first] = inputs;
    const others = node.inputs.slice(1);
    if (!moving.has(node.op) || first?.kind !== 'integers' || others.some((value) => value && !constantTensor(value)))
      return onHost(node, inputs, reason, hint);
    const { base, scale, offset, links, range } = absorbAffine(first);
    if (base.kind !== 'input' || links.length > 0 || !isScalar(scale) || !isScalar(offset))
      return onHost(node, inputs, reason, hint);
    const type = { dtype: base.type.dtype, shape: node.types[0]!.shape };
    const fed = walk.openInput(output(node), type, scale, offset);
    const overall = { min: Float64Array.of(Math.min(...range.min)), max: Float64Array.of(Math.max(...range.max)) };
    return [{ kind: 'integers', base: fed, scale, offset, links: [], range: overall }];
  };
