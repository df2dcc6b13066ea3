import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openSession, refuseUntrusted } from '../../src/commands/session.ts';
import type { StreamPort } from '../../src/hdl/design.ts';
import type { Family } from '../../src/hdl/device.ts';
import type { Graph } from '../../src/ir/graph.ts';
import type { Performance } from '../../src/passes/fold/estimate.ts';
import { dataflow, estimate, layerDesign, simulation } from '../../src/steps/artifacts.ts';
import { stitch } from '../../src/steps/stitch.ts';
import type { Provider } from '../../src/tools/yosys.ts';
import { measure } from './measure.ts';
import type { Network } from './published-networks.ts';

/** LUT, flip-flops, RAMB18 and DSP blocks. */
export interface Totals {
  readonly lut: number;
  readonly ff: number;
  readonly bram: number;
  readonly dsp: number;
}

/** `through`: inputs of carry chains that are no LUT's output, not counted in `lut`; `left`: layers that were not mapped. */
export interface Mapped extends Totals {
  readonly through: number;
  readonly version: string;
  readonly left: readonly string[];
}

/** What was found out about a network; members are absent where that was not asked for. */
export interface NetworkResult {
  /** By the layers' schedules, with the queues that the build has. */
  readonly interval: number;
  readonly latency: number;
  readonly estimated: Totals;
  readonly simulated?: { readonly frames: number; readonly interval: number; readonly latency: number };
  /** Layers and what is between them, out of context. */
  readonly mapped?: Mapped;
}

export interface RunOptions {
  readonly root: string;
  readonly simulate: boolean;
  /** Maps with this Yosys. */
  readonly synthesize?: Provider;
  readonly version: string;
  /** Layers that are not mapped. */
  readonly without: ReadonlySet<string>;
  readonly say: (line: string) => void;
}

/** Frames that the simulate step runs the whole circuit on with stalls. */
const STALLED = 8;
const none: Totals = { lut: 0, ff: 0, bram: 0, dsp: 0 };
const plus = (a: Totals, b: Totals): Totals => ({
  lut: a.lut + b.lut,
  ff: a.ff + b.ff,
  bram: a.bram + b.bram,
  dsp: a.dsp + b.dsp,
});
const parse = <T>(bytes: Uint8Array | undefined): T => JSON.parse(new TextDecoder().decode(bytes)) as T;

/** Builds a network of a recipe as far as is asked. Throws where a step fails, also where an output of the circuit is wrong. */
export async function runNetwork(network: Network, options: RunOptions): Promise<NetworkResult> {
  const session = openSession(overlay(network, options.root), { builds: [network.build], allowRun: true }, io(options));
  refuseUntrusted(session);
  const [build] = session.builds;
  const scope = session.buildScopes.get(network.build)!;
  const above = session.networkScopes.get(build!.network.name)!;
  const asked = ['fold', ...(options.synthesize || options.simulate ? ['codegen'] : [])];
  const wanted = [
    ...['import', 'streamline', 'lower'].map((step) => ({ scope: above, step })),
    ...[...asked, ...(options.simulate ? ['simulate'] : [])].map((step) => ({ scope, step })),
  ];
  const built = await session.engine.run(session.engine.graph(wanted));
  await session.executor.close();
  if (!built.ok)
    throw new Error(
      built.outcomes.flatMap(({ diagnostics }) => diagnostics.map((one) => session.render(one))).join('\n'),
    );

  const { family } = build!.target.board;
  const reports = built.files(scope, estimate)!;
  const pace = parse<Performance>(reports['report/estimate_network_performance.json']);
  const { total } = parse<{ total: Record<string, number> }>(reports['report/estimate_layer_resources.json']);
  const result: NetworkResult = {
    interval: pace.scheduled_interval_cycles,
    latency: pace.scheduled_latency_cycles,
    estimated: { lut: total['LUT']!, ff: total['FF']!, bram: total['BRAM_18K']!, dsp: total['DSP']! },
  };
  const simulated = options.simulate
    ? parse<Record<string, number>>(built.files(scope, simulation)!['report/rtlsim_performance.json'])
    : undefined;
  const designs = new Map([...built.each(scope, layerDesign)].map(([name, { value }]) => [name, value]));
  return {
    ...result,
    ...(simulated && {
      simulated: {
        frames: simulated['N']! + STALLED,
        interval: simulated['interval_cycles']!,
        latency: simulated['latency_cycles']!,
      },
    }),
    ...(options.synthesize && {
      mapped: await map(designs, built.value(scope, dataflow)!.value, family, options.synthesize, options),
    }),
  };
}

type Designs = ReadonlyMap<string, Parameters<typeof measure>[0]>;

/** Each layer by itself, and the circuit around them with the layers as black boxes. */
async function map(designs: Designs, graph: Graph, family: Family, provider: Provider, options: RunOptions) {
  let totals = none;
  let carried = 0;
  const left: string[] = [];
  for (const [name, design] of designs) {
    if (options.without.has(name)) {
      left.push(name);
      continue;
    }
    const start = performance.now();
    const { merged, through, ff, bram, dsp } = await measure(design, family, provider);
    carried += through;
    options.say(
      `  ${name}: ${merged} LUT, ${ff} FF, ${bram} RAMB18 (${Math.round((performance.now() - start) / 1000)} s)`,
    );
    totals = plus(totals, { lut: merged, ff, bram, dsp });
  }
  const boxes = new Map([...designs].map(([name, design]) => [name, { ...design, ...blackBox(design) }]));
  const context = {
    config: { family },
    sources: {},
    signal: new AbortController().signal,
    call: () => Promise.reject(new Error('stitching calls no tools')),
    note: () => {},
    report: () => {},
  };
  const { accelerator } = await stitch.run({ dataflow: graph, designs: boxes }, context);
  const { merged, through, ff, bram, dsp } = await measure(accelerator, family, provider);
  options.say(`  between layers: ${merged} LUT, ${ff} FF, ${bram} RAMB18`);
  return {
    ...plus(totals, { lut: merged, ff, bram, dsp }),
    through: carried + through,
    version: options.version,
    left,
  };
}

const port = ({ name, direction, width }: StreamPort): string[] => {
  const [there, back] = direction === 'in' ? ['input', 'output'] : ['output', 'input'];
  return [`${there} [${width - 1}:0] ${name}_tdata`, `${there} ${name}_tvalid`, `${back} ${name}_tready`];
};

/** A module of the same ports without contents. */
function blackBox({ top, streams }: { readonly top: string; readonly streams: readonly StreamPort[] }) {
  const ports = ['input ap_clk', 'input ap_rst_n', ...streams.flatMap(port)];
  return {
    sources: { [`${top}.sv`]: `(* blackbox *)\nmodule ${top} (\n  ${ports.join(',\n  ')}\n);\nendmodule\n` },
    memories: {},
  };
}

/** A recipe that is the network's with native tools, which are faster. */
function overlay({ name, recipe }: Network, root: string): string {
  const folder = join(root, 'build/results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.yaml`);
  const parent = relative(folder, join(root, 'recipes', recipe));
  writeFileSync(path, `finn: 1\nextends: ${parent}\ntools: { synthesis: native, simulation: verilator }\n`);
  return path;
}

const io = ({ say }: RunOptions) => ({
  out: say,
  err: say,
  terminal: false,
  color: false,
  signal: new AbortController().signal,
});
