import { BINARY, type DataType, FLOAT64 } from '../ir/datatype.ts';
import type { Node } from '../ir/graph.ts';
import { elementTypes } from './element-types.ts';
import { QONNX } from './ops/define.ts';
import { elementType } from './proto.ts';

/**
 * ONNX keeps what FINN calls a datatype in two places: a tensor has an element type, its container, and an annotation
 * says which integers it holds. This file says which container ONNX demands; everything else is float.
 */
export type Container = number;

/** Inputs that ONNX demands as int64, by operator. */
const indices: Readonly<Record<string, readonly number[]>> = {
  ...{ Reshape: [1], Squeeze: [1], Unsqueeze: [1], Expand: [1], Tile: [1], Split: [1], TopK: [1], Gather: [1] },
  ...{ Slice: [1, 2, 3, 4], Pad: [1, 3], ConstantOfShape: [0], Resize: [3] },
  ...{ ReduceSum: [1], ReduceMean: [1], ReduceMax: [1], ReduceMin: [1], ReduceProd: [1] },
};
const logical = new Set(['And', 'Or', 'Xor', 'Not']);
const comparing = new Set(['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']);
const numbering = new Set(['Shape', 'Size', 'ArgMax', 'ArgMin', 'Range']);

/** ONNX's own container of a datatype: the narrowest integer element type that holds it, float for FLOAT32. */
export function nativeContainer(dtype: DataType): Container {
  if (dtype === FLOAT64) return elementType.DOUBLE;
  if (!dtype.integer) return elementType.FLOAT;
  const { INT8, UINT8, INT16, UINT16, INT32, UINT32, UINT64, INT64 } = elementType;
  const order = [INT8, UINT8, INT16, UINT16, INT32, UINT32, UINT64];
  return order.find((number) => fits(dtype, elementTypes.get(number)!.dtype)) ?? INT64;
}
const fits = (dtype: DataType, into: DataType): boolean => dtype.min >= into.min && dtype.max <= into.max;

/** The container that input `index` of the node must have; undefined if it is as good as any. */
export function demanded(node: Node, index: number): Container | undefined {
  const { name, domain } = node.op;
  const value = node.inputs[index];
  if (domain !== '' || !value) return undefined;
  if (Object.hasOwn(indices, name) && indices[name]!.includes(index)) return elementType.INT64;
  if (logical.has(name) || (name === 'Where' && index === 0)) return elementType.BOOL;
  const integral =
    (name === 'DequantizeLinear' && index !== 1) ||
    (name === 'QuantizeLinear' && index === 2) ||
    name === 'MatMulInteger';
  if (!integral) return undefined;
  // Four bits have containers of their own, that only these operators know.
  if (value.type.dtype.name === 'INT4') return elementType.INT4;
  if (value.type.dtype.name === 'UINT4') return elementType.UINT4;
  return nativeContainer(value.type.dtype);
}

/** The container of output `index`, given those of the inputs. */
export function produced(node: Node, index: number, inputs: readonly (Container | undefined)[]): Container {
  const { name, domain } = node.op;
  const { dtype } = node.types[index]!;
  if (domain === '') {
    if (numbering.has(name) || (name === 'TopK' && index === 1)) return elementType.INT64;
    if (logical.has(name) || comparing.has(name)) return elementType.BOOL;
    if (name === 'Cast') return Number(node.attrs['to']);
    if (name === 'DequantizeLinear') return elementType.FLOAT;
    if (name === 'MatMulInteger') return elementType.INT32;
    if (name === 'QuantizeLinear') return demanded(node, 2) ?? elementType.UINT8;
    const data = name === 'Where' ? inputs[1] : inputs[0];
    if (data !== undefined && data !== elementType.FLOAT) return data;
  }
  if (domain === QONNX || domain === '') {
    return inputs[0] === elementType.DOUBLE ? elementType.DOUBLE : elementType.FLOAT;
  }
  return dtype === FLOAT64 ? elementType.DOUBLE : elementType.FLOAT;
}

/** Does this container say the datatype by itself, without an annotation? */
export const saysType = (container: Container, dtype: DataType): boolean =>
  container === elementType.BOOL ? dtype === BINARY : elementTypes.get(container)?.dtype === dtype;
