import { bug } from '../diagnostics/diagnostic.ts';
import type { Artifact, Files } from '../engine/artifact.ts';
import type { Design } from '../hdl/design.ts';
import { parseDataType } from '../ir/datatype.ts';
import type { Graph } from '../ir/graph.ts';
import { readNpy, writeNpy } from '../ir/npy.ts';
import { type Tensor, tensor } from '../ir/tensor.ts';
import { writeCompact, writeModel } from '../onnx/export.ts';
import { readModel } from '../onnx/import.ts';
import { onnxOps } from '../onnx/ops/index.ts';
import { type Registry, registryOf } from '../onnx/registry.ts';
import { operators } from '../operators/index.ts';
import type { Operator } from '../operators/operator.ts';
import { canonicalJson } from '../util/hash.ts';

/** Every operation that a model of ours may hold: ONNX's, QONNX's and the hardware layers. */
export function registry(): Registry {
  if (known?.operators !== operators || known.onnxOps !== onnxOps)
    known = { operators, onnxOps, registry: registryOf(onnxOps, operators as unknown as readonly Operator[]) };
  return known.registry;
}
let known: { operators: unknown; onnxOps: unknown; registry: Registry } | undefined;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** An artifact of one JSON file. */
export const json = <T>(name: string, doc: string): Artifact<T> => ({
  kind: 'artifact',
  name,
  doc,
  encode: (value) => ({ [`${name}.json`]: utf8.encode(`${canonicalJson(value)}\n`) }),
  decode: (files) => JSON.parse(text.decode(file(files, `${name}.json`))) as T,
});

/** An artifact of one file as it is. */
export const binary = (name: string, path: string, doc: string): Artifact<Uint8Array> => ({
  kind: 'artifact',
  name,
  doc,
  encode: (value) => ({ [path]: value }),
  decode: (files) => file(files, path),
});

/** A folder of files. */
export const tree = (name: string, doc: string): Artifact<Files> => ({
  kind: 'artifact',
  name,
  doc,
  encode: (value) => value,
  decode: (files) => files,
});

/** A graph, kept as an ONNX file of few bytes. */
export const graph = (name: string, doc: string): Artifact<Graph> => ({
  kind: 'artifact',
  name,
  doc,
  encode: (value) => ({ [`${name}.onnx`]: keptGraph(value) }),
  decode: (files) => decodeGraph(file(files, `${name}.onnx`)),
});

/** A graph as the file that people open in Netron and Python's qonnx executes. */
export const encodeGraph = (value: Graph): Uint8Array => writeModel(value);
/** A graph as the store keeps it. */
export const keptGraph = (value: Graph): Uint8Array => writeCompact(value);
export const decodeGraph = (bytes: Uint8Array): Graph => readModel(bytes, { ops: registry() });

/** A circuit: Verilog and memory images as files, and its streams. */
export const design = (name: string, doc: string): Artifact<Design> => ({
  kind: 'artifact',
  name,
  doc,
  encode: ({ top, sources, memories, streams }) => ({
    'design.json': utf8.encode(
      `${canonicalJson({ top, sources: Object.keys(sources), memories: Object.keys(memories), streams })}\n`,
    ),
    ...Object.fromEntries(Object.entries(sources).map(([path, content]) => [`src/${path}`, utf8.encode(content)])),
    ...Object.fromEntries(Object.entries(memories).map(([path, content]) => [`mem/${path}`, utf8.encode(content)])),
  }),
  decode: (files) => {
    const head = JSON.parse(text.decode(file(files, 'design.json'))) as {
      top: string;
      sources: string[];
      memories: string[];
      streams: Design['streams'];
    };
    const read = (folder: string, paths: readonly string[]) =>
      Object.fromEntries(paths.map((path) => [path, text.decode(file(files, `${folder}/${path}`))]));
    return {
      top: head.top,
      sources: read('src', head.sources),
      memories: read('mem', head.memories),
      streams: head.streams,
    };
  },
});

export const file = (files: Files, path: string): Uint8Array => files[path] ?? bug(`no file ${path} in an artifact`);

/** A tensor as .npy, with its type beside it in `types`. */
export const encodeTensor = (value: Tensor): Uint8Array => writeNpy(value);
export function decodeTensor(bytes: Uint8Array, dtype: string): Tensor {
  const read = readNpy(bytes);
  return tensor(parseDataType(dtype) ?? bug(`datatype ${dtype}`), read.shape, read.data);
}
