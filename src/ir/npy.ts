import { fail } from '../diagnostics/diagnostic.ts';
import { BINARY, type DataType, FLOAT32, FLOAT64, int, uint } from './datatype.ts';
import { allocate, sizeOf, type Tensor, tensor } from './tensor.ts';

interface Kind {
  readonly dtype: DataType;
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

const kinds: Readonly<Record<string, Kind>> = {
  '|b1': { dtype: BINARY, bytes: 1, read: (v, i) => (v.getUint8(i) ? 1 : 0) },
  '|u1': { dtype: uint(8), bytes: 1, read: (v, i) => v.getUint8(i) },
  '|i1': { dtype: int(8), bytes: 1, read: (v, i) => v.getInt8(i) },
  '<u2': { dtype: uint(16), bytes: 2, read: (v, i) => v.getUint16(i, true) },
  '<i2': { dtype: int(16), bytes: 2, read: (v, i) => v.getInt16(i, true) },
  '<u4': { dtype: uint(32), bytes: 4, read: (v, i) => v.getUint32(i, true) },
  '<i4': { dtype: int(32), bytes: 4, read: (v, i) => v.getInt32(i, true) },
  '<u8': { dtype: uint(64), bytes: 8, read: (v, i) => Number(v.getBigUint64(i, true)) },
  '<i8': { dtype: int(64), bytes: 8, read: (v, i) => Number(v.getBigInt64(i, true)) },
  '<f4': { dtype: FLOAT32, bytes: 4, read: (v, i) => v.getFloat32(i, true) },
  '<f8': { dtype: FLOAT64, bytes: 8, read: (v, i) => v.getFloat64(i, true) },
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy refuses longer headers, too. */
const LARGEST_HEADER = 10_000;

/**
 * Reads a NumPy .npy file (format versions 1 to 3, little-endian numbers or bool, either order of axes). Integers keep the type of the
 * file. Fails with npy/malformed. The format: numpy.lib.format in NumPy's reference.
 */
export function readNpy(bytes: Uint8Array): Tensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || MAGIC.some((b, i) => bytes[i] !== b))
    return malformed('it does not begin as a .npy file does');
  const major = bytes[6]!;
  if (major < 1 || major > 3) return malformed(`it has format version ${major}`);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) return malformed('its header is cut off');
  if (length > LARGEST_HEADER) return malformed(`its header has ${length} bytes`);
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape':\s*\(([0-9,\s]*)\)/.exec(header)?.[1];
  if (descr === undefined || order === undefined || dims === undefined)
    return malformed('its header lacks descr, fortran_order or shape');
  const kind = Object.hasOwn(kinds, descr) ? kinds[descr]! : undefined;
  if (!kind) return malformed(`its elements are '${descr}'; finn reads ${Object.keys(kinds).join(', ')}`);
  const shape = dims.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const size = sizeOf(shape);
  if (start + length + size * kind.bytes !== bytes.length) {
    return malformed(
      `shape (${shape.join(', ')}) of '${descr}' needs ${size * kind.bytes} bytes, it has ${bytes.length - start - length}`,
    );
  }
  const data = allocate(kind.dtype, size);
  const at = order === 'True' ? columnMajor(shape) : (i: number) => i;
  for (let i = 0; i < size; i += 1) data[i] = kind.read(view, start + length + at(i) * kind.bytes);
  return tensor(kind.dtype, shape, data);
}

const malformed = (what: string): never => fail('npy/malformed', `this is no .npy file that finn reads: ${what}`);

/** Position in the file of row-major element i, where the first axis runs fastest. */
function columnMajor(shape: readonly number[]): (i: number) => number {
  return (i) => {
    let rest = i;
    let at = 0;
    const index = new Array<number>(shape.length);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) at = at * shape[axis]! + index[axis]!;
    return at;
  };
}

/** A tensor as a .npy file: float32 for FLOAT32, otherwise the narrowest NumPy integer that holds its type, or float64. */
export function writeNpy(x: Tensor): Uint8Array {
  const { descr, kind } = container(x.dtype);
  const dims = x.shape.length === 1 ? `${x.shape[0]},` : x.shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const padded = `${text}${' '.repeat((64 - ((11 + text.length) % 64)) % 64)}\n`;
  const bytes = new Uint8Array(10 + padded.length + x.data.length * kind.bytes);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[6] = 1;
  view.setUint16(8, padded.length, true);
  bytes.set(new TextEncoder().encode(padded), 10);
  const start = 10 + padded.length;
  for (let i = 0; i < x.data.length; i += 1) write(view, start + i * kind.bytes, descr, x.data[i]!);
  return bytes;
}

function container(dtype: DataType): { descr: string; kind: Kind } {
  const fits = ([, kind]: [string, Kind]): boolean =>
    kind.dtype === dtype ||
    (dtype.integer &&
      kind.dtype.integer &&
      kind.bytes > 0 &&
      kind.dtype !== BINARY &&
      kind.dtype.min <= dtype.min &&
      kind.dtype.max >= dtype.max);
  const [descr, kind] = Object.entries(kinds).find(([, kind]) => kind.dtype === dtype && kind.dtype !== BINARY) ??
    Object.entries(kinds).find((entry) => fits(entry) && entry[1].dtype !== BINARY) ?? ['<f8', kinds['<f8']!];
  return { descr, kind };
}

function write(view: DataView, at: number, descr: string, value: number): void {
  if (descr === '<f4') view.setFloat32(at, value, true);
  else if (descr === '<f8') view.setFloat64(at, value, true);
  else if (descr.endsWith('8')) view.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true);
  else if (descr.endsWith('4')) view.setInt32(at, value | 0, true);
  else if (descr.endsWith('2')) view.setInt16(at, value, true);
  else view.setInt8(at, value);
}
