import type { Node } from '../../ir/graph.ts';
import { extremes, type Tensor, tensor } from '../../ir/tensor.ts';
import type { Split } from '../../passes/streamline/walk.ts';

/** A quantiser of the network in one run: what it took, by position, and what it gave. */
export interface Seen {
  readonly node: Node;
  readonly tensor: Tensor;
  readonly inputs: readonly (Tensor | undefined)[];
}

export type Meeting = Split['meetings'][number];

/** The entry of a parameter, one number or one a channel (axis 1), that belongs to element `i` of a tensor. */
function entryOf(parameter: Tensor, { shape }: Tensor, i: number): number {
  if (parameter.data.length === 1) return parameter.data[0]!;
  const inner = shape.slice(2).reduce((n, m) => n * m, 1);
  return parameter.data[Math.floor(i / inner) % parameter.data.length]!;
}

/** The integers behind a quantiser's real output. */
export function integersOf(real: Tensor, { scale, offset }: Meeting, like: Tensor): Tensor {
  const data = Float64Array.from(real.data, (v, i) =>
    Math.round((v - entryOf(offset, real, i)) / entryOf(scale, real, i)),
  );
  return tensor(like.dtype, like.shape.length === real.shape.length ? real.shape : like.shape, data);
}

const reshapes = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'];

/**
 * Has binary32 lost anything in the sum behind element `at`? Only then may the network be on the other side of a step: the chain behind the
 * sum is the same on both sides. `node` is the integer network's, `sums` are its integers in front; what is no sum of ours may have lost some.
 */
export function sumIsRounded(
  node: Node,
  at: number,
  sums: Tensor | undefined,
  meetings: ReadonlyMap<string, Meeting>,
  seen: ReadonlyMap<string, Seen>,
): boolean {
  let from = node.inputs[0];
  while (from?.kind === 'node' && reshapes.includes(from.node.op.name)) from = from.node.inputs[0];
  if (from?.kind !== 'node') return false;
  const meeting = meetings.get(from.node.origin[0] ?? '');
  const real = seen.get(from.node.origin[0] ?? '')?.tensor;
  if (meeting?.at !== 'product' || !real || !sums) return true;
  const [scale, offset] = [entryOf(meeting.scale, real, at), entryOf(meeting.offset, real, at)];
  // Columns whose thresholds fall have the sign in their weights.
  return [1, -1].every((sign) => Math.fround(sign * sums.data[at]! * scale + offset) !== real.data[at]);
}

/** Binary32 keeps 24 bits; sums of a few hundred products lose up to four of them. */
const FINEST = -24;
const COARSEST = -20;

/**
 * How far from a step the network is at element `at`, as a share of the largest magnitude in the tensor: the least power of two of 2^-24 to
 * 2^-20 by which the quantiser's input has to be moved to give `found`. Undefined where even the largest does not: no tie, an error.
 */
export function tieDistance({ node, inputs }: Seen, at: number, found: number, meeting: Meeting): number | undefined {
  const position = node.inputs.findIndex((value) => value && value.kind !== 'constant');
  const x = inputs[position];
  if (!x) return undefined;
  const [min, max] = extremes(x.data);
  const largest = Math.max(-min, max);
  for (let exponent = FINEST; exponent <= COARSEST; exponent += 1)
    for (const direction of [-1, 1]) {
      const data = Float64Array.from(x.data);
      data[at]! += direction * largest * 2 ** exponent;
      const moved = tensor(x.dtype, x.shape, data);
      const read = inputs.map((given, i) => (i === position ? moved : given));
      const context = { origin: node.origin, outputs: node.types.length, types: node.types };
      const [y] = node.op.evaluate(read, node.attrs, context);
      if (integersOf(y!, meeting, y!).data[at] === found) return 2 ** exponent;
    }
  return undefined;
}
