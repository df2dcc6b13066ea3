import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLOAT32 } from '../../src/ir/datatype.ts';
import { readNpy, writeNpy } from '../../src/ir/npy.ts';
import { type Tensor, tensor } from '../../src/ir/tensor.ts';

/** The Python that has qonnx: FINN_PYTHON, or python3 of PATH. */
export const qonnxPython: string = process.env['FINN_PYTHON'] ?? 'python3';

const program = `
import sys
import numpy as np, onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

folder = sys.argv[1]
onnx.checker.check_model(folder + "/model.onnx")
model = ModelWrapper(folder + "/model.onnx")
name, shape = model.graph.input[0].name, model.get_tensor_shape(model.graph.input[0].name)
frames = np.load(folder + "/x.npy").astype(np.float32)
results = [execute_onnx(model, {name: frame.reshape(shape)}) for frame in frames]
for i, output in enumerate(model.graph.output):
    np.save(f"{folder}/y{i}.npy", np.stack([result[output.name] for result in results]).astype(np.float32))
`;

/**
 * What Python's qonnx computes with a model for each frame of `frames` [N, …]: one tensor [N, …] for each of the model's
 * `outputs` outputs. Throws with Python's words where onnx.checker refuses the file.
 */
export function executeInQonnx(model: Uint8Array, frames: Tensor, outputs: number): Tensor[] {
  const folder = mkdtempSync(join(tmpdir(), 'finn-qonnx-'));
  try {
    writeFileSync(join(folder, 'model.onnx'), model);
    writeFileSync(join(folder, 'x.npy'), writeNpy(tensor(FLOAT32, frames.shape, Float32Array.from(frames.data))));
    execFileSync(qonnxPython, ['-c', program, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    return Array.from({ length: outputs }, (_, i) => readNpy(new Uint8Array(readFileSync(join(folder, `y${i}.npy`)))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
