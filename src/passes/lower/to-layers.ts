import { type Diagnostic, error, inNetwork } from '../../diagnostics/diagnostic.ts';
import { apply, type Graph, input, type Node, output, sameValue, type Value } from '../../ir/graph.ts';
import { rewrite } from '../../ir/rewrite.ts';
import { sizeOf } from '../../ir/tensor.ts';
import { nodesOf, readers } from '../../ir/traverse.ts';
import { operators } from '../../operators/index.ts';
import type { Lowering, LoweringOptions } from '../../operators/operator.ts';
import { isLayer, isView } from '../fold/names.ts';
import { onnx } from '../ops.ts';
import { forkStreams } from './fork-streams.ts';

/**
 * Every node of the integer network becomes a hardware layer, by the operators' own rules, tried in their order from
 * the inputs on. What none of them takes is reported by its ONNX name, all of it, with the reasons they gave.
 */
export function toLayers(graph: Graph, options: LoweringOptions): { graph: Graph; diagnostics: Diagnostic[] } {
  const reasons = new Map<string, string[]>();
  const flat = dropReshapes(graph);
  const readersBefore = readers(flat);
  // Lowered values are fresh: who reads them is who read the node that they replace.
  const readerCount = new Map<Node, number>();
  const lowering: Lowering = { options, sole: (value) => value.kind === 'node' && readerCount.get(value.node) === 1 };
  const lowered = rewrite(flat, (node, old) => {
    const readBy = readersBefore.get(old)?.length ?? 0;
    readerCount.set(node, readBy);
    for (const operator of operators) {
      const made = operator.lower?.(node, lowering);
      if (!made) continue;
      if ('refused' in made) {
        const key = node.origin[0] ?? node.op.name;
        reasons.set(key, [...(reasons.get(key) ?? []), `${operator.name}: ${made.refused}`]);
        continue;
      }
      if ('values' in made) return made.values;
      if (made.value.kind === 'node') readerCount.set(made.value.node, readBy);
      const place = made.output ?? 0;
      return node.types.map((_, index) => (index === place ? made.value : output(node, index)));
    }
    return undefined;
  });
  const diagnostics = nodesOf(lowered)
    .filter((node) => !isLayer(node) && !isView(node))
    .map((node) => leftOver(node, reasons.get(node.origin[0] ?? node.op.name)));
  return { graph: diagnostics.length > 0 ? lowered : forkStreams(lowered), diagnostics };
}

function leftOver(node: Node, reasons: readonly string[] | undefined): Diagnostic {
  return error(
    'lower/left-over',
    `'${node.origin[0]}' (${node.op.name}) is no hardware layer${reasons ? `: ${reasons.join('; ')}` : ': no operator takes it'}`,
    {
      at: inNetwork(node.origin),
      hint: 'use fewer bits or other sizes, or take it out: `finn operators` lists what can be built',
    },
  );
}

/**
 * Streams have no shape: a Reshape or Flatten that keeps the order of elements and whose reader counts them anew costs
 * nothing. At the accelerator's input it becomes the input's shape, which the host gives its arrays.
 */
function dropReshapes(graph: Graph): Graph {
  const reshapes = new Set([onnx('Reshape'), onnx('Flatten'), onnx('Squeeze'), onnx('Unsqueeze')]);
  const list = readers(graph);
  const inputs = new Map(graph.inputs.map((value) => [value, value]));
  for (const node of nodesOf(graph)) {
    const from = node.inputs[0];
    if (!reshapes.has(node.op) || from?.kind !== 'input') continue;
    if (nodesOf(graph).filter((one) => one.inputs.some((v) => v && sameValue(v, from))).length !== 1) continue;
    if (sizeOf(from.type.shape) !== sizeOf(node.types[0]!.shape) || !list.has(node)) continue;
    inputs.set(from, input(from.name, { dtype: from.type.dtype, shape: node.types[0]!.shape }));
  }
  const fresh = (value: Value | undefined): Value | undefined =>
    value?.kind === 'input' ? (inputs.get(value) ?? value) : value;
  const outputs = rewrite(graph, (node) => {
    const from = node.inputs[0];
    if (reshapes.has(node.op) && from?.kind === 'input' && inputs.get(from) !== from) return [inputs.get(from)!];
    if (!node.inputs.some((value) => value !== fresh(value))) return undefined;
    return node.types.length === 1 ? [apply(node.op, node.inputs.map(fresh), node.attrs, node.origin)] : undefined;
  }).outputs;
  return { ...graph, inputs: graph.inputs.map((value) => inputs.get(value)!), outputs };
}
