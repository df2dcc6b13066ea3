import { node as makeNode, type Node, type Value } from '../../ir/graph.ts';

/** The node on other inputs. */
export const remade = (node: Node, inputs: readonly (Value | undefined)[], attrs: Node['attrs'] = node.attrs): Node =>
  makeNode(node.op, inputs, attrs, node.origin, node.types.length) as Node;
