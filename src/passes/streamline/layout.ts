import { node as makeNode, type Node, output, type Value } from '../../ir/graph.ts';
import { onnx, qonnx } from '../ops.ts';
import type { Carried } from './carried.ts';
import { movementRule } from './movement.ts';
import type { Rule } from './rule.ts';

/** Does the node work on N×H×W×C or N×W×C, as FINN's own dialect does behind its streamlining? */
function channelsLast(node: Node): boolean {
  const rank = node.inputs[0]?.type.shape.length ?? 0;
  if (rank < 3) return false;
  if (node.op === qonnx('MaxPoolNHWC')) return true;
  const layout = node.attrs['data_layout'];
  return typeof layout === 'string' && layout.length === rank && layout.endsWith('C');
}

/** A Transpose of a carried value, by the rule that every Transpose follows. */
function transposed(
  value: Value,
  from: Carried,
  perm: readonly number[],
  origin: readonly string[],
  walk: Parameters<Rule>[2],
) {
  const move = makeNode(onnx('Transpose'), [value], { perm }, origin);
  return { value: output(move as Node), from: movementRule(move as Node, [from], walk)[0]! };
}

/** A rule for channels on axis 1, for nodes that have them on the last one too: the axes are moved there and back. */
export const insideImages =
  (rule: Rule): Rule =>
  (node, inputs, walk) => {
    const [from] = inputs;
    if (!channelsLast(node) || from?.kind !== 'integers') return rule(node, inputs, walk);
    const rank = node.inputs[0]!.type.shape.length;
    const axes = Array.from({ length: rank }, (_, i) => i);
    const first = [0, rank - 1, ...axes.slice(1, -1)];
    const last = [0, ...axes.slice(2), 1];
    const moved = transposed(node.inputs[0]!, from, first, node.origin, walk);
    const attrs = { ...node.attrs };
    if ('data_layout' in attrs) Object.assign(attrs, { data_layout: rank === 3 ? 'NCW' : 'NCHW' });
    const op = node.op === qonnx('MaxPoolNHWC') ? onnx('MaxPool') : node.op;
    const inner = makeNode(op, [moved.value, ...node.inputs.slice(1)], attrs, node.origin, node.types.length) as Node;
    const [made] = rule(inner, [moved.from, ...inputs.slice(1)], walk);
    return made?.kind === 'integers'
      ? [transposed(output(inner), made, last, node.origin, walk).from]
      : rule(node, inputs, walk);
  };
