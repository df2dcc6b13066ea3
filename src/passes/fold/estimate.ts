import type { Graph } from '../../ir/graph.ts';
import type { Device, Layer, Resources } from '../../operators/operator.ts';
import { paceOf, stagesOf } from './connect.ts';
import { finnNames, layersOf } from './names.ts';
import { isPlayable } from './sizing.ts';
import { runTokens, settlingFrames, type TokenRun } from './tokens.ts';

/** Resources under the names that a family's users know: FINN's for AMD parts, the vendor's for others. */
export function named({ lut, ff, bram, uram, dsp }: Resources, { family }: Device): Record<string, number> {
  switch (family) {
    case 'ice40':
      return { LUT: lut, FF: ff ?? 0, EBR_4K: bram, DSP: dsp };
    case 'ecp5':
      return { LUT: lut, FF: ff ?? 0, DP16K: bram, DSP: dsp };
    case 'xc7':
    case 'xcup':
      return { LUT: lut, FF: ff ?? 0, BRAM_18K: bram, URAM: uram ?? 0, DSP: dsp };
  }
}

/** Sum of the layers' resources, in the family's units. */
export function totalResources(graph: Graph, device: Device): Resources {
  const all = [...layersOf(graph).values()].map((layer) => layer.op.resources(layer, device));
  const sum = (of: (r: Resources) => number | undefined) => all.reduce((n, r) => n + (of(r) ?? 0), 0);
  return {
    lut: sum((r) => r.lut),
    ff: sum((r) => r.ff),
    bram: sum((r) => r.bram),
    uram: sum((r) => r.uram),
    dsp: sum((r) => r.dsp),
  };
}

export interface Performance {
  readonly critical_path_cycles: number;
  readonly max_cycles: number;
  readonly max_cycles_node_name: string;
  readonly estimated_throughput_fps: number;
  /** FINN's: the sum of all layers' cycles, which layers that overlap never take. */
  readonly estimated_latency_ns: number;
  /**
   * Ours: what the token schedules give with the FIFOs that were chosen. Where a frame has too many beats to be played,
   * max_cycles and critical_path_cycles.
   */
  readonly scheduled_interval_cycles: number;
  readonly scheduled_latency_cycles: number;
}

/** The run of a graph with its FIFOs; undefined where a frame has too many beats to be played. */
export function scheduledRun(graph: Graph): TokenRun | undefined {
  const { stages, queues } = stagesOf(graph);
  const pace = paceOf(graph);
  return isPlayable(stages, pace) ? runTokens(stages, queues, { frames: settlingFrames(stages), pace }) : undefined;
}

/** FINN's estimate reports, by file name, for a folded graph with its FIFOs, and the run of its schedules. */
export function estimateReports(
  graph: Graph,
  device: Device,
  clockMhz: number,
  played: TokenRun | 'unplayed' = scheduledRun(graph) ?? 'unplayed',
): Readonly<Record<string, unknown>> {
  const run = played === 'unplayed' ? undefined : played;
  const layers = [...layersOf(graph)].filter(([, layer]) => !layer.op.inserted);
  const cycles = layers.map(([name, layer]) => [name, layer.op.cycles(layer)] as const);
  const [slowest, most] = cycles.reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as readonly [string, number]);
  const sum = cycles.reduce((n, [, c]) => n + c, 0);
  const period = 1000 / clockMhz;
  const performance: Performance = {
    critical_path_cycles: sum,
    max_cycles: most,
    max_cycles_node_name: slowest,
    estimated_throughput_fps: 1e9 / period / most,
    estimated_latency_ns: sum * period,
    scheduled_interval_cycles: run?.interval ?? most,
    scheduled_latency_cycles: run?.latency ?? sum,
  };
  const resources = [...layersOf(graph)].map(
    ([name, layer]) => [name, named(layer.op.resources(layer, device), device)] as const,
  );
  return {
    'estimate_layer_cycles.json': Object.fromEntries(cycles),
    'estimate_layer_resources.json': {
      ...Object.fromEntries(resources),
      total: named(totalResources(graph, device), device),
    },
    'estimate_network_performance.json': performance,
    'op_and_param_counts.json': counts(layers),
  };
}

/** FINN's operation and parameter counts: {layer: {op_mac_<a>bx<w>b: n, …}, total: {…}}. */
function counts(layers: readonly (readonly [string, Layer])[]): Record<string, Record<string, number>> {
  const all: Record<string, Record<string, number>> = {};
  const total: Record<string, number> = {};
  for (const [name, layer] of layers) {
    const own = { ...layer.op.counts?.(layer) };
    all[name] = own;
    for (const [key, n] of Object.entries(own)) total[key] = (total[key] ?? 0) + n;
  }
  return { ...all, total };
}

/** Attributes that FINN's folding files hold (finn-facts A.3); what a layer lacks of them is left out. */
const folding = [
  'PE', 'SIMD', 'parallel_window', 'ram_style', 'resType', 'mem_mode', 'runtime_writeable_weights', 'depth_trigger_uram',
  'depth_trigger_bram', 'depth', 'impl_style',
]; // biome-ignore format: a list

/** Attributes of FINN's layers that ours have no word for, at what they are in FINN by default. */
const always: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Thresholding_rtl: { runtime_writeable_weights: 0, depth_trigger_uram: 0, depth_trigger_bram: 0 },
};

function foldingAttributes(layer: Layer): Record<string, number | string> {
  const { opType, attributes } = layer.op.finn(layer);
  const own = Object.entries(attributes).filter(([name]) => folding.includes(name));
  return { ...Object.fromEntries(own), ...always[opType] };
}

/** FINN's folding file for the layers: auto_folding_config.json, or with FIFOs final_hw_config.json. */
export function finnConfig(graph: Graph, withFifos: boolean): Record<string, unknown> {
  const entries = [...finnNames(graph)].filter(([, layer]) => withFifos || !layer.op.inserted);
  return {
    Defaults: {},
    ...Object.fromEntries(entries.map(([name, layer]) => [name, foldingAttributes(layer)])),
  };
}
