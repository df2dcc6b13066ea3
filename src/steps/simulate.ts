import { bug, fail, inNetwork, warning } from '../diagnostics/diagnostic.ts';
import { each, type Files } from '../engine/artifact.ts';
import type { Design, StreamPort } from '../hdl/design.ts';
import { evaluate } from '../ir/evaluate.ts';
import { writeNpy } from '../ir/npy.ts';
import { type Tensor, tensor } from '../ir/tensor.ts';
import type { Performance } from '../passes/fold/estimate.ts';
import { layersOf } from '../passes/fold/names.ts';
import { beatBytes } from '../sim/packing.ts';
import { compileSimulation, runSimulation, type Simulator, simulatorTools } from '../sim/simulation.ts';
import type { SimulationResult, Stimulus } from '../sim/stimulus.ts';
import { toNumber } from '../util/rational.ts';
import {
  accelerator,
  codegenVerdict,
  dataflow,
  estimate,
  importVerdict,
  integerNetwork,
  layerDesign,
  simulation,
  stitchVerdict,
  vectors,
} from './artifacts.ts';
import { pretty } from './fold.ts';
import { buildStep } from './step.ts';
import { acceleratorTestbench } from './testbench.ts';
import { checkStream } from './verify/circuit.ts';
import { beatsOf, elementsOf, trafficOf } from './verify/frames.ts';
import { accuracyOf } from './verify/import.ts';
import { acceleratorInputs } from './verify/lower.ts';
import type { Verdict } from './verify/verdict.ts';

/** Frames that the steady state is measured over, at least. */
const STEADY = 8;
/** Frames that each layer by itself, and the whole under random stalls, is held to. */
const STALLED = 4;
/** Cycles that a simulation of all vectors may take, about a minute's worth; beyond it fewer vectors are run. */
const MOST_CYCLES = { cxxrtl: 5e7, verilator: 1e8, iverilog: 2e5 } as const;

export const simulators = { npm: 'cxxrtl', verilator: 'verilator', iverilog: 'iverilog' } as const satisfies Record<
  string,
  Simulator
>;

