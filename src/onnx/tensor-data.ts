import { fail } from '../diagnostics/diagnostic.ts';
import { FLOAT32 } from '../ir/datatype.ts';
import { allocate, type Tensor, tensor } from '../ir/tensor.ts';
import { bfloatToNumber, type ElementType, elementTypes, halfToNumber } from './element-types.ts';
import { type Beside, externalData } from './external.ts';
import { elementType, type Integer, type TensorProto, toNumber } from './proto.ts';

/** No tensor of a network may have more elements than this; above it, a shape is taken for an attack or a mistake. */
export const LARGEST_TENSOR = 2 ** 28;

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * The tensor that a TensorProto holds, in the file or (where `folder` is given) beside it. FLOAT data stays a view
 * into the file when it lies on a multiple of four bytes. Fails with onnx/tensor-data, onnx/too-large,
 * onnx/unsupported or onnx/external-data.
 */
export function readTensor(proto: TensorProto, folder: Beside | undefined): Tensor {
  const name = proto.name ?? '';
  const type = elementTypes.get(proto.data_type ?? 0);
  if (!type) {
    return fail('onnx/unsupported', `tensor '${name}' has element type number ${proto.data_type ?? 0}`, {
      hint: `finn reads ${[...elementTypes.values()].map((t) => t.name).join(', ')}`,
    });
  }
  const { shape, size } = checkedShape(name, proto.dims ?? []);
  if (proto.data_location === 1) return fromRaw(name, type, shape, size, externalData(proto, folder));
  if (proto.raw_data && proto.raw_data.length > 0) return fromRaw(name, type, shape, size, proto.raw_data);
  return fromFields(proto, type, shape, size);
}

function checkedShape(name: string, dims: readonly Integer[]): { shape: number[]; size: number } {
  const shape = dims.map(toNumber);
  const bad = shape.find((n) => n < 0);
  if (bad !== undefined) fail('onnx/tensor-data', `tensor '${name}' has the dimension ${bad}`);
  const size = shape.reduce((product, n) => product * n, 1);
  if (size > LARGEST_TENSOR || shape.some((n) => n > LARGEST_TENSOR)) {
    fail('onnx/too-large', `tensor '${name}' of shape ${shape.join('×')} has more than ${LARGEST_TENSOR} elements`);
  }
  return { shape, size };
}

function fromRaw(name: string, type: ElementType, shape: readonly number[], size: number, raw: Uint8Array): Tensor {
  const wanted = Math.ceil(size * type.bytes);
  if (raw.length !== wanted) {
    fail(
      'onnx/tensor-data',
      `tensor '${name}' of shape ${shape.join('×') || 'scalar'} and type ${type.name} needs ${wanted} bytes, ` +
        `the file has ${raw.length}`,
    );
  }
  if (type.name === 'float' && littleEndian) {
    const aligned = raw.byteOffset % 4 === 0 ? raw : raw.slice();
    return tensor(FLOAT32, shape, new Float32Array(aligned.buffer, aligned.byteOffset, size));
  }
  const whole = wholeArrays.get(type.name);
  if (whole && littleEndian) {
    const aligned = raw.byteOffset % 8 === 0 ? raw : raw.slice();
    return tensor(
      type.dtype,
      shape,
      new Float64Array(new whole(aligned.buffer as ArrayBuffer, aligned.byteOffset, size)),
    );
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = allocate(type.dtype, size);
  for (let i = 0; i < size; i += 1) data[i] = type.read(view, i);
  return tensor(type.dtype, shape, data);
}

/** Arrays whose elements lie in memory as in the file, by the element type's name. Not of 64-bit integers, which would be bigints. */
const wholeArrays: ReadonlyMap<string, new (buffer: ArrayBuffer, at: number, size: number) => ArrayLike<number>> =
  new Map<string, typeof Int8Array | typeof Float64Array>([
    ['int8', Int8Array],
    ['uint8', Uint8Array as unknown as typeof Int8Array],
    ['int16', Int16Array as unknown as typeof Int8Array],
    ['uint16', Uint16Array as unknown as typeof Int8Array],
    ['int32', Int32Array as unknown as typeof Int8Array],
    ['double', Float64Array],
  ]);

function fromFields(proto: TensorProto, type: ElementType, shape: readonly number[], size: number): Tensor {
  const given = field(proto);
  const packed = type.bytes === 0.5;
  const wanted = packed ? Math.ceil(size / 2) : size;
  if (given.length !== wanted) {
    fail(
      'onnx/tensor-data',
      `tensor '${proto.name ?? ''}' of shape ${shape.join('×') || 'scalar'} and type ${type.name} needs ${wanted} ` +
        `elements, the file has ${given.length}`,
    );
  }
  const data = allocate(type.dtype, size);
  if (packed) {
    const bytes = Uint8Array.from(given, (v) => toNumber(v) & 255);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < size; i += 1) data[i] = type.read(view, i);
  } else {
    const convert = converter(proto.data_type);
    for (let i = 0; i < size; i += 1) data[i] = convert(toNumber(given[i]));
    const outside = type.dtype.integer ? data.find((v) => v < type.dtype.min || v > type.dtype.max) : undefined;
    if (outside !== undefined)
      fail('onnx/tensor-data', `tensor '${proto.name ?? ''}' of type ${type.name} holds ${outside}`);
  }
  return tensor(type.dtype, shape, data);
}

