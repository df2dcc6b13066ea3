import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../src/ir/evaluate.ts';
import type { Graph } from '../src/ir/graph.ts';
import { readNpy } from '../src/ir/npy.ts';
import { reshaped, type Tensor } from '../src/ir/tensor.ts';
import { readModel } from '../src/onnx/import.ts';
import { splitGemm } from '../src/passes/clean/split-gemm.ts';
import { appendTopK, feedInput } from '../src/passes/clean/surround.ts';
import { split } from '../src/passes/streamline/walk.ts';
import { encodeGraph } from '../src/steps/codecs.ts';
import { frameOf } from '../src/steps/verify/vectors.ts';
import { parseRational } from '../src/util/rational.ts';
import { executeInQonnx } from './helpers/qonnx.ts';
import { available, shared } from './helpers/require.ts';

const readAt = (path: string): Uint8Array => new Uint8Array(readFileSync(join(shared, path)));

/** A network as the recipes of recipes/bnn-pynq take it in, streamlined: the bytes of intermediate_models/streamline.onnx. */
function streamlined(model: string): { readonly core: Graph; readonly bytes: Uint8Array } {
  const read = splitGemm(readModel(readAt(`models/${model}.onnx`)));
  const fed = feedInput(read, { datatype: 'uint8', scale: [parseRational('1/255')!] } as Parameters<
    typeof feedInput
  >[1]);
  const made = split(appendTopK(fed, 1));
  expect(made.before).toBeUndefined();
  expect(made.behind).toBeUndefined();
  return { core: made.core, bytes: encodeGraph(made.core) };
}

const ours = (core: Graph, frames: Tensor): number[] =>
  Array.from({ length: frames.shape[0]! }, (_, i) => {
    const { name, type } = core.inputs[0]!;
    const x = { ...reshaped(frameOf(frames, i, type.shape), type.shape), dtype: type.dtype };
    return [...evaluate(core, new Map([[name, x]])).get(core.outputs[0]!.name)!.data];
  }).flat();

describe.skipIf(!available('shared') || !available('qonnx'))('Python’s qonnx executes our streamlined', () => {
  it.each(['tfc-w1a1', 'tfc-w1a2', 'tfc-w2a2'])('%s to the same result', (model) => {
    const { core, bytes } = streamlined(model);
    const frames = readNpy(readAt(`golden/${model}/accelerator_input.npy`));
    const golden = readNpy(readAt(`golden/${model}/accelerator_output.npy`));
    const [python] = executeInQonnx(bytes, frames, 1);
    expect(frames.shape[0]).toBeGreaterThanOrEqual(8);
    expect([...python!.data]).toEqual(ours(core, frames));
    expect([...python!.data]).toEqual([...golden.data]);
  });

  it('layer by layer, not just the class', () => {
    const { core } = streamlined('tfc-w2a2');
    // The scores in front of TopK as the output.
    const last = core.outputs[0]!.value;
    const scores = last.kind === 'node' ? last.node.inputs[0]! : last;
    const cut: Graph = { ...core, outputs: [{ name: 'scores', value: scores }] };
    const frames = readNpy(readAt('golden/tfc-w2a2/accelerator_input.npy'));
    const [python] = executeInQonnx(encodeGraph(cut), frames, 1);
    expect(new Set(python!.data).size).toBeGreaterThan(10);
    expect([...python!.data]).toEqual(ours(cut, frames));
  });
});
