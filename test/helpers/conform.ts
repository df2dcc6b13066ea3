import type { Design, StreamPort } from '../../src/hdl/design.ts';
import { admits, BIPOLAR, type DataType } from '../../src/ir/datatype.ts';
import { sizeOf, type Tensor, tensor } from '../../src/ir/tensor.ts';
import type { Device, Layer } from '../../src/operators/operator.ts';
import { runTokens } from '../../src/passes/fold/tokens.ts';
import { fromStream, pack, toStream, unpack } from '../../src/sim/packing.ts';
import { type Call, compileSimulation, runSimulation, type Simulator } from '../../src/sim/simulation.ts';
import { type SimulationResult, type Stall, type Stimulus, stallWords } from '../../src/sim/stimulus.ts';
import { type Random, random } from '../../src/util/random.ts';

/** A layer to be held to its operator's word, and what to call it in findings and in Verilog. */
export interface Candidate {
  readonly name: string;
  readonly layer: Layer;
  readonly device: Device;
}

export interface ConformOptions {
  readonly seed?: number | string;
  readonly frames?: number;
  readonly simulator?: Simulator;
}

/** Probabilities that the sources and the sinks of a layer stall, run after run. */
const stallRuns: readonly (readonly [source: number, sink: number])[] = [
  [0.5, 0.5],
  [0.1, 0.8],
  [0.8, 0.1],
  [0, 0.5],
  [0.5, 0],
];

/** A candidate with its circuit, what goes in and what is due. */
interface Case extends Candidate {
  readonly design: Design;
  readonly frames: number;
  readonly inputs: Readonly<Record<string, Uint8Array>>;
  readonly due: readonly {
    readonly port: StreamPort;
    readonly dtype: DataType;
    /** Elements of the last axis. */
    readonly row: number;
    readonly values: Float64Array;
  }[];
}

/**
 * Simulates all candidates in one program and returns what is wrong with them; nothing, if all is well. With stalls of
 * all kinds and without: outputs equal `evaluate`, beats equal `streams`, no beat too many, no breach of AXI-Stream, and
 * every beat of every stream moves in the very cycle in which `schedule`, played on the same stalls, says it does. Both
 * kinds of streams have really stalled, and `cycles` is the schedule's steady interval.
 */
export async function conform(
  candidates: readonly Candidate[],
  call: Call,
  options: ConformOptions = {},
): Promise<string[]> {
  const { seed = 1, frames = 7, simulator = 'cxxrtl' } = options;
  const cases = candidates.map((candidate) => prepare(candidate, frames, random(`${seed} ${candidate.name}`)));
  const compiled = await compileSimulation(
    cases.map((c) => c.design),
    simulator,
    call,
    `conformance of ${cases.length} layers`,
  );
  const runs = stallRuns.length + 1;
  const stimuli = cases.flatMap((c, dut) => Array.from({ length: runs }, (_, run) => stimulus(c, dut, run)));
  const results = await runSimulation(compiled, stimuli, call);
  return cases.flatMap((c, i) => judge(c, results.slice(i * runs, (i + 1) * runs)).map((text) => `${c.name}: ${text}`));
}

function prepare(candidate: Candidate, frames: number, values: Random): Case {
  const { layer, device, name } = candidate;
  const design = layer.op.rtl(layer, device, name);
  const ports = design.streams;
  const inputs: Record<string, Uint8Array> = {};
  const edges = edgesOf(layer);
  const given = layer.inputs.map((value) => {
    if (!value || value.kind === 'constant') return undefined;
    return Array.from({ length: frames }, (_, frame) => fill(value.type.dtype, value.type.shape, values, frame, edges));
  });
  let stream = 0;
  layer.inputs.forEach((value, i) => {
    const tensors = given[i];
    if (!value || !tensors) return;
    const port = ports.find((p) => p.name === `s_axis_${stream}`)!;
    stream += 1;
    inputs[port.name] = pack(toStream(joined(tensors), rowOf(value.type.shape), port), value.type.dtype, port);
  });
  const context = { origin: layer.origin, outputs: layer.types.length, types: layer.types };
  const outputs = Array.from({ length: frames }, (_, frame) =>
    layer.op.evaluate(
      layer.inputs.map((value, i) => (value?.kind === 'constant' ? value.tensor : given[i]?.[frame])),
      layer.attrs,
      context,
    ),
  );
  const due = layer.types.map(({ dtype, shape }, i) => ({
    port: ports.find((p) => p.name === `m_axis_${i}`)!,
    dtype,
    row: rowOf(shape),
    values: joined(outputs.map((list) => list[i]!)),
  }));
  return { ...candidate, design, frames, inputs, due };
}

