import { bug } from '../diagnostics/diagnostic.ts';
import type { Artifact, Family, Files } from '../engine/artifact.ts';
import { parseDataType } from '../ir/datatype.ts';
import type { Graph } from '../ir/graph.ts';
import { type Tensor, tensor } from '../ir/tensor.ts';
import type { Split } from '../passes/streamline/walk.ts';
import { canonicalJson } from '../util/hash.ts';
import {
  binary,
  decodeGraph,
  decodeTensor,
  design,
  encodeGraph,
  encodeTensor,
  file,
  graph,
  json,
  keptGraph,
  tree,
} from './codecs.ts';
import type { Verdict } from './verify/verdict.ts';

/** The vocabulary: everything that steps make. */

/** Vectors that every stage is held to. `inputs` [N, …] is what the accelerator's user gives. */
export interface Vectors {
  readonly inputs: Tensor;
  readonly expected?: Tensor | undefined;
  readonly labels?: Tensor | undefined;
}

const utf8 = new TextEncoder();
const text = new TextDecoder();
const jsonBytes = (value: unknown): Uint8Array => utf8.encode(`${canonicalJson(value)}\n`);
const parse = <T>(bytes: Uint8Array): T => JSON.parse(text.decode(bytes)) as T;

/** The ONNX file as it was given, and the files beside it that hold data of its tensors, by the paths that it gives. */
export interface ModelFiles {
  readonly onnx: Uint8Array;
  readonly beside: Readonly<Record<string, Uint8Array>>;
}

export const model: Artifact<ModelFiles> = {
  kind: 'artifact',
  name: 'model',
  doc: 'The ONNX file as it was given, with its external data.',
  encode: ({ onnx, beside }) => modelSources(onnx, beside),
  decode: (files) => modelFromSources(files),
};

const BESIDE = 'beside/';

/** A model's files under names that no path of external data can take. */
export const modelSources = (onnx: Uint8Array, beside: ModelFiles['beside'] = {}): Files => ({
  'model.onnx': onnx,
  ...Object.fromEntries(Object.entries(beside).map(([path, bytes]) => [`${BESIDE}${path}`, bytes])),
});

/** The model whose files `modelSources` names. */
export const modelFromSources = (files: Files): ModelFiles => ({
  onnx: file(files, 'model.onnx'),
  beside: Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.startsWith(BESIDE))
      .map(([path, bytes]) => [path.slice(BESIDE.length), bytes]),
  ),
});
export const network: Artifact<Graph> = graph(
  'network',
  'The network as read, typed, with the recipe’s input and output around it.',
);

export const vectors: Artifact<Vectors> = {
  kind: 'artifact',
  name: 'vectors',
  doc: 'What every stage is run on, and what must come out where that is known.',
  encode: (value) => {
    const present = Object.entries(value).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
    return {
      'types.json': jsonBytes(Object.fromEntries(present.map(([key, t]) => [key, t.dtype.name]))),
      ...Object.fromEntries(present.map(([key, t]) => [`${key}.npy`, encodeTensor(t)])),
    };
  },
  decode: (files) => {
    const types = parse<Record<string, string>>(file(files, 'types.json'));
    const read = Object.entries(types).map(([key, dtype]) => [key, decodeTensor(file(files, `${key}.npy`), dtype)]);
    return Object.fromEntries(read) as Vectors;
  },
};

interface MeetingText {
  readonly origin: string;
  readonly at: Split['meetings'][number]['at'];
  readonly scale: readonly [readonly number[], readonly number[]];
  readonly offset: readonly [readonly number[], readonly number[]];
}

interface SplitText {
  readonly meetings: readonly MeetingText[];
  readonly onHost: Split['onHost'];
  /** Names of the outputs of the host's parts. */
  readonly names: { readonly before: readonly string[]; readonly behind: readonly string[] };
}

/**
 * A part of the host gives what it makes the name of what it takes, as the network calls both; a file may not. Its outputs are
 * renamed there, and their own names kept beside.
 */
