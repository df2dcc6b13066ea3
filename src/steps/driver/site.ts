import type { Node } from '../../ir/graph.ts';
import { Site } from '../../onnx/ops/define.ts';

/** Typed access to a node's inputs and attributes. */
export const siteOf = (node: Node): Site =>
  new Site(node.op.name, node.inputs, node.attrs, { origin: node.origin, outputs: node.types.length });
