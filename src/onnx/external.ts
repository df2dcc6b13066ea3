import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, posix, relative, resolve, sep } from 'node:path';
import { fail } from '../diagnostics/diagnostic.ts';
import { decodeModel, type TensorProto, toNumber } from './proto.ts';

const hint = 'external data must be a file inside the folder of the model';

/** Where external data lies: in a folder, or in memory by the path that `externalFiles` gives it. */
export type Beside = string | Readonly<Record<string, Uint8Array>>;

/** The bytes of a tensor that lie in a file of their own. Fails with onnx/external-data. */
export function externalData(proto: TensorProto, folder: Beside | undefined): Uint8Array {
  const name = proto.name ?? '';
  const entries = new Map((proto.external_data ?? []).map(({ key = '', value = '' }) => [key, value]));
  const location = entries.get('location') ?? '';
  const offset = count(name, 'offset', entries.get('offset') ?? '0');
  if (folder === undefined || Object.keys(folder).length === 0) {
    return fail('onnx/external-data', `the data of tensor '${name}' is in the file '${location}', outside the model`, {
      hint: 'give the model as a file that has its data beside it, or save it with the data inside',
    });
  }
  const given = entries.get('length');
  const limits = { offset, length: given === undefined ? undefined : count(name, 'length', given) };
  if (typeof folder !== 'string') {
    const file = folder[posix.normalize(location)];
    if (!file)
      return fail('onnx/external-data', `the file '${location}' with the data of tensor '${name}' is not there`, {
        hint,
      });
    const length = checkedLength(proto, location, file.length, limits);
    return file.subarray(offset, offset + length);
  }
  const path = insideFolder(name, folder, location);
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile())
      fail('onnx/external-data', `'${location}' with the data of tensor '${name}' is no file`, { hint });
    const length = checkedLength(proto, location, stat.size, limits);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const n = readSync(file, bytes, done, length - done, offset + done);
      if (n === 0) fail('onnx/external-data', `'${location}' ended while tensor '${name}' was read`);
      done += n;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Bytes of the tensor in a file of `size` bytes: no more than the file has, nor than its shape can hold. */
function checkedLength(
  proto: TensorProto,
  location: string,
  size: number,
  { offset, length: given }: { readonly offset: number; readonly length: number | undefined },
): number {
  const name = proto.name ?? '';
  const length = given ?? Math.max(0, size - offset);
  if (offset + length > size) {
    fail(
      'onnx/external-data',
      `tensor '${name}' is said to be bytes ${offset} to ${offset + length} of '${location}', which has ${size}`,
    );
  }
  const declared = (proto.dims ?? []).reduce((product: number, n) => product * Math.abs(toNumber(n)), 8);
  if (length > declared) {
    fail(
      'onnx/tensor-data',
      `tensor '${name}' of shape ${(proto.dims ?? []).map(toNumber).join('×')} is given ${length} bytes`,
    );
  }
  return length;
}

/**
 * The files in `folder` that hold data of a model's tensors: their paths on disk by the path that the model gives, normalised.
 * Fails with onnx/external-data where one lies outside the folder or is not there.
 */
export function externalFiles(model: Uint8Array, folder: string): Map<string, string> {
  return new Map(
    locations(model).map(([tensor, location]) => [posix.normalize(location), insideFolder(tensor, folder, location)]),
  );
}

/** The names of the files that hold data of a model's tensors, as it gives them, be they there and legal or not. */
export const externalNames = (model: Uint8Array): string[] => [
  ...new Set(locations(model).map(([, location]) => posix.normalize(location))),
];

/** Tensors whose data lies outside the model, and where it says so. */
function locations(model: Uint8Array): [tensor: string, location: string][] {
  // The key that every such tensor has; most models do without, and need not be decoded twice.
  if (!Buffer.from(model.buffer, model.byteOffset, model.byteLength).includes('location')) return [];
  const { graph } = decodeModel(model);
  const tensors = [
    ...(graph?.initializer ?? []),
    ...(graph?.node ?? []).flatMap(({ attribute }) => (attribute ?? []).flatMap(({ t }) => (t ? [t] : []))),
  ];
  return tensors.flatMap(({ name = '', data_location, external_data = [] }): [string, string][] => {
    const location = external_data.find(({ key }) => key === 'location')?.value;
    return data_location === 1 && location !== undefined ? [[name, location]] : [];
  });
}

function count(tensor: string, key: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  return fail('onnx/external-data', `external data of tensor '${tensor}' has the ${key} '${text.slice(0, 40)}'`, {
    hint: `${key} is a number of bytes`,
  });
}

/** Resolves `location`, symbolic links included, and refuses what is not inside `folder`. */
function insideFolder(tensor: string, folder: string, location: string): string {
  const outside = (): never =>
    fail(
      'onnx/external-data',
      `the data of tensor '${tensor}' is said to be in '${location}', outside the folder of the model`,
      {
        hint,
      },
    );
  if (location === '' || location.includes('\0')) return outside();
  if (isAbsolute(location) || /^[A-Za-z]:|\\/.test(location)) return outside();
  const within = (root: string, path: string): boolean => {
    const way = relative(root, path);
    return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  };
  if (!within(resolve(folder), resolve(folder, location))) return outside();
  try {
    const real = realpathSync(resolve(folder, location));
    return within(realpathSync(folder), real) ? real : outside();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) {
      return fail('onnx/external-data', `the file '${location}' with the data of tensor '${tensor}' cannot be read`, {
        hint: `it must lie beside the model (${String(thrown.code)})`,
      });
    }
    throw thrown;
  }
}