export function encodePart(part: Graph): Uint8Array {
  const taken = new Set(part.inputs.map(({ name }) => name));
  const aside = (name: string): string => (taken.has(name) ? aside(`${name}_out`) : name);
  return encodeGraph({
    ...part,
    outputs: part.outputs.map(({ name, value }) => {
      const written = aside(name);
      taken.add(written);
      return { name: written, value };
    }),
  });
}

function decodePart(bytes: Uint8Array, names: readonly string[]): Graph {
  const part = decodeGraph(bytes);
  return { ...part, outputs: part.outputs.map(({ value }, i) => ({ name: names[i]!, value })) };
}

const outputNames = (part: Graph | undefined): string[] => part?.outputs.map(({ name }) => name) ?? [];

export const integerNetwork: Artifact<Split> = {
  kind: 'artifact',
  name: 'integer-network',
  doc: 'The network in integers, and what the host computes before and behind it.',
  encode: ({ before, core, behind, meetings, onHost }) => ({
    ...(before && { 'before.onnx': encodePart(before) }),
    'streamlined.onnx': keptGraph(core),
    ...(behind && { 'behind.onnx': encodePart(behind) }),
    'split.json': jsonBytes({
      meetings: meetings.map(({ origin, at, scale, offset }) => ({
        origin,
        at,
        scale: [scale.shape, [...scale.data]],
        offset: [offset.shape, [...offset.data]],
      })),
      onHost,
      names: { before: outputNames(before), behind: outputNames(behind) },
    }),
  }),
  decode: (files) => {
    const { meetings, onHost, names } = parse<SplitText>(file(files, 'split.json'));
    const read = ([shape, data]: MeetingText['scale']): Tensor =>
      tensor(parseDataType('FLOAT64') ?? bug('FLOAT64'), shape, data);
    return {
      before: files['before.onnx'] && decodePart(files['before.onnx'], names.before),
      core: decodeGraph(file(files, 'streamlined.onnx')),
      behind: files['behind.onnx'] && decodePart(files['behind.onnx'], names.behind),
      meetings: meetings.map(({ origin, at, scale, offset }) => ({
        origin,
        at,
        scale: read(scale),
        offset: read(offset),
      })),
      onHost,
    };
  },
};

export const layers: Artifact<Graph> = graph('layers', 'The network as hardware layers, not folded yet.');
export const dataflow: Artifact<Graph> = graph(
  'dataflow',
  'The folded layers with width converters and FIFOs between them.',
);

/** One folded layer alone, as a graph: what its circuit depends on, and nothing else. */
export const foldedLayers: Family<Graph> = {
  kind: 'family',
  name: 'folded-layers',
  doc: 'Each folded layer by itself.',
  scope: 'layer',
  item: graph('layer', 'A folded layer.'),
};

/** FINN's reports before synthesis, by file name (report/…), and its folding files. */
export const estimate = tree('estimate', 'Cycles and resources before synthesis, as FINN writes them.');
export const layerDesign = design('layer-design', 'The circuit of one layer.');
export const layerNetlist = tree(
  'layer-netlist',
  'One layer out of context: netlist.json, and its cells in cells.json.',
);
export const accelerator = design('accelerator', 'The layers and their streams as one circuit.');
export const simulation = tree(
  'simulation',
  'What the circuits computed: rtlsim_performance.json and the vectors that came out.',
);
export const bitstream = binary('bitstream', 'finn-accel.bin', 'What the board is programmed with.');
export const implementation = tree('implementation', 'Reports of synthesis, place and route of the whole design.');
export const driverFiles = tree('driver', 'The host driver.');

export const importVerdict = json<Verdict>('verify-import', 'The network against the expected outputs.');
export const streamlineVerdict = json<Verdict>('verify-streamline', 'The integer network against the network.');
export const lowerVerdict = json<Verdict>('verify-lower', 'The hardware layers against the integer network.');
export const codegenVerdict = json<Verdict>('verify-codegen', 'Each layer’s circuit against the layer.');
export const stitchVerdict = json<Verdict>('verify-stitch', 'The whole circuit against the network.');
export const shellVerdict = json<Verdict>('verify-shell', 'The circuit in its shell against the layers.');