const converter = (type: number | undefined): ((value: number) => number) =>
  type === elementType.FLOAT16 ? halfToNumber : type === elementType.BFLOAT16 ? bfloatToNumber : (value) => value;

/** The field of the TensorProto that the specification assigns to its type. */
function field(proto: TensorProto): readonly Integer[] {
  switch (proto.data_type) {
    case elementType.FLOAT:
      return proto.float_data ?? [];
    case elementType.DOUBLE:
      return proto.double_data ?? [];
    case elementType.INT64:
      return proto.int64_data ?? [];
    case elementType.UINT32:
    case elementType.UINT64:
      return proto.uint64_data ?? [];
    default:
      return proto.int32_data ?? [];
  }
}

/** A tensor as raw data of one of ONNX's element types. Little-endian. */
export function rawData(x: Tensor, type: number): Uint8Array {
  if (type === elementType.FLOAT && x.data instanceof Float32Array && littleEndian) {
    return new Uint8Array(x.data.buffer, x.data.byteOffset, x.data.byteLength);
  }
  if (littleEndian && type === elementType.FLOAT) return bytesOf(new Float32Array(x.data));
  if (littleEndian && type === elementType.DOUBLE) return bytesOf(new Float64Array(x.data));
  if (type === elementType.INT8) return bytesOf(new Int8Array(x.data));
  if (type === elementType.UINT8) return new Uint8Array(x.data);
  const bytes = elementTypes.get(type)!.bytes;
  const view = new DataView(new ArrayBuffer(Math.ceil(x.data.length * bytes)));
  const write = writers.get(type)!;
  for (let i = 0; i < x.data.length; i += 1) write(view, i, x.data[i]!);
  return new Uint8Array(view.buffer);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

type Write = (view: DataView, index: number, value: number) => void;
const bits8: Write = (v, i, x) => v.setUint8(i, x & 255);
const bits16: Write = (v, i, x) => v.setUint16(2 * i, x & 65535, true);
const bits4: Write = (v, i, x) => v.setUint8(i >> 1, v.getUint8(i >> 1) | ((x & 15) << (i % 2 === 0 ? 0 : 4)));
const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 63n - 1n;
const clamp64 = (x: number): bigint => {
  const value = BigInt(Math.trunc(x));
  return value < LEAST ? LEAST : value > GREATEST ? GREATEST : value;
};
const writers: ReadonlyMap<number, Write> = new Map<number, Write>([
  [elementType.FLOAT, (v, i, x) => v.setFloat32(4 * i, x, true)],
  [elementType.DOUBLE, (v, i, x) => v.setFloat64(8 * i, x, true)],
  [elementType.UINT8, bits8],
  [elementType.INT8, bits8],
  [elementType.BOOL, bits8],
  [elementType.UINT16, bits16],
  [elementType.INT16, bits16],
  [elementType.INT32, (v, i, x) => v.setInt32(4 * i, x, true)],
  [elementType.UINT32, (v, i, x) => v.setUint32(4 * i, x, true)],
  [elementType.INT64, (v, i, x) => v.setBigInt64(8 * i, clamp64(x), true)],
  [elementType.UINT64, (v, i, x) => v.setBigUint64(8 * i, BigInt(Math.trunc(x)), true)],
  [elementType.UINT4, bits4],
  [elementType.INT4, bits4],
]);
