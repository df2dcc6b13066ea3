import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import { FLOAT32, FLOAT64 } from '../../ir/datatype.ts';
import { apply, constant, type InputValue, node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { onnx } from '../ops.ts';
import { type Carried, type Integers, isOne, isZero } from './carried.ts';

/** Are the integers themselves the real values, so that the host has nothing to do? */
export const isPlain = ({ scale, offset, links }: Integers): boolean =>
  links.length === 0 && isOne(scale) && isZero(offset);

/** ONNX's numbers of element types, for Cast. */
const FLOAT = 1;
const DOUBLE = 11;

const toFloat = (value: Value, origin: readonly string[]): Value => apply(onnx('Cast'), [value], { to: FLOAT }, origin);
const parameter = (t: Tensor): Value => constant({ ...t, dtype: FLOAT64 });

/** links(fround(scale · integers + offset)) as nodes of a graph: the real values behind `integers`. */
export function realOf(from: Integers, integers: Value): Value {
  let value: Value = integers;
  const origin = integers.kind === 'input' ? [integers.name] : [];
  const named = (what: string) => [...origin, what];
  if (!isOne(from.scale) || !isZero(from.offset)) {
    value = apply(onnx('Cast'), [value], { to: DOUBLE }, named('wide'));
    if (!isOne(from.scale)) value = apply(onnx('Mul'), [value, parameter(from.scale)], {}, named('scale'));
    if (!isZero(from.offset)) value = apply(onnx('Add'), [value, parameter(from.offset)], {}, named('offset'));
  }
  if (value.type.dtype !== FLOAT32) value = toFloat(value, named('real'));
  for (const { node, position } of from.links)
    value = output(
      remade(
        node,
        node.inputs.map((v, i) => (i === position ? value : v)),
      ),
    );
  return value;
}

/** Round((real − offset) / scale) as nodes of a graph: the integers behind a quantiser's real output. */
export function integersBehind(real: Value, scale: Tensor, offset: Tensor): Value {
  let value = real;
  const origin = real.kind === 'node' ? real.node.origin : [];
  value = apply(onnx('Cast'), [value], { to: DOUBLE }, [...origin, 'wide']);
  if (!isZero(offset)) value = apply(onnx('Sub'), [value, parameter(offset)], {}, [...origin, 'offset']);
  if (!isOne(scale)) value = apply(onnx('Div'), [value, parameter(scale)], {}, [...origin, 'scale']);
  return apply(onnx('Cast'), [apply(onnx('Round'), [value], {}, [...origin, 'integers'])], { to: FLOAT }, [
    ...origin,
    'feed',
  ]);
}

/** A value that the host computes behind the accelerator, over the accelerator's outputs. */
export function behind(
  value: Value,
  carry: (value: Value) => Carried,
  emit: (base: Value, name: string) => InputValue,
): Value {
  const made = new Map<Node, Node>();
  const visit = (v: Value): Value => {
    if (v.kind === 'constant') return v;
    const from = carry(v);
    if (from.kind === 'integers') {
      if (from.base.kind === 'constant') return v;
      return realOf(from, emit(from.base, nameOf(v)));
    }
    if (v.kind === 'input' || (from.kind === 'host' && from.side === 'before'))
      return fail(
        'streamline/unsupported',
        `the host would need '${nameOf(v)}' both before and behind the accelerator`,
        {
          at: inNetwork([nameOf(v)]),
          hint: 'quantise it where it enters the network',
        },
      );
    const known = made.get(v.node);
    if (known) return output(known, v.index);
    const fresh = remade(
      v.node,
      v.node.inputs.map((i) => i && visit(i)),
    );
    made.set(v.node, fresh);
    return output(fresh, v.index);
  };
  return visit(value);
}

const nameOf = (value: Value): string =>
  value.kind === 'node' ? (value.node.origin[0] ?? value.node.op.name) : value.name;
const remade = (node: Node, inputs: readonly (Value | undefined)[]): Node =>
  makeNode(node.op, inputs, node.attrs, node.origin, node.types.length);
