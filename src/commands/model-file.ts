import { readFileSync } from 'node:fs';
import { FinnError, fail } from '../diagnostics/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { readModel } from '../onnx/import.ts';
import { registry } from '../steps/codecs.ts';
import { reason } from '../util/system-error.ts';

/** A file that the command line names. Fails with cli/file. */
export function readGiven(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : `cannot be read: ${reason(cause)}`;
    return fail('cli/file', `${path}: ${why}`);
  }
}

/** Any model: QONNX, QCDQ, FINN-ONNX, or one that a step of ours wrote; external data lie beside it. */
export function readAnyModel(path: string): Graph {
  const bytes = readGiven(path);
  try {
    return readModel(bytes, { ops: registry(), path });
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    // Where no node is to blame, the file is.
    throw new FinnError(
      ...cause.diagnostics.map((one) => (one.at ? one : { ...one, message: `${path}: ${one.message}` })),
    );
  }
}