const rowOf = (shape: readonly number[]): number => shape.at(-1) ?? 1;

/** By channel, values at which a layer may change its mind: its constants, and their neighbours below. */
function edgesOf({ inputs }: Layer): (channel: number) => readonly number[] {
  const rows = inputs.flatMap((value) =>
    value?.kind === 'constant' && value.tensor.shape.length === 2 ? [value.tensor] : [],
  );
  return (channel) =>
    rows.flatMap(({ shape, data }) => {
      const n = shape[1]!;
      const row = channel % shape[0]!;
      return Array.from(data.subarray(row * n, (row + 1) * n)).flatMap((t) => [Math.ceil(t), Math.ceil(t) - 1]);
    });
}

/**
 * Frame 1 is all least values, frame 2 all greatest; the others are random, every fourth element one or the other, every other one
 * an edge of its channel, of either sign, where that is a value.
 */
function fill(
  dtype: DataType,
  shape: readonly number[],
  values: Random,
  frame: number,
  edges: (channel: number) => readonly number[],
): Tensor {
  const { min, max } = dtype;
  const any = (): number => (dtype === BIPOLAR ? values.pick([-1, 1]) : values.int(min, max));
  const element = (channel: number): number => {
    if (frame === 1) return min;
    if (frame === 2) return max;
    if (values.chance(0.25)) return values.pick([min, max]);
    if (values.chance(0.35)) return any();
    const near = edges(channel).flatMap((edge) => [edge, 1 - edge]);
    const edge = near.length > 0 ? values.pick(near) : min - 1;
    return admits(dtype, edge) ? edge : any();
  };
  return tensor(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => element(i % (shape.at(-1) ?? 1))),
  );
}

function joined(tensors: readonly Tensor[]): Float64Array {
  const all = new Float64Array(tensors.reduce((n, t) => n + t.data.length, 0));
  let at = 0;
  for (const { data } of tensors) {
    all.set(data, at);
    at += data.length;
  }
  return all;
}

/** How the streams of a circuit stall in one run. */
function stallsOf(c: Case, run: number): Record<string, Stall> {
  const [source, sink] = run === 0 ? [0, 0] : stallRuns[run - 1]!;
  const stalls: Record<string, Stall> = {};
  c.design.streams.forEach((port, i) => {
    stalls[port.name] = { probability: port.direction === 'in' ? source : sink, seed: 100 * run + i };
  });
  return stalls;
}

function stimulus(c: Case, dut: number, run: number): Stimulus {
  const stalls = stallsOf(c, run);
  const outputs = Object.fromEntries(c.due.map(({ port }) => [port.name, c.frames * port.beats]));
  return { dut, inputs: c.inputs, outputs, stalls, idle: 2000 + 2 * c.layer.op.cycles(c.layer) };
}

