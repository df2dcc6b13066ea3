import { int } from '../../ir/datatype.ts';
import { apply, type Node } from '../../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { notImage } from '../layer.ts';
import type { Lowered, Operator } from '../operator.ts';
import type { UpsampleAttrs } from './attrs.ts';

/** A Resize of images N×H×W×C that only repeats pixels becomes an UpsampleNearestNeighbour. */
export function lowerResize(op: Operator<UpsampleAttrs>, node: Node): Lowered | undefined {
  if (node.op.domain !== '' || (node.op.name !== 'Resize' && node.op.name !== 'Upsample')) return undefined;
  const [x] = node.inputs;
  if (!x) return undefined;
  const { shape } = x.type;
  const reason = notImage(x.type);
  if (reason) return { refused: reason };
  const out = node.types[0]!.shape;
  const other = [0, 3].find((axis) => out[axis] !== shape[axis]);
  if (other !== undefined) return { refused: `it resizes axis ${other}, not height or width` };
  const scales = [out[1]! / shape[1]!, out[2]! / shape[2]!] as const;
  if (!scales.every((n) => Number.isInteger(n) && n >= 1))
    return { refused: `it makes ${out[1]}×${out[2]} pixels of ${shape[1]}×${shape[2]}, not a whole multiple` };
  const wrong = misplaced(node, scales);
  if (wrong) {
    return {
      refused: `it is no plain repetition of pixels (pixel ${wrong.join(', ')} is not that of the input); use mode 'nearest' with coordinates 'asymmetric' rounded by 'floor', or 'half_pixel'`,
    };
  }
  return { value: apply(op, [x], { scales, simd: 1, memory: 'auto' }, node.origin) };
}

/**
 * A pixel of the output that is not the input's at its place divided by the scales. The node itself is asked, with an image of one
 * channel that holds its own places: how modes, coordinates and rounding go together is the interpreter's to know.
 */
function misplaced(node: Node, [down, across]: readonly [number, number]): [number, number] | undefined {
  const [n = 1, height = 1, width = 1, channels] = node.inputs[0]!.type.shape;
  const image = tensor(
    int(53),
    [n, height, width, 1],
    Float64Array.from({ length: n * height * width }, (_, i) => i),
  );
  // A list of sizes names the channels, too.
  const sizes = (t: Tensor): Tensor =>
    t.data.length === 4 && t.data[3] === channels ? tensor(t.dtype, t.shape, [...t.data.subarray(0, 3), 1]) : t;
  const inputs = node.inputs.map((v, i) => (i === 0 ? image : v?.kind === 'constant' ? sizes(v.tensor) : undefined));
  const shape = [n, height * down, width * across, 1];
  const context = { origin: node.origin, outputs: 1, types: [{ dtype: image.dtype, shape }] };
  const { data } = node.op.evaluate(inputs, node.attrs, context)[0]!;
  for (let at = 0; at < sizeOf(shape); at += 1) {
    const column = at % shape[2]!;
    const row = Math.floor(at / shape[2]!);
    const due = Math.floor(row / down) * width + Math.floor(column / across);
    if (data[at] !== due) return [row % shape[1]!, column];
  }
  return undefined;
}
