import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate } from '../../src/ir/evaluate.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { readNpy } from '../../src/ir/npy.ts';
import { retyped, sizeOf, type Tensor, tensor } from '../../src/ir/tensor.ts';
import { scheduledRun } from '../../src/passes/fold/estimate.ts';
import { testCall } from '../../src/sim/direct.ts';
import { pack, unpack } from '../../src/sim/packing.ts';
import { compileSimulation, runSimulation, type Simulator } from '../../src/sim/simulation.ts';
import type { Provider } from '../../src/tools/yosys.ts';
import { random } from '../../src/util/random.ts';
import { accelerator } from './accelerator.ts';
import { measure } from './measure.ts';
import { type Fold, unswNetwork } from './unsw.ts';

export interface Simulated {
  readonly interval: number;
  readonly latency: number;
  /** Frames without and with stalls whose outputs were all those of the layers. */
  readonly frames: number;
}

/**
 * Simulates the stitched circuit on the model's golden inputs and random ones, without stalls and with: throws where an output is not that of
 * the layers, or where interval and latency are not those of the schedules.
 */
export async function simulateUnsw(
  shared: string,
  fold: Fold,
  frames: number,
  simulator: Simulator,
): Promise<Simulated> {
  const { layers, dataflow } = unswNetwork(join(shared, 'models/unsw-nb15-mlp-w2a2.onnx'), fold);
  const design = await accelerator(dataflow, 'xcup');
  const [input, output] = design.streams;
  const x = framesOf(layers, readNpy(readFileSync(join(shared, 'golden/unsw-nb15-mlp-w2a2/input.npy'))), frames);
  const due = x.flatMap((frame) => [...run(layers, frame).data]);
  const program = await compileSimulation([design], simulator, testCall());
  const data = tensor(
    x[0]!.dtype,
    [x.length, x[0]!.data.length],
    x.flatMap((frame) => [...frame.data]),
  );
  const inputs = { [input!.name]: pack(data.data, data.dtype, input!) };
  const outputs = { [output!.name]: frames * output!.beats };
  const stalls = { [input!.name]: { probability: 0.4, seed: 1 }, [output!.name]: { probability: 0.4, seed: 2 } };
  const results = await runSimulation(
    program,
    [
      { inputs, outputs },
      { inputs, outputs, stalls },
    ],
    testCall(),
  );
  for (const { ended, streams } of results) {
    const got = unpack(streams[output!.name]!.beats, layers.outputs[0]!.value.type.dtype, output!);
    const wrong = due.findIndex((value, i) => got[i] !== value);
    if (ended !== 'done' || wrong >= 0) throw new Error(`fold ${fold}: ended as ${ended}, frame ${wrong} is wrong`);
  }
  const { streams } = results[0]!;
  const times = streams[output!.name]!.times;
  const latency = times[0]! - streams[input!.name]!.times[0]! + 1;
  const interval = times.at(-1)! - times.at(-2)!;
  const said = scheduledRun(dataflow);
  if (said?.interval !== interval || said.latency !== latency) {
    throw new Error(`interval ${interval}, latency ${latency}; by schedule ${said?.interval}, ${said?.latency}`);
  }
  return { interval, latency, frames: 2 * frames };
}

/** Cells of the stitched circuit. */
export async function synthesizeUnsw(shared: string, fold: Fold, provider: Provider) {
  const { dataflow } = unswNetwork(join(shared, 'models/unsw-nb15-mlp-w2a2.onnx'), fold);
  return measure(await accelerator(dataflow, 'xcup'), 'xcup', provider);
}

/** Golden frames, then random ones. */
function framesOf(graph: Graph, golden: Tensor, count: number): Tensor[] {
  const { dtype, shape } = graph.inputs[0]!.type;
  const size = sizeOf(shape);
  const rng = random('unsw');
  return Array.from({ length: count }, (_, i) => {
    const known = golden.data.slice(i * size, (i + 1) * size);
    const data = known.length === size ? known : Float64Array.from({ length: size }, () => (rng.chance() ? 1 : -1));
    return retyped(tensor(golden.dtype, shape, data), dtype);
  });
}

const run = (graph: Graph, x: Tensor): Tensor =>
  evaluate(graph, new Map([[graph.inputs[0]!.name, x]])).get(graph.outputs[0]!.name)!;
