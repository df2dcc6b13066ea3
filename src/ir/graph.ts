import type { DataType } from './datatype.ts';
import type { Tensor } from './tensor.ts';

export interface TensorType {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** Attributes of a node, as plain data. */
export type Attrs = Readonly<Record<string, unknown>>;

/** What an operation means: its output types and its value. */
export interface Op<A extends Attrs = Attrs> {
  /** ONNX op_type, or the name of the hardware operator. */
  readonly name: string;
  /** ONNX domain; '' is ONNX's own. */
  readonly domain: string;
  /** Types of the outputs. Throws FinnError when inputs or attributes are illegal, naming what is legal. */
  infer(inputs: readonly Value[], attrs: A, context: NodeContext): readonly TensorType[];
  /** Values of the outputs, bit-exact; integers are exact, binary32 arithmetic rounds once for each operation. */
  evaluate(inputs: readonly (Tensor | undefined)[], attrs: A, context: EvaluateContext): readonly Tensor[];
}

export interface NodeContext {
  /** Names of the ONNX nodes, for diagnostics. */
  readonly origin: readonly string[];
  readonly outputs: number;
}
export interface EvaluateContext extends NodeContext {
  readonly types: readonly TensorType[];
}

/**
 * A node is immutable and has no identity but itself: types are right from birth, what the outputs do not reach is
 * gone, fan-out is sharing.
 */
export interface Node<A extends Attrs = Attrs> {
  readonly op: Op<A>;
  /** Undefined stands for an optional input that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: A;
  readonly types: readonly TensorType[];
  /** Names of the ONNX nodes this came from: rewrites keep it, diagnostics quote it, recipes address layers by it. */
  readonly origin: readonly string[];
}

/** A value is an output of a node, an input of the graph, or a constant. */
export type Value = NodeValue | InputValue | ConstantValue;
export interface NodeValue {
  readonly kind: 'node';
  readonly node: Node;
  readonly index: number;
  readonly type: TensorType;
}
export interface InputValue {
  readonly kind: 'input';
  readonly name: string;
  readonly type: TensorType;
}
export interface ConstantValue {
  readonly kind: 'constant';
  readonly name: string;
  readonly tensor: Tensor;
  readonly type: TensorType;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly InputValue[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

/** Makes a node; infers its types. */
export function node<A extends Attrs>(
  op: Op<A>,
  inputs: readonly (Value | undefined)[],
  attrs: A,
  origin: readonly string[],
  outputs = 1,
): Node<A> {
  const given = inputs.map((v) => v as Value);
  return { op, inputs, attrs, origin, types: op.infer(given, attrs, { origin, outputs }) };
}

/** The `index`-th output of a node. */
export function output(from: Node, index = 0): NodeValue {
  return { kind: 'node', node: from as Node, index, type: from.types[index]! };
}

/** Makes a node and returns its first output. */
export const apply = <A extends Attrs>(
  op: Op<A>,
  inputs: readonly (Value | undefined)[],
  attrs: A,
  origin: readonly string[],
): NodeValue => output(node(op, inputs, attrs, origin) as unknown as Node);

export const constant = (tensor: Tensor, name = ''): ConstantValue => ({
  kind: 'constant',
  name,
  tensor,
  type: { dtype: tensor.dtype, shape: tensor.shape },
});
export const input = (name: string, type: TensorType): InputValue => ({ kind: 'input', name, type });

/** Do two values stand for the same wire? (Values of a node are made afresh by `output`.) */
export const sameValue = (a: Value, b: Value): boolean =>
  a === b || (a.kind === 'node' && b.kind === 'node' && a.node === b.node && a.index === b.index);
