import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate } from '../../src/ir/evaluate.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { readNpy } from '../../src/ir/npy.ts';
import { retyped, sizeOf, type Tensor, tensor } from '../../src/ir/tensor.ts';
import { readModel } from '../../src/onnx/import.ts';
import { splitBias } from '../../src/passes/clean/split-bias.ts';
import { splitGemm } from '../../src/passes/clean/split-gemm.ts';
import { appendTopK, type Feed, feedInput } from '../../src/passes/clean/surround.ts';
import type { Split } from '../../src/passes/streamline/walk.ts';
import { rational } from '../../src/util/rational.ts';
import { shared } from './require.ts';

/** What a recipe would put around a network. */
export interface Surroundings {
  /** Pixels 0…255 in, divided by 255. */
  readonly pixels?: boolean;
  /** What else the integers that go in stand for. */
  readonly feed?: Feed;
  readonly topK?: number;
}

/** A model of ../shared as the import step hands it on. */
export function sharedNetwork(name: string, { pixels, feed, topK }: Surroundings = {}): Graph {
  let graph = splitBias(splitGemm(readModel(readFileSync(join(shared, 'models', `${name}.onnx`)))));
  if (feed) graph = feedInput(graph, feed);
  if (pixels) graph = feedInput(graph, { datatype: 'UINT8', scale: [rational(1n, 255n)] });
  return topK === undefined ? graph : appendTopK(graph, topK);
}

/** A golden array of ../shared. */
export const goldenArray = (network: string, file: string): Tensor =>
  readNpy(readFileSync(join(shared, 'golden', network, file)));

/** A golden JSON file of ../shared. */
export const goldenJson = <T>(network: string, path: string): T =>
  JSON.parse(readFileSync(join(shared, 'golden', network, path), 'utf8')) as T;

/** The first `most` frames of an array as the graph's input takes them. */
export function framesFor(graph: Graph, array: Tensor, most = Infinity): Tensor[] {
  const { type } = graph.inputs[0]!;
  const size = sizeOf(type.shape);
  return Array.from({ length: Math.min(most, array.data.length / size) }, (_, i) =>
    retyped(tensor(array.dtype, type.shape, array.data.slice(i * size, (i + 1) * size)), type.dtype),
  );
}

/** The graph's first output for its one input. */
export const run = (graph: Graph, x: Tensor): Tensor =>
  evaluate(graph, new Map([[graph.inputs[0]!.name, x]])).get(graph.outputs[0]!.name)!;

/** What the accelerator is fed for the network's input. */
export const fed = ({ before, core }: Split, x: Tensor): Tensor => {
  const { dtype } = core.inputs[0]!.type;
  return retyped(before ? run(before, x) : x, dtype);
};

/** behind(core(before(x))), with another graph of the same function in the core's place if one is given. */
export function runSplit(split: Split, x: Tensor, core: Graph = split.core): Tensor {
  const { shape } = core.inputs[0]!.type;
  const y = run(core, { ...fed(split, x), shape });
  const { behind } = split;
  if (!behind) return y;
  const { type } = behind.inputs[0]!;
  return run(behind, { ...retyped(y, type.dtype), shape: type.shape });
}
