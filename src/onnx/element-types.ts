import { BINARY, type DataType, FLOAT32, FLOAT64, int, uint } from '../ir/datatype.ts';
import { elementType } from './proto.ts';

/** How ONNX stores one element type, and what finn makes of it. */
export interface ElementType {
  readonly name: string;
  readonly dtype: DataType;
  /** Bytes of one element of raw data; 0.5 for the packed 4-bit types. */
  readonly bytes: number;
  /** Reads element `index` of raw data. */
  read(view: DataView, index: number): number;
}

const nibble = (view: DataView, index: number): number =>
  index % 2 === 0 ? view.getUint8(index >> 1) & 15 : view.getUint8(index >> 1) >> 4;

/** IEEE binary16, given as its bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const widen = new DataView(new ArrayBuffer(4));
/** bfloat16, given as its bits: the upper half of a binary32. */
export function bfloatToNumber(bits: number): number {
  widen.setUint32(0, bits << 16);
  return widen.getFloat32(0);
}

/** The element types finn reads, by their number in TensorProto.DataType. float16 and bfloat16 become FLOAT32. */
export const elementTypes: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [elementType.FLOAT, { name: 'float', dtype: FLOAT32, bytes: 4, read: (v, i) => v.getFloat32(4 * i, true) }],
  [elementType.UINT8, { name: 'uint8', dtype: uint(8), bytes: 1, read: (v, i) => v.getUint8(i) }],
  [elementType.INT8, { name: 'int8', dtype: int(8), bytes: 1, read: (v, i) => v.getInt8(i) }],
  [elementType.UINT16, { name: 'uint16', dtype: uint(16), bytes: 2, read: (v, i) => v.getUint16(2 * i, true) }],
  [elementType.INT16, { name: 'int16', dtype: int(16), bytes: 2, read: (v, i) => v.getInt16(2 * i, true) }],
  [elementType.INT32, { name: 'int32', dtype: int(32), bytes: 4, read: (v, i) => v.getInt32(4 * i, true) }],
  [elementType.INT64, { name: 'int64', dtype: int(64), bytes: 8, read: (v, i) => Number(v.getBigInt64(8 * i, true)) }],
  [elementType.BOOL, { name: 'bool', dtype: BINARY, bytes: 1, read: (v, i) => (v.getUint8(i) ? 1 : 0) }],
  [
    elementType.FLOAT16,
    { name: 'float16', dtype: FLOAT32, bytes: 2, read: (v, i) => halfToNumber(v.getUint16(2 * i, true)) },
  ],
  [elementType.DOUBLE, { name: 'double', dtype: FLOAT64, bytes: 8, read: (v, i) => v.getFloat64(8 * i, true) }],
  [elementType.UINT32, { name: 'uint32', dtype: uint(32), bytes: 4, read: (v, i) => v.getUint32(4 * i, true) }],
  [
    elementType.UINT64,
    { name: 'uint64', dtype: uint(64), bytes: 8, read: (v, i) => Number(v.getBigUint64(8 * i, true)) },
  ],
  [
    elementType.BFLOAT16,
    { name: 'bfloat16', dtype: FLOAT32, bytes: 2, read: (v, i) => bfloatToNumber(v.getUint16(2 * i, true)) },
  ],
  [elementType.UINT4, { name: 'uint4', dtype: uint(4), bytes: 0.5, read: nibble }],
  [elementType.INT4, { name: 'int4', dtype: int(4), bytes: 0.5, read: (v, i) => (nibble(v, i) << 28) >> 28 }],
]);