export const simulate = buildStep({
  name: 'simulate',
  doc: 'Runs every layer’s circuit and the whole accelerator on the vectors, with and without stalls; both must equal the layers bit for bit.',
  needs: { accelerator, designs: each(layerDesign), dataflow, estimate, split: integerNetwork, vectors, importVerdict },
  makes: { simulation, codegenVerdict, stitchVerdict },
  aside: true,
  cost: () => ({ threads: 1, memory: 1200 }),
  config: ({ build, recipe }) => ({
    simulator: simulators[recipe.tools.simulation],
    clockMhz: toNumber(build.target.clockMhz),
    codegen: recipe.verifyAt.includes('codegen'),
    stitch: recipe.verifyAt.includes('stitch'),
  }),
  tools: ({ recipe }) => simulatorTools(simulators[recipe.tools.simulation]),
  async run(
    { accelerator: whole, designs, dataflow: graph, estimate: predicted, split, vectors: given, importVerdict: before },
    { config, call, note, report },
  ) {
    const layers = layersOf(graph);
    const slowest = Math.max(...[...layers.values()].map((layer) => layer.op.cycles(layer)));
    const most = Math.max(STEADY, Math.floor(MOST_CYCLES[config.simulator] / slowest));
    const fed = acceleratorInputs(split, graph, given, most);
    const pace = paceOf(predicted);
    // The steady state is seen over at least 8 frames behind those that fill the pipeline.
    // Between a frame that is in and its answer nothing may move at the edge for a whole latency, and more where streams stall.
    const idle = 100_000 + 4 * (pace.latency + pace.interval);
    const filling = Math.ceil(pace.latency / pace.interval) + 2;
    const frames = Array.from({ length: Math.max(fed.length, STEADY + filling) }, (_, i) => fed[i % fed.length]!);
    const traffic = trafficOf(graph, frames, STALLED);

    const alone = config.codegen ? [...designs] : [];
    const circuits = [whole, ...alone.map(([, design]) => design)];
    const label = `simulation of ${whole.top}${alone.length > 0 ? ` and its ${alone.length} layers` : ''}`;
    const compiled = await compileSimulation(circuits, config.simulator, call, label);
    const stimuli: Stimulus[] = [
      stimulus(0, whole, [frames], frames.length, idle),
      stimulus(0, whole, [frames.slice(0, 2 * STALLED)], 2 * STALLED, idle, 0.3),
      ...alone.map(([name, design], i) => {
        const { inputs } = traffic.layers.get(name)!;
        const ports = design.streams.filter(({ direction }) => direction === 'in');
        return stimulus(
          i + 1,
          design,
          ports.map((_, port) => inputs.map((one) => one[port]!)),
          inputs.length,
          idle,
          0.3,
        );
      }),
    ];
    const results = await runSimulation(compiled, stimuli, call, label);

    let elements = 0;
    alone.forEach(([name, design], i) => {
      const layer = layers.get(name)!;
      for (const [port, stream] of outputsOf(design).entries())
        elements += checkStream(results[i + 2]!, {
          stage: 'codegen',
          where: name,
          origin: layer.origin,
          port: stream,
          frames: traffic.layers.get(name)!.outputs.map((one) => one[port]!),
        });
    });
    const codegen: Verdict = { stage: 'codegen', vectors: alone.length > 0 ? STALLED : 0, elements, nearTies: 0 };
    const [output] = outputsOf(whole);
    const due = { stage: 'stitch' as const, where: 'the accelerator', origin: [graph.outputs[0]!.name], port: output! };
    let stitched = 0;
    // A circuit that stops has no outputs to go on with, whatever the recipe asks for.
    if (config.stitch || results.some(({ ended }) => ended !== 'done')) {
      stitched += checkStream(results[0]!, { ...due, frames: traffic.outputs });
      stitched += checkStream(results[1]!, { ...due, frames: traffic.outputs.slice(0, 2 * STALLED) });
    }
    const labels = given.labels;
    const outputs = spoken(results[0]!, output!, traffic.outputs.slice(0, fed.length));
    const accuracy =
      labels && fed.length === given.inputs.shape[0] ? accuracyOf(realOutputs(outputs, split), labels) : undefined;
    if (accuracy !== undefined && before.accuracy !== undefined && accuracy < before.accuracy)
      fail(
        'verify/accuracy',
        `the circuit meets ${(100 * accuracy).toFixed(2)} % of the labels, the network ${(100 * before.accuracy).toFixed(2)} %`,
      );

    const performance = measure(results[0]!, whole, frames.length, config.clockMhz);
    note(
      `interval ${performance.interval_cycles} cycles, latency ${performance.latency_cycles}, ${Math.round(performance['throughput[images/s]'])} frames/s at ${config.clockMhz} MHz`,
    );
    if (performance.interval_cycles !== pace.interval)
      report(
        warning(
          'simulate/pace',
          `the circuit takes ${performance.interval_cycles} cycles a frame, the layers' schedules say ${pace.interval}`,
          { at: inNetwork([graph.name]) },
        ),
      );
    if (accuracy !== undefined)
      note(`accuracy of the circuit ${(100 * accuracy).toFixed(2)} % over ${fed.length} vectors`);
    const verdict: Verdict = {
      stage: 'stitch',
      vectors: config.stitch ? fed.length : 0,
      elements: stitched,
      nearTies: 0,
      ...(accuracy !== undefined && { accuracy }),
    };
    return {
      simulation: {
        'report/rtlsim_performance.json': pretty(performance),
        'verification_output/accelerator_input.npy': writeNpy(stacked(fed)),
        'verification_output/accelerator_output.npy': writeNpy(stacked(outputs)),
        ...acceleratorTestbench(whole, frames, traffic.outputs),
      },
      codegenVerdict: codegen,
      stitchVerdict: verdict,
    };
  },
});

