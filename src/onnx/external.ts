import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { fail } from '../diagnostics/diagnostic.ts';
import { type TensorProto, toNumber } from './proto.ts';

const hint = 'external data must be a file inside the folder of the model';

/** The bytes of a tensor that lie in a file of their own. Fails with onnx/external-data. */
export function externalData(proto: TensorProto, folder: string | undefined): Uint8Array {
  const name = proto.name ?? '';
  const entries = new Map((proto.external_data ?? []).map(({ key = '', value = '' }) => [key, value]));
  const location = entries.get('location') ?? '';
  const offset = count(name, 'offset', entries.get('offset') ?? '0');
  if (folder === undefined) {
    return fail('onnx/external-data', `the data of tensor '${name}' is in the file '${location}', outside the model`, {
      hint: 'give the model as a file that has its data beside it, or save it with the data inside',
    });
  }
  const path = insideFolder(name, folder, location);
  const file = openSync(path, 'r');
  try {
    const stat = fstatSync(file);
    if (!stat.isFile())
      fail('onnx/external-data', `'${location}' with the data of tensor '${name}' is no file`, { hint });
    const given = entries.get('length');
    const length = given === undefined ? Math.max(0, stat.size - offset) : count(name, 'length', given);
    if (offset + length > stat.size) {
      fail(
        'onnx/external-data',
        `tensor '${name}' is said to be bytes ${offset} to ${offset + length} of '${location}', which has ${stat.size}`,
      );
    }
    const declared = (proto.dims ?? []).reduce((product: number, n) => product * Math.abs(toNumber(n)), 8);
    if (length > declared) {
      fail(
        'onnx/tensor-data',
        `tensor '${name}' of shape ${(proto.dims ?? []).map(toNumber).join('×')} is given ${length} bytes`,
      );
    }
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
