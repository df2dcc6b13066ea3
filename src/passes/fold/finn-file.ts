import { type Diagnostic, error, fail, type Location } from '../../diagnostics/diagnostic.ts';
import { didYouMean } from '../../diagnostics/suggest.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Layer } from '../../operators/operator.ts';
import { finnNames, layersOf } from './names.ts';
import type { Request } from './parallelize.ts';

/** What a FINN folding file asks for: attributes of layers, and depths of FIFOs by FINN's own numbering. */
export interface FinnFolding {
  readonly requests: readonly Request[];
  readonly fifoDepths: ReadonlyMap<number, number>;
  readonly diagnostics: readonly Diagnostic[];
}

type Entries = Readonly<Record<string, unknown>>;
const isEntries = (value: unknown): value is Entries =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** FINN's ram_style as ours: distributed is LUTs. Ultra RAM exists on AMD parts only. */
const memories: Readonly<Record<string, string>> = { auto: 'auto', distributed: 'lut', block: 'block' };

/** FINN attributes that say nothing to our circuits, and are passed over without a word. */
const silent = new Set([
  'resType', 'mem_mode', 'runtime_writeable_weights', 'depth_trigger_uram', 'depth_trigger_bram', 'impl_style',
  'inFIFODepths', 'outFIFODepths', 'parallel_window', 'preferred_impl_style', 'ram_style_thresholds', 'uniform_thres', 'deep_pipeline',
]); // biome-ignore format: a list

/**
 * Reads FINN's folding_config.json: names as FINN gives them (MVAU_hls_0, Thresholding_rtl_0), attributes by FINN's
 * words. Defaults apply first. A FIFO or width converter sets depths or nothing; any other name that matches no layer
 * is an error. Throws FinnError where the file is no such file.
 */
export function readFinnFolding(text: string, path: string, graph: Graph, at: Location): FinnFolding {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    return fail('fold/file', `${path} is not JSON: ${(cause as Error).message}`, { at });
  }
  if (!isEntries(parsed)) return fail('fold/file', `${path} is not a map of layers`, { at });
  const byFinn = finnNames(graph);
  const ours = new Map([...layersOf(graph)].map(([name, layer]) => [layer, name]));
  const diagnostics: Diagnostic[] = [];
  const requests: Request[] = defaultsFor(parsed['Defaults'], byFinn, ours, at);
  const fifoDepths = new Map<number, number>();
  for (const [name, value] of Object.entries(parsed)) {
    if (name === 'Defaults') continue;
    if (!isEntries(value)) {
      diagnostics.push(error('fold/file', `${path}: '${name}' is not a map of attributes`, { at }));
      continue;
    }
    const fifo = /^StreamingFIFO(?:_rtl|_hls)?_(\d+)$/.exec(name);
    if (fifo) {
      if (typeof value['depth'] === 'number') fifoDepths.set(Number(fifo[1]), value['depth']);
      continue;
    }
    if (/^(StreamingDataWidthConverter|IODMA)(_rtl|_hls)?_\d+$/.test(name)) continue;
    const layer =
      byFinn.get(name) ?? byFinn.get(name.replace(/_(hls|rtl)_/, (_, kind) => (kind === 'hls' ? '_rtl_' : '_hls_')));
    if (!layer) {
      const hint = didYouMean(name, [...byFinn.keys()], 'layers');
      diagnostics.push(
        error('fold/no-such-layer', `${path} names '${name}', which the network does not have`, { at, hint }),
      );
      continue;
    }
    requests.push({ name: ours.get(layer)!, attributes: translate(layer, value), at });
  }
  return { requests, fifoDepths, diagnostics };
}

function translate(layer: Layer, entries: Entries): Record<string, number | string> {
  const byFinnName = new Map(Object.entries(layer.op.fields).map(([key, field]) => [field.finn, key]));
  const out: Record<string, number | string> = {};
  for (const [finn, value] of Object.entries(entries)) {
    const key = byFinnName.get(finn);
    if (key === undefined) {
      if (!silent.has(finn) && (typeof value === 'number' || typeof value === 'string')) out[finn] = value;
    } else if (finn === 'ram_style') {
      const memory = memories[String(value)];
      if (memory !== undefined) out[key] = memory;
    } else if (typeof value === 'number' || typeof value === 'string') out[key] = value;
  }
  return out;
}

/** {"Defaults": {attribute: [value, ["MVAU_hls"] or "all"]}}, several pairs for one attribute allowed (finn-facts A.5). */
function defaultsFor(
  defaults: unknown,
  byFinn: ReadonlyMap<string, Layer>,
  ours: ReadonlyMap<Layer, string>,
  at: Location,
): Request[] {
  if (!isEntries(defaults)) return [];
  const requests: Request[] = [];
  for (const layer of byFinn.values()) {
    const { opType } = layer.op.finn(layer);
    const entries: Record<string, unknown> = {};
    for (const [attribute, pairs] of Object.entries(defaults)) {
      if (!Array.isArray(pairs)) continue;
      for (let i = 0; i + 1 < pairs.length; i += 2) {
        const types: unknown = pairs[i + 1];
        if (types === 'all' || (Array.isArray(types) && types.includes(opType))) entries[attribute] = pairs[i];
      }
    }
    const known = Object.fromEntries(
      Object.entries(entries).filter(([finn]) => Object.values(layer.op.fields).some((field) => field.finn === finn)),
    );
    if (Object.keys(known).length > 0)
      requests.push({ name: ours.get(layer)!, attributes: translate(layer, known), at });
  }
  return requests;
}
