import { readFile } from 'node:fs/promises';
import type { Invocation, Tool } from '../engine/invocation.ts';
import type { Design, StreamPort } from '../hdl/design.ts';
import { compileReactor, precompileHeader } from '../tools/clang.ts';
import { cxxrtlHeaders } from '../tools/cxxrtl-headers.ts';
import { writeCxxrtl } from '../tools/yosys.ts';
import { bench, benchTop } from './bench.ts';
import { cxxrtlMain } from './cxxrtl-binding.ts';
import { decodeReport, encodeJob } from './job.ts';
import type { SimulationResult, Stimulus } from './stimulus.ts';

/** Runs a tool or restores what it made before: `Context.call`, or `testCall()` in tests. */
export type Call = <O extends string>(invocation: Invocation<O>) => Promise<Readonly<Record<O, Uint8Array>>>;

/** cxxrtl is always there (npm's Yosys and clang); the others are native programs. */
export type Simulator = 'cxxrtl' | 'verilator' | 'iverilog';

/** Circuits ready to be run, as often as wanted. Plain data: it may be kept as an artifact. */
export interface CompiledSimulation {
  readonly simulator: Simulator;
  /** The streams of each circuit, in the order of the designs. */
  readonly circuits: readonly (readonly StreamPort[])[];
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Makes one simulation of all the designs. Twenty small circuits in one cost little more than one. */
export async function compileSimulation(
  designs: readonly Design[],
  simulator: Simulator,
  call: Call,
  label = `simulation of ${designs.map((design) => design.top).join(', ')}`,
): Promise<CompiledSimulation> {
  const circuits = designs.map((design) => design.streams);
  return { simulator, circuits, files: await compileCxxrtl(designs, call, label) };
}

/** Runs each stimulus from reset, one after another; results in the same order. */
export async function runSimulation(
  compiled: CompiledSimulation,
  stimuli: readonly Stimulus[],
  call: Call,
  label = 'simulation',
): Promise<SimulationResult[]> {
  const { circuits, files } = compiled;
  const { report } = await call({
    tool: wasmRunner,
    args: [],
    files: { ...files, 'job.bin': encodeJob(circuits, stimuli) },
    outputs: { report: 'report.bin' },
    label,
  });
  return decodeReport(circuits, stimuli, report);
}

const wasmRunner: Tool = {
  name: 'cxxrtl-run',
  program: { kind: 'module', url: new URL('./run-wasm.js', import.meta.url) },
  log: [],
};

async function compileCxxrtl(
  designs: readonly Design[],
  call: Call,
  label: string,
): Promise<CompiledSimulation['files']> {
  const { tops, sources, memories } = bench(designs);
  const headers = await cxxrtlHeaders();
  const circuits = designs.map((design) => design.streams);
  const [{ code }, { pch }] = await Promise.all([
    call(writeCxxrtl({ sources, memories }, benchTop, tops, label)),
    call(precompileHeader('cxxrtl/cxxrtl.h', headers)),
  ]);
  const files = { ...headers, 'design.cc': code, 'main.cc': cxxrtlMain(tops, circuits), 'harness.h': await harness() };
  const { wasm } = await call(compileReactor('main.cc', files, pch, label));
  return { 'simulation.wasm': wasm };
}

const harness = (): Promise<Uint8Array> =>
  readFile(new URL('./harness.h', import.meta.url)).then((b) => new Uint8Array(b));
