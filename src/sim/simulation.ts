import { readFile } from 'node:fs/promises';
import type { Invocation, Tool } from '../engine/invocation.ts';
import type { Design, StreamPort } from '../hdl/design.ts';
import { clangTool, compileReactor, precompileHeader } from '../tools/clang.ts';
import { cxxrtlHeaders } from '../tools/cxxrtl-headers.ts';
import { compileIverilog, iverilogTool, runVvp, vvpTool } from '../tools/iverilog.ts';
import { compileVerilator, programTool, verilatorTool } from '../tools/verilator.ts';
import { writeCxxrtl, yosysTools } from '../tools/yosys.ts';
import { type Bench, bench, benchTop } from './bench.ts';
import { cxxrtlMain } from './cxxrtl-binding.ts';
import { flattenConcats } from './flatten-concats.ts';
import { decodeReport, encodeJob } from './job.ts';
import type { SimulationResult, Stimulus } from './stimulus.ts';
import { testbench } from './testbench.ts';
import { readRecording } from './testbench-report.ts';
import { verilatorMain } from './verilator-binding.ts';

/** Runs a tool or restores what it made before: `Context.call`, or `testCall()` in tests. */
export type Call = <O extends string>(invocation: Invocation<O>) => Promise<Readonly<Record<O, Uint8Array>>>;

/** cxxrtl is always there (npm's Yosys and clang); the others are native programs. */
export type Simulator = 'cxxrtl' | 'verilator' | 'iverilog';

/** Circuits ready to be run, as often as wanted. Plain data: it may be kept as an artifact. */
export interface CompiledSimulation {
  readonly simulator: Simulator;
  /** The streams of each circuit, in the order of the designs. */
  readonly circuits: readonly (readonly StreamPort[])[];
  /** Their top modules, by the names that they have in `files`. */
  readonly tops: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Makes one simulation of all the designs. Twenty small circuits in one cost little more than one. */
export async function compileSimulation(
  designs: readonly Design[],
  simulator: Simulator,
  call: Call,
  label = `simulation of ${designs.map((design) => design.top).join(', ')}`,
): Promise<CompiledSimulation> {
  const made = bench(designs);
  const circuits = designs.map((design) => design.streams);
  const { tops } = made;
  switch (simulator) {
    case 'cxxrtl':
      return { simulator, circuits, tops, files: await compileCxxrtl(made, circuits, call, label) };
    case 'verilator': {
      const cxx = { 'main.cc': verilatorMain(circuits), 'harness.h': await harness() };
      const { program } = await call(compileVerilator(made, benchTop, cxx, label));
      return { simulator, circuits, tops, files: { ...encoded(made.memories), program } };
    }
    case 'iverilog':
      // The testbench has the stimulus in it: it is compiled with each run, which takes a tenth of a second.
      return { simulator, circuits, tops, files: { ...encoded(made.memories), ...encoded(made.sources) } };
  }
}

/** Runs each stimulus from reset, one after another; results in the same order. */
export async function runSimulation(
  compiled: CompiledSimulation,
  stimuli: readonly Stimulus[],
  call: Call,
  label = 'simulation',
): Promise<SimulationResult[]> {
  const { simulator, circuits } = compiled;
  if (simulator === 'iverilog') {
    return Promise.all(stimuli.map((stimulus) => runIverilog(compiled, stimulus, call, label)));
  }
  const files = { ...compiled.files, 'job.bin': encodeJob(circuits, stimuli) };
  const outputs = { report: 'report.bin' };
  const { report } = await call(
    simulator === 'cxxrtl'
      ? { tool: wasmRunner, args: [], files, outputs, label }
      : { tool: programTool('verilator-run'), args: ['./program'], files, outputs, label },
  );
  return decodeReport(circuits, stimuli, report);
}

const wasmRunner: Tool = {
  name: 'cxxrtl-run',
  program: { kind: 'module', url: new URL('./run-wasm.js', import.meta.url) },
  log: [],
};

/** The tools that compiling and running with a simulator call. */
export const simulatorTools = (simulator: Simulator): readonly Tool[] =>
  ({
    cxxrtl: [yosysTools.npm, clangTool, wasmRunner],
    verilator: [verilatorTool, programTool('verilator-run')],
    iverilog: [iverilogTool, vvpTool],
  })[simulator];

async function compileCxxrtl(
  { tops, sources, memories }: Bench,
  circuits: CompiledSimulation['circuits'],
  call: Call,
  label: string,
): Promise<CompiledSimulation['files']> {
  const headers = await cxxrtlHeaders();
  const [{ code }, { pch }] = await Promise.all([
    call(writeCxxrtl({ sources, memories }, benchTop, tops, label)),
    call(precompileHeader('cxxrtl/cxxrtl.h', headers)),
  ]);
  const design = flattenConcats(new TextDecoder().decode(code));
  const files = {
    ...headers,
    'design.cc': design,
    'main.cc': cxxrtlMain(tops, circuits, design),
    'harness.h': await harness(),
  };
  const { wasm } = await call(compileReactor('main.cc', files, pch, label));
  return { 'simulation.wasm': wasm };
}

async function runIverilog(
  { circuits, tops, files }: CompiledSimulation,
  stimulus: Stimulus,
  call: Call,
  label: string,
): Promise<SimulationResult> {
  const dut = stimulus.dut ?? 0;
  const streams = circuits[dut]!;
  const { top, source, data } = testbench({ top: tops[dut]!, streams }, stimulus, { record: true });
  const entries = Object.entries(files);
  const verilog = entries.filter(([name]) => /\.s?v$/.test(name) && name !== `${benchTop}.sv`);
  const memories = entries.filter(([name]) => !/\.s?v$/.test(name));
  const sources = { ...Object.fromEntries(verilog), 'testbench.v': source };
  const { program } = await call(compileIverilog(sources, top, label));
  const logs = Object.fromEntries(['summary', ...streams.map((s) => s.name)].map((s) => [`${s}.log`, `${s}.log`]));
  const written = await call(runVvp(program, { ...Object.fromEntries(memories), ...data }, logs, label));
  return readRecording(streams, stimulus, written);
}

const harness = async (): Promise<Uint8Array> =>
  new Uint8Array(await readFile(new URL('./harness.h', import.meta.url)));

const encoded = (files: Readonly<Record<string, string>>): Record<string, Uint8Array> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)]));
