import { type Diagnostic, error, fail, type Location, warning } from '../../diagnostics/diagnostic.ts';
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
  /** Layers of the file that are no layers of ours, and what became of them. */
  readonly warnings: readonly Diagnostic[];
}

type Entries = Readonly<Record<string, unknown>>;
const isEntries = (value: unknown): value is Entries =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** FINN's ram_style as ours: distributed is LUTs. */
const memories: Readonly<Record<string, string>> = { auto: 'auto', distributed: 'lut', block: 'block', ultra: 'ultra' };

/** FINN attributes that say nothing to our circuits, and are passed over without a word. */
const silent = new Set([
  'resType', 'mem_mode', 'runtime_writeable_weights', 'depth_trigger_uram', 'depth_trigger_bram', 'impl_style',
  'inFIFODepths', 'outFIFODepths', 'preferred_impl_style', 'parallel_window', 'ram_style_thresholds', 'uniform_thres', 'deep_pipeline',
]); // biome-ignore format: a list

/** FINN's layers that finn builds as parts of others, or has none of. */
const merged: Readonly<Record<string, string>> = {
  ChannelwiseOp: 'what it does lies in thresholds or in another layer',
  DownSampler: 'a window generator skips pixels itself',
  IODMA: "the board's shell moves data",
  InnerShuffle: 'streams are in the order of their readers',
  Shuffle: 'streams are in the order of their readers',
  StreamingDataWidthConverter: 'converters are put where widths differ',
  TLastMarker: 'streams carry no TLAST',
  DuplicateStreams: 'forks are put where a stream has several readers',
  AddStreams: 'its place in the network is another',
  Thresholding: 'thresholds lie in the layer in front of them',
  FMPadding: 'its place in the network is another',
  Pool: 'its place in the network is another',
};

/** A layer's kind without backend and number: ChannelwiseOp_hls_0 is a ChannelwiseOp. */
const kindOf = (name: string): string => name.replace(/(_hls|_rtl)?_\d+$/, '');

const otherBackend = (name: string): string =>
  name.replace(/_(hls|rtl)_/, (_, backend) => (backend === 'hls' ? '_rtl_' : '_hls_'));

/**
 * FINN numbers layers by backend, and its choice of backends is not always ours. Of kinds that the file and the network have
 * equally often, but not under the same names, the file's are the network's in order.
 */
function byOrder(names: readonly string[], byFinn: ReadonlyMap<string, Layer>): Map<string, Layer> {
  const matched = new Map<string, Layer>();
  for (const kind of new Set(names.map(kindOf))) {
    const theirs = names.filter((name) => kindOf(name) === kind);
    const ours = [...byFinn].filter(([name]) => kindOf(name) === kind);
    if (theirs.length !== ours.length || theirs.every((name) => byFinn.has(name))) continue;
    theirs.forEach((name, i) => {
      matched.set(name, ours[i]![1]);
    });
  }
  return matched;
}

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
  const inOrder = byOrder(Object.keys(parsed), byFinn);
  const fifoDepths = new Map<number, number>();
  const passedOver = new Map<string, string[]>();
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
    if (/^(StreamingDataWidthConverter|IODMA|TLastMarker)(_rtl|_hls)?_\d+$/.test(name)) continue;
    const layer = inOrder.get(name) ?? byFinn.get(name) ?? byFinn.get(otherBackend(name));
    if (!layer) {
      const reason = merged[kindOf(name)];
      if (reason !== undefined) {
        passedOver.set(kindOf(name), [...(passedOver.get(kindOf(name)) ?? []), name]);
        continue;
      }
      const hint = didYouMean(name, [...byFinn.keys()], 'layers');
      diagnostics.push(
        error('fold/no-such-layer', `${path} names '${name}', which the network does not have`, { at, hint }),
      );
      continue;
    }
    requests.push({ name: ours.get(layer)!, attributes: translate(layer, value), at });
  }
  const warnings = [...passedOver].map(([kind, names]) =>
    warning(
      'fold/merged-layer',
      `${path} names ${listed(names)}, which the network does not have as layers: ${merged[kind]}`,
      {
        at,
      },
    ),
  );
  return { requests, fifoDepths, diagnostics, warnings };
}

/** The first few of many names. */
const listed = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');

function translate(layer: Layer, entries: Entries): Record<string, number | string> {
  const byFinnName = new Map(Object.entries(layer.op.fields).map(([key, field]) => [field.finn, key]));
  const out: Record<string, number | string> = {};
  for (const [finn, value] of Object.entries(entries)) {
    const key = byFinnName.get(finn);
    if (key === undefined) {
      if (!silent.has(finn) && (typeof value === 'number' || typeof value === 'string')) out[finn] = value;
    } else if (finn === 'ram_style') {
      const memory = memories[String(value)];
      if (memory !== undefined && layer.op.fields[key]!.choices?.includes(memory)) out[key] = memory;
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
