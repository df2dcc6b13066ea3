import { bug } from '../diagnostics/diagnostic.ts';
import type { Op } from '../ir/graph.ts';
import { FINN, QONNX } from '../onnx/ops/define.ts';
import { onnxOps } from '../onnx/ops/index.ts';

const byName = new Map(onnxOps.map((op) => [`${op.domain}:${op.name}`, op]));

/** The definition of an ONNX operator; a name that is not there is a defect of the caller. */
export const onnx = (name: string): Op => byName.get(`:${name}`) ?? bug(`no ONNX operator ${name}`);
/** The definition of a QONNX operator. */
export const qonnx = (name: string): Op => byName.get(`${QONNX}:${name}`) ?? bug(`no QONNX operator ${name}`);
/** The definition of one of finn's own operations. */
export const finn = (name: string): Op => byName.get(`${FINN}:${name}`) ?? bug(`no operation ${name} of finn`);
