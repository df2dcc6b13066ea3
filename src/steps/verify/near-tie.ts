import type { Graph, Node } from '../../ir/graph.ts';
import { extremes, type Tensor, tensor } from '../../ir/tensor.ts';
import type { Split } from '../../passes/streamline/walk.ts';
import { evaluateBeside } from './beside.ts';

/** A quantiser or a product of the network in one run: what it took, by position, and what it gave. */
export interface Seen {
  readonly node: Node;
  readonly tensor: Tensor;
  readonly inputs: readonly (Tensor | undefined)[];
}

export type Meeting = Split['meetings'][number];
export type Meetings = ReadonlyMap<string, Meeting>;

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

/**
 * The real sums without what binary32 lost in adding them up: the integers, scaled, rounded once. Where the integer is another than the real
 * sum stands for, the real sum stays: that is an error, and none of rounding.
 */
function exactSums(real: Tensor, sums: Tensor, { scale, offset }: Meeting): Tensor {
  const data = Float64Array.from(real.data, (v, i) => {
    const [s, o] = [entryOf(scale, real, i), entryOf(offset, real, i)];
    const integer = Math.round((v - o) / s);
    // Columns whose thresholds fall have the sign in their weights.
    return Math.abs(integer) === Math.abs(sums.data[i]!) ? integer * s + o : v;
  });
  return tensor(real.dtype, real.shape, data);
}

/** What a quantiser gives where the sums in front of it are exact, and how far that moved its input. */
export interface Exact {
  readonly integers: Tensor;
  /** Move of element `i` of the quantiser's input, as a share of the largest magnitude in it. */
  distance(i: number): number;
}

/**
 * The network again, with exact sums of products in the place of binary32's, and at every quantiser on the way with what it gave the first
 * time: a near tie is where that alone decides. `sums` are the integer network's, by name of the product.
 */
export function exactly(
  network: Graph,
  x: Tensor,
  meetings: Meetings,
  seen: ReadonlyMap<string, Seen>,
  sums: ReadonlyMap<string, Tensor>,
): { readonly quantisers: ReadonlyMap<string, Exact>; readonly outputs: ReadonlyMap<string, Tensor> } {
  const found = new Map<string, Exact>();
  const outputs = evaluateBeside(network, new Map([[network.inputs[0]!.name, x]]), (node, made, inputs) => {
    const name = node.origin[0] ?? '';
    const meeting = meetings.get(name);
    const first = seen.get(name);
    if (!meeting || !first) return made;
    const own = sums.get(name);
    if (meeting.at === 'product') return own ? exactSums(made, own, meeting) : made;
    const position = node.inputs.findIndex((value) => value && value.kind !== 'constant');
    const [before, now] = [first.inputs[position]!, inputs[position]!];
    found.set(name, {
      integers: integersOf(made, meeting, made),
      distance(i) {
        const [min, max] = extremes(before.data);
        return Math.abs(before.data[i]! - now.data[i]!) / Math.max(-min, max, Number.MIN_VALUE);
      },
    });
    return first.tensor;
  });
  return { quantisers: found, outputs };
}
