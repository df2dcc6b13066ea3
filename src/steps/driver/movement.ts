import { FLOAT64, int } from '../../ir/datatype.ts';
import { input, node as makeNode, type Node, type Value } from '../../ir/graph.ts';
import { reshaped, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { permutation } from '../../onnx/ops/movement.ts';
import { onnx } from '../../passes/ops.ts';
import { number } from './arithmetic.ts';
import type { HostRule, Operand } from './program.ts';
import { siteOf } from './site.ts';

/** A node that gives the elements another shape, or nothing else. */
export const reshape: HostRule = (node, [x], writer) => {
  const type = node.types[0]!;
  if (x === undefined) return undefined;
  return [typeof x === 'number' ? writer.step('reshape', [x], type) : reshaped(x, type.shape)];
};

export const transpose: HostRule = (node, [x], writer) =>
  x === undefined ? undefined : [writer.step('transpose', [x], node.types[0]!, { perm: permutation(siteOf(node)) })];

/** Where each element of the outputs comes from: place in all inputs one behind the other, or −1 for `fill`. */
interface Move {
  readonly places: readonly Tensor[];
  readonly fill: number;
}

/**
 * A node that only moves elements, whatever it is: it is run on images of the places themselves, twice, so that what it
 * fills in shows in that it stays the same. Undefined if it does something else.
 */
function moveOf(node: Node, moved: readonly boolean[]): Move | undefined {
  const sizes = node.inputs.map((value, i) => (value && moved[i] ? sizeOf(value.type.shape) : 0));
  const total = sizes.reduce((a, b) => a + b, 0);
  const fresh = node.inputs.map((value, i): Value | undefined =>
    value && moved[i] ? input(`${i}`, { dtype: FLOAT64, shape: value.type.shape }) : value,
  );
  const { types } = makeNode(node.op, fresh, node.attrs, node.origin, node.types.length);
  const run = (shift: number): readonly Tensor[] => {
    let begin = shift;
    const inputs = fresh.map((value, i) => {
      if (value?.kind === 'constant') return value.tensor;
      if (!value) return undefined;
      const from = begin;
      begin += sizes[i]!;
      const places = Float64Array.from({ length: sizes[i]! }, (_, at) => from + at);
      return tensor(FLOAT64, value.type.shape, places);
    });
    return node.op.evaluate(inputs, node.attrs, { origin: node.origin, outputs: types.length, types });
  };
  const [once, again] = [run(0), run(total)];
  let fill: number | undefined;
  const places: Tensor[] = [];
  for (const [o, { data, shape }] of once.entries()) {
    const list = new Float64Array(data.length);
    for (const [i, place] of data.entries()) {
      const isMoved = again[o]!.data[i]! - place === total && Number.isInteger(place) && place >= 0 && place < total;
      if (!isMoved && (again[o]!.data[i] !== place || (fill !== undefined && fill !== place))) return undefined;
      if (!isMoved) fill = place;
      list[i] = isMoved ? place : -1;
    }
    places.push(tensor(int(32), shape, list));
  }
  return { places, fill: fill ?? 0 };
}

/** A node that picks, repeats, joins or pads elements; what says how is constant. */
export const movement: HostRule = (node, reads, writer) => {
  // Of constants only those are moved that stand among values that are not.
  const joins = node.op === onnx('Concat');
  if (!joins && reads.slice(1).some((read) => typeof read === 'number')) return undefined;
  const moved = reads.map((read) => read !== undefined && (joins || typeof read === 'number'));
  const sources = reads.filter((read, i): read is Operand => read !== undefined && moved[i] === true);
  const move = moveOf(node, moved);
  return move?.places.map((places, o) =>
    writer.step('gather', [places, number(move.fill), ...sources], node.types[o]!),
  );
};
