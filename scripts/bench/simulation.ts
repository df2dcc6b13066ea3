import { performance } from 'node:perf_hooks';
import { compileInMemory } from '../../src/commands/in-memory.ts';
import { openSession } from '../../src/commands/session.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import type { Device } from '../../src/operators/operator.ts';
import { layersOf } from '../../src/passes/fold/names.ts';
import { testCall } from '../../src/sim/direct.ts';
import { compileSimulation, runSimulation, type Simulator, simulatorTools } from '../../src/sim/simulation.ts';
import { stitch } from '../../src/steps/stitch.ts';
import { random } from '../../src/util/random.ts';

export interface Speed {
  readonly simulator: Simulator;
  readonly compileSeconds: number;
  readonly cyclesPerSecond: number;
}

/** Frames of the short and of the long run: the difference of their times holds no start-up. */
const frames: Readonly<Record<Simulator, readonly [number, number]>> = {
  cxxrtl: [200, 16_000],
  verilator: [200, 16_000],
  iverilog: [20, 220],
};

/** Simulated cycles a second of one build of a recipe, in each simulator that is here. `folder` is for what tools make. */
export async function simulationSpeed(recipe: string, build: string, folder: string): Promise<Speed[]> {
  const signal = new AbortController().signal;
  const io = { out: () => {}, err: () => {}, terminal: false, color: false, signal };
  const session = openSession(recipe, { builds: [build] }, io);
  const { recipe: read, project, networkScopes, buildScopes, builds } = session;
  const compiled = await compileInMemory({
    recipe: read,
    project,
    networks: networkScopes,
    builds: buildScopes,
    signal,
  });
  const dataflow = compiled.dataflows.get(build);
  if (!dataflow) throw new Error(compiled.diagnostics[0]?.message ?? `no model for ${build}`);
  const device: Device = { family: builds[0]!.target.board.family };
  const layers = [...layersOf(dataflow)].filter(([, layer]) => !layer.op.inserted);
  const designs = new Map(layers.map(([name, layer]) => [name, layer.op.rtl(layer, device, name)]));
  const context = {
    config: device,
    sources: {},
    signal,
    call: () => Promise.reject(),
    note: () => {},
    report: () => {},
  };
  const { accelerator } = await stitch.run({ dataflow, designs }, context);
  const [input, output] = accelerator.streams;
  const bytes = Math.ceil(input!.width / 8) * input!.beats;

  const executor = new LocalExecutor();
  const call = testCall(executor, folder);
  const speeds: Speed[] = [];
  for (const simulator of ['cxxrtl', 'verilator', 'iverilog'] as const) {
    try {
      for (const tool of simulatorTools(simulator)) await executor.version(tool);
    } catch {
      continue; // not here
    }
    const begin = performance.now();
    const program = await compileSimulation([accelerator], simulator, call);
    const compileSeconds = (performance.now() - begin) / 1000;
    const run = async (count: number): Promise<{ cycles: number; seconds: number }> => {
      const values = random(`bench ${count}`);
      const beats = Uint8Array.from({ length: bytes * count }, () => values.int(0, 255));
      const inputs = { [input!.name]: beats };
      const from = performance.now();
      const [result] = await runSimulation(
        program,
        [{ inputs, outputs: { [output!.name]: output!.beats * count } }],
        call,
      );
      return { cycles: result!.cycles, seconds: (performance.now() - from) / 1000 };
    };
    const [short, long] = [await run(frames[simulator][0]), await run(frames[simulator][1])];
    speeds.push({
      simulator,
      compileSeconds,
      cyclesPerSecond: (long.cycles - short.cycles) / (long.seconds - short.seconds),
    });
  }
  await executor.close();
  return speeds;
}
