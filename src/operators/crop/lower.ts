import { int } from '../../ir/datatype.ts';
import { apply, type Node } from '../../ir/graph.ts';
import { sizeOf, tensor } from '../../ir/tensor.ts';
import { notImage } from '../layer.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { CropAttrs } from './attrs.ts';

/** A Slice of step 1 along height and width of images N×H×W×C becomes a Crop. */
export function lowerSlice(op: Operator<CropAttrs>, node: Node): Lowered | undefined {
  if (node.op.name !== 'Slice' || node.op.domain !== '') return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const { shape } = x.type;
  const reason = notImage(x.type);
  if (reason) return { refused: reason };
  const out = node.types[0]!.shape;
  if (sizeOf(out) === 0) return { refused: 'it leaves nothing' };
  const [first, last] = corners(node);
  const axis = [0, 1, 2, 3].find((a) => last[a]! - first[a]! !== out[a]! - 1);
  if (axis !== undefined) return { refused: `its step along axis ${axis} is not 1` };
  if (out[0] !== shape[0] || out[3] !== shape[3])
    return { refused: `it takes a part of axis ${out[3] !== shape[3] ? 3 : 0}, not of height or width only` };
  const sides = [first[1]!, first[2]!, shape[1]! - 1 - last[1]!, shape[2]! - 1 - last[2]!] as const;
  return { value: apply(op, [x], { sides, simd: 1, pixels: 1 }, node.origin) };
}

/** Where in its input the first and the last element of a Slice lie: it is asked for the places themselves. */
function corners(node: Node): [number[], number[]] {
  const shape = node.inputs[0]!.type.shape;
  const places = tensor(
    int(53),
    shape,
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => i),
  );
  const inputs = node.inputs.map((v, i) => (i === 0 ? places : v?.kind === 'constant' ? v.tensor : undefined));
  const { data } = node.op.evaluate(inputs, node.attrs, {
    origin: node.origin,
    outputs: node.types.length,
    types: [{ dtype: places.dtype, shape: node.types[0]!.shape }],
  })[0]!;
  const unravel = (at: number): number[] => {
    let rest = at;
    return [...shape]
      .reverse()
      .map((n) => {
        const index = rest % n;
        rest = (rest - index) / n;
        return index;
      })
      .reverse();
  };
  return [unravel(data[0]!), unravel(data.at(-1)!)];
}
