import type { Graph, Node, Value } from '../../ir/graph.ts';
import { nodesOf } from '../../ir/traverse.ts';
import type { Layer } from '../../operators/operator.ts';
import { onnx } from '../ops.ts';

/** Is the node a hardware layer? Operators, unlike ONNX's operations, know their streams. */
export const isLayer = (node: Node): node is Layer => 'streams' in node.op;

/** Is the node another shape of a stream, which has none? It costs nothing and is no layer. */
export const isView = (node: Node): boolean => node.op === onnx('Reshape');

/** The layer whose output a value is, through views, and the number of that output; undefined for an input of the graph. */
export function writerOf(value: Value): { readonly layer: Layer; readonly port: number } | undefined {
  let at = value;
  while (at.kind === 'node' && isView(at.node)) at = at.node.inputs[0]!;
  return at.kind === 'node' && isLayer(at.node) ? { layer: at.node, port: at.index } : undefined;
}

/** The layers of a graph of layers, in order, by the name that people see: MVAU_0, Thresholding_2. */
export function layersOf(graph: Graph): Map<string, Layer> {
  return numbered(graph, (layer) => layer.op.name);
}

/** The layers by the names that FINN gives them after specialisation: MVAU_hls_0, Thresholding_rtl_2. */
export function finnNames(graph: Graph): Map<string, Layer> {
  return numbered(graph, (layer) => layer.op.finn(layer).opType);
}

function numbered(graph: Graph, nameOf: (layer: Layer) => string): Map<string, Layer> {
  const next = new Map<string, number>();
  const map = new Map<string, Layer>();
  for (const node of nodesOf(graph)) {
    if (!isLayer(node)) continue;
    const name = nameOf(node);
    const n = next.get(name) ?? 0;
    next.set(name, n + 1);
    map.set(`${name}_${n}`, node);
  }
  return map;
}