function judge(c: Case, results: readonly SimulationResult[]): string[] {
  const found: string[] = [];
  results.forEach((result, run) => {
    const [source, sink] = run === 0 ? [0, 0] : stallRuns[run - 1]!;
    const where = run === 0 ? 'without stalls' : `with stalls of ${source} and ${sink}`;
    if (result.ended !== 'done') found.push(`${where}: ended as ${result.ended} in cycle ${result.cycles}`);
    for (const { port, dtype, row, values } of c.due) {
      const stream = result.streams[port.name]!;
      const beats = c.frames * port.beats;
      if (stream.count !== beats) found.push(`${where}: ${port.name} gave ${stream.count} beats, not ${beats}`);
      if (stream.violations > 0) found.push(`${where}: ${port.name} broke AXI-Stream ${stream.violations} times`);
      const got = fromStream(unpack(stream.beats, dtype, port), row, port);
      const at = values.findIndex((value, i) => got[i] !== value);
      if (at >= 0) {
        const frame = Math.floor(at / (values.length / c.frames));
        const element = at % (values.length / c.frames);
        found.push(`${where}: ${port.name}, frame ${frame}, element ${element} is ${got[at]}, not ${values[at]}`);
      }
    }
  });
  const stalled = (direction: 'in' | 'out', what: 'starved' | 'blocked'): boolean =>
    c.design.streams
      .filter((port) => port.direction === direction)
      .every((port) => results.some((result, run) => run > 0 && result.streams[port.name]![what] > 0));
  if (!stalled('in', 'starved')) found.push('tvalid of an input was never low');
  if (!stalled('out', 'blocked')) found.push('tready of an output was never low while tvalid was high');
  return found.length > 0 ? found : timing(c, results);
}

/** Holds all runs to `schedule`, played on the same stalls, and to `cycles` and `streams`. */
function timing(c: Case, results: readonly SimulationResult[]): string[] {
  const { layer, design } = c;
  const found: string[] = [];
  const schedule = layer.op.schedule(layer);
  const inputs = design.streams.filter((p) => p.direction === 'in');
  const outputs = design.streams.filter((p) => p.direction === 'out');
  const ports = JSON.stringify(layer.op.streams(layer));
  if (ports !== JSON.stringify(design.streams)) found.push(`streams are ${ports}, but those of its design are others`);
  const stages = [{ name: c.name, schedule, in: inputs.map(() => -1), out: outputs.map(() => -1) }];
  const { interval, steady } = runTokens(stages, [], { frames: 1000 });
  if (!steady) found.push('its schedule does not settle');
  if (interval !== layer.op.cycles(layer)) found.push(`interval ${interval}, but cycles ${layer.op.cycles(layer)}`);
  // After reset a circuit may need a cycle to look at its memories.
  const start = Math.min(...inputs.map(({ name }) => results[0]!.streams[name]!.times[0]!));
  if (start > 1) found.push(`its first beat is taken in cycle ${start} after reset`);
  results.forEach((result, run) => {
    const stalls = stallsOf(c, run);
    const port = (direction: 'in' | 'out', index: number): StreamPort =>
      design.streams.find((p) => p.name === `${direction === 'in' ? 's' : 'm'}_axis_${index}`)!;
    const { log } = runTokens(stages, [], {
      frames: c.frames,
      log: true,
      edge: (_, direction, index) => {
        const free = whenFree(stalls[port(direction, index).name]!);
        return direction === 'in' ? (cycle) => Math.max(start, free(cycle)) : free;
      },
    });
    for (const direction of ['in', 'out'] as const) {
      log[0]![direction].forEach((said, index) => {
        const { name, beats } = port(direction, index);
        const { times } = result.streams[name]!;
        const at = times.findIndex((time, beat) => time !== said[beat]);
        if (said.length === times.length && at < 0) return;
        const stall = run === 0 ? 'without stalls' : `with stalls of ${stallRuns[run - 1]!.join(' and ')}`;
        found.push(
          said.length === times.length
            ? `${stall}: ${name}, frame ${Math.floor(at / beats)}, beat ${at % beats} moved in cycle ${times[at]}, by schedule in ${said[at]}`
            : `${stall}: ${name} moved ${times.length} beats, by schedule ${said.length}`,
        );
      });
    }
  });
  return found;
}

/** The first cycle from one on in which a stream does not stall: the harness's sequence (sim/harness.h) once more. */
function whenFree(stall: Stall): (cycle: number) => number {
  const [threshold, state] = stallWords(stall);
  if (threshold === 0) return (cycle) => cycle;
  const free: boolean[] = [];
  let x = state;
  return (cycle) => {
    for (let at = cycle; ; at += 1) {
      while (free.length <= at) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        free.push(x >>> 0 >= threshold);
      }
      if (free[at]) return at;
    }
  };
}
