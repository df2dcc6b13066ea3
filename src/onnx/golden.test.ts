import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { available, shared } from '../../test/helpers/require.ts';
import { check } from '../ir/check.ts';
import { evaluate } from '../ir/evaluate.ts';
import type { Graph } from '../ir/graph.ts';
import { readNpy } from '../ir/npy.ts';
import { extremes, retyped, sizeOf, type Tensor, tensor } from '../ir/tensor.ts';
import { writeModel } from './export.ts';
import { readModel } from './import.ts';

const there = available('shared');
const models = there ? readdirSync(join(shared, 'models')).filter((file) => file.endsWith('.onnx')) : [];

const frame = (graph: Graph, x: Tensor, i: number): Map<string, Tensor> => {
  const { name, type } = graph.inputs[0]!;
  const size = sizeOf(type.shape);
  const data = x.data.slice(i * size, (i + 1) * size);
  return new Map([[name, retyped(tensor(x.dtype, type.shape, data), type.dtype)]]);
};

/** Elements that differ by more than 1e-6 of the largest magnitude, and the worst difference in that unit. */
function differences(graph: Graph, x: Tensor, y: Tensor): { count: number; worst: number; largest: number } {
  const frames = x.shape[0]!;
  const [low, high] = extremes(y.data);
  const largest = Math.max(-low, high);
  const exact = graph.outputs[0]!.value.type.dtype.integer;
  let count = 0;
  let worst = 0;
  for (let i = 0; i < frames; i += 1) {
    const [made] = evaluate(graph, frame(graph, x, i)).values();
    const size = y.data.length / frames;
    expect(made!.data.length).toBe(size);
    for (let j = 0; j < size; j += 1) {
      const off = Math.abs(made!.data[j]! - y.data[i * size + j]!);
      if (!(off <= (exact ? 0 : 1e-6 * largest))) count += 1;
      worst = Math.max(worst, off);
    }
  }
  return { count, worst, largest };
}

const vectors = (folder: string, file: string): Tensor => readNpy(readFileSync(join(folder, file)));

describe.skipIf(!there)('networks of ../shared compute their golden vectors', () => {
  it.each(models)('%s', (file) => {
    const name = file.replace('.onnx', '');
    const folder = join(shared, 'golden', name);
    const graph = readModel(readFileSync(join(shared, 'models', file)));
    check(graph);
    const { count, worst, largest } = differences(graph, vectors(folder, 'input.npy'), vectors(folder, 'output.npy'));
    if (name.startsWith('espcn')) {
      // Their outputs are quantised images. Float32 sums, added in another order by onnxruntime, cross a rounding border in
      // about one of a thousand elements, by a step or two of 255.
      expect(count).toBeLessThan(200);
      expect(worst / largest).toBeLessThan(2.01 / 255);
    } else {
      expect({ count, worst }).toEqual({ count: 0, worst: expect.any(Number) });
    }
  });

  it('real keyword data that was published with the network', () => {
    const folder = join(shared, 'golden', 'kws-mlp-w3a3');
    const graph = readModel(readFileSync(join(shared, 'models', 'kws-mlp-w3a3.onnx')));
    const [made] = evaluate(graph, frame(graph, vectors(folder, 'shipped_input.npy'), 0)).values();
    const wanted = vectors(folder, 'shipped_expected_output.npy');
    expect(made!.data.indexOf(Math.max(...made!.data))).toBe(wanted.data[0]);
  });

  it.each(models)('%s is written and read back equal, with equal bytes', (file) => {
    const graph = readModel(readFileSync(join(shared, 'models', file)));
    const bytes = writeModel(graph);
    const again = readModel(bytes);
    check(again);
    expect(Buffer.compare(writeModel(again), bytes)).toBe(0);
    expect(again.inputs).toEqual(graph.inputs);
    expect(again.outputs.map((o) => o.value.type)).toEqual(graph.outputs.map((o) => o.value.type));
  });
});