/** Cycles of a frame and of the first frame by the layers' schedules, as the fold step has found them. */
function paceOf(files: Files): { readonly interval: number; readonly latency: number } {
  const text = new TextDecoder().decode(files['report/estimate_network_performance.json'] ?? bug('no estimate'));
  const { scheduled_interval_cycles: interval, scheduled_latency_cycles: latency } = JSON.parse(text) as Performance;
  return { interval, latency };
}

/** What the circuit itself gave, frame by frame, in the shape of what is due. */
function spoken(result: SimulationResult, port: StreamPort, due: readonly Tensor[]): Tensor[] {
  const { beats } = result.streams[port.name]!;
  const size = beatBytes(port.width) * port.beats;
  return due.map((like, i) => {
    const elements = elementsOf(beats.subarray(i * size, (i + 1) * size), like, port);
    return tensor(like.dtype, like.shape, elements.subarray(0, like.data.length));
  });
}

const outputsOf = (design: Design): StreamPort[] => design.streams.filter(({ direction }) => direction === 'out');

/** Beats of each input for a number of frames; with `stall`, every stream waits at random that often. Nothing moves for `idle` cycles at most. */
function stimulus(
  dut: number,
  design: Design,
  inputs: readonly (readonly Tensor[])[],
  frames: number,
  idle: number,
  stall = 0,
): Stimulus {
  const ports = design.streams.filter(({ direction }) => direction === 'in');
  return {
    dut,
    inputs: Object.fromEntries(ports.map((port, i) => [port.name, beatsOf(inputs[i]!, port)])),
    outputs: Object.fromEntries(outputsOf(design).map((port) => [port.name, frames * port.beats])),
    idle,
    ...(stall > 0 && {
      stalls: Object.fromEntries(
        design.streams.map(({ name }, i) => [name, { probability: stall, seed: dut * 16 + i + 1 }]),
      ),
    }),
  };
}

/** What the network itself would give: behind the host's part. */
export function realOutputs(
  outputs: readonly Tensor[],
  { behind }: { readonly behind: Parameters<typeof evaluate>[0] | undefined },
): Tensor[] {
  if (!behind) return [...outputs];
  const { name, type } = behind.inputs[0]!;
  return outputs.map(
    (y) =>
      evaluate(behind, new Map([[name, { ...y, shape: type.shape, dtype: type.dtype }]])).get(behind.outputs[0]!.name)!,
  );
}

/** Frames of equal shape [1, …] as one array [N, …]. */
function stacked(frames: readonly Tensor[]): Tensor {
  const [first] = frames;
  const data = new Float64Array(frames.length * first!.data.length);
  frames.forEach((frame, i) => void data.set(frame.data, i * first!.data.length));
  return tensor(first!.dtype, [frames.length, ...first!.shape.slice(1)], data);
}

/** FINN's rtlsim_performance.json (finn-facts A.3). The interval is that of the last 8 frames. */
function measure(result: SimulationResult, design: Design, frames: number, clockMhz: number) {
  const [input] = design.streams.filter(({ direction }) => direction === 'in');
  const [output] = outputsOf(design);
  const taken = result.streams[input!.name]!;
  const given = result.streams[output!.name]!;
  const ends = Array.from({ length: frames }, (_, i) => given.times[(i + 1) * output!.beats - 1] ?? Number.NaN);
  const latency = ends[0]! - taken.times[0]! + 1;
  const interval = (ends[frames - 1]! - ends[frames - 1 - STEADY]!) / STEADY;
  const seconds = result.cycles / (clockMhz * 1e6);
  return {
    N_IN_TXNS: taken.count,
    N_OUT_TXNS: given.count,
    cycles: result.cycles,
    N: frames,
    latency_cycles: latency,
    interval_cycles: interval,
    TIMEOUT: result.ended === 'done' ? 0 : 1,
    UNFINISHED_INS: frames * input!.beats - taken.count,
    UNFINISHED_OUTS: frames * output!.beats - given.count,
    'runtime[ms]': seconds * 1000,
    'throughput[images/s]': (clockMhz * 1e6) / interval,
    'fclk[mhz]': clockMhz,
    'stable_throughput[images/s]': (clockMhz * 1e6) / interval,
  };
}
