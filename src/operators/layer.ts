import type { Code } from '../diagnostics/codes.ts';
import { bug, fail, inNetwork } from '../diagnostics/diagnostic.ts';
import type { StreamPort } from '../hdl/design.ts';
import { type DataType, parseDataType } from '../ir/datatype.ts';
import type { Attrs, NodeContext, TensorType, Value } from '../ir/graph.ts';
import { node } from '../ir/graph.ts';
import { sizeOf } from '../ir/tensor.ts';
import { divisors } from '../util/maths.ts';
import type { Layer, Operator } from './operator.ts';

/** A layer of an operator; fails like the operator's `infer`. */
export const layerOf = <A extends Attrs>(
  op: Operator<A>,
  inputs: readonly (Value | undefined)[],
  attrs: A,
  origin: readonly string[],
): Layer<A> => node(op, inputs, attrs, origin) as Layer<A>;

/** One of a layer's streams without padding: `lanes` elements of the tensor in a beat, as many beats as it takes. */
export function streamPort(name: string, direction: 'in' | 'out', type: TensorType, lanes: number): StreamPort {
  const bits = type.dtype.bits;
  return { name, direction, lanes, bits, width: lanes * bits, beats: sizeOf(type.shape) / lanes };
}

/** Fails for a layer, by the operator's name and those of the ONNX nodes it came from. */
export function illegal(code: Code, op: string, context: NodeContext, message: string, hint?: string): never {
  const { origin } = context;
  return fail(code, `${origin.join(', ') || 'a layer'} (${op}): ${message}`, { at: inNetwork(origin), hint });
}

/** Fails with the legal values unless the integer `value` divides `total`, the number of `what`. */
export function mustDivide(
  op: string,
  context: NodeContext,
  name: string,
  value: number,
  total: number,
  what: string,
): void {
  if (Number.isInteger(value) && value >= 1 && total % value === 0) return;
  const legal = divisors(total).join(', ');
  illegal('layer/folding', op, context, `${name} ${value} does not divide its ${total} ${what}`, `use one of ${legal}`);
}

/** The input that must be there and be a stream of integers. */
export function integerInput(op: string, context: NodeContext, value: Value | undefined): TensorType {
  if (!value) return illegal('layer/input', op, context, 'its input is missing');
  const { dtype, shape } = value.type;
  if (!dtype.integer)
    illegal('layer/input', op, context, `its input is ${dtype.name}`, 'circuits compute with integers');
  if (shape.length < 1) illegal('layer/input', op, context, 'its input is a scalar', 'it needs an axis of channels');
  return value.type;
}

/** A type by name, where a wrong name is finn's own mistake. */
export const dataType = (name: string): DataType => parseDataType(name) ?? bug(`no type is called ${name}`);

/** Why a tensor is no image of integers N×H×W×C; undefined if it is one. */
export function notImage({ dtype, shape }: TensorType): string | undefined {
  if (!dtype.integer) return `its input is ${dtype.name}, not integer`;
  return shape.length === 4 ? undefined : `its input [${shape.join(', ')}] is not N×H×W×C`;
}

/** The input that must be there and be an image of integers. */
export function imageInput(op: string, context: NodeContext, value: Value | undefined): TensorType {
  const type = integerInput(op, context, value);
  const reason = notImage(type);
  return reason ? illegal('layer/input', op, context, reason) : type;
}
