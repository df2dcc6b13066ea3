import { readFileSync } from 'node:fs';
import { fail } from '../diagnostics/diagnostic.ts';
import type { Graph } from '../ir/graph.ts';
import { readModel } from '../onnx/import.ts';
import { registry } from '../steps/codecs.ts';

/** A file that the command line names. Fails with cli/file. */
export function readGiven(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : `cannot be read: ${code}`;
    return fail('cli/file', `${path}: ${why}`);
  }
}

/** Any model: QONNX, QCDQ, FINN-ONNX, or one that a step of ours wrote; external data lie beside it. */
export const readAnyModel = (path: string): Graph => readModel(readGiven(path), { ops: registry(), path });
