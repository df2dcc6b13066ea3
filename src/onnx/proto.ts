import { createRequire } from 'node:module';
import type protobuf from 'protobufjs/light.js';
import { fail } from '../diagnostics/diagnostic.ts';
import { descriptor } from './descriptor.gen.ts';
import { scanModel } from './scan.ts';

/** A 64-bit integer as protobufjs gives it. */
export type Integer = number | { toNumber(): number };

export interface ModelProto {
  ir_version?: Integer;
  producer_name?: string;
  producer_version?: string;
  graph?: GraphProto | null;
  opset_import?: OperatorSetIdProto[];
  metadata_props?: StringStringEntryProto[];
}
export interface OperatorSetIdProto {
  domain?: string;
  version?: Integer;
}
export interface StringStringEntryProto {
  key?: string;
  value?: string;
}
export interface GraphProto {
  node?: NodeProto[];
  name?: string;
  initializer?: TensorProto[];
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  value_info?: ValueInfoProto[];
  quantization_annotation?: TensorAnnotation[];
  sparse_initializer?: Uint8Array[];
}
export interface TensorAnnotation {
  tensor_name?: string;
  quant_parameter_tensor_names?: StringStringEntryProto[];
}
export interface NodeProto {
  input?: string[];
  output?: string[];
  name?: string;
  op_type?: string;
  attribute?: AttributeProto[];
  domain?: string;
  metadata_props?: StringStringEntryProto[];
}
export interface AttributeProto {
  name?: string;
  f?: number;
  i?: Integer;
  s?: Uint8Array;
  t?: TensorProto | null;
  floats?: number[];
  ints?: Integer[];
  strings?: Uint8Array[];
  doc_string?: string;
  type?: number;
}
export interface TensorProto {
  dims?: Integer[];
  data_type?: number;
  float_data?: number[];
  int32_data?: number[];
  int64_data?: Integer[];
  name?: string;
  raw_data?: Uint8Array;
  double_data?: number[];
  uint64_data?: Integer[];
  external_data?: StringStringEntryProto[];
  data_location?: number;
}
export interface ValueInfoProto {
  name?: string;
  type?: TypeProto | null;
}
export interface TypeProto {
  tensor_type?: { elem_type?: number; shape?: TensorShapeProto | null } | null;
}
export interface TensorShapeProto {
  dim?: { dim_value?: Integer; dim_param?: string }[];
}

/** AttributeProto.type. */
export const attributeType = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, FLOATS: 6, INTS: 7, STRINGS: 8 } as const;

/** TensorProto.DataType, by number. */
export const elementType = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  BFLOAT16: 16,
  UINT4: 21,
  INT4: 22,
} as const;

/** A 64-bit integer as a number; exact up to 2^53. */
export const toNumber = (value: Integer | undefined): number =>
  value === undefined ? 0 : typeof value === 'number' ? value : value.toNumber();

let root: protobuf.Root | undefined;
function messageType(name: 'ModelProto' | 'GraphProto' | 'TensorProto'): protobuf.Type {
  if (!root) {
    // On the first use: a build in which nothing has changed reads no model, and loading takes 30 ms.
    const { Root }: typeof protobuf = createRequire(import.meta.url)('protobufjs/light.js');
    root = Root.fromJSON(descriptor as protobuf.INamespace);
  }
  return root.lookupType(`onnx.${name}`);
}

const encoded = (name: Parameters<typeof messageType>[0], value: object): Uint8Array =>
  messageType(name).encode(value).finish();

/** Each takes a hundred times the memory that it takes in the file. */
const MOST_FIELDS = 1_000_000;

/** Reads a ModelProto; bytes fields are views into `bytes`. Fails with onnx/malformed if it is no protobuf,
 * with onnx/too-large if it has more parts than any network. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const { fields } = scanModel(bytes);
  if (fields > MOST_FIELDS)
    fail('onnx/too-large', `the network has ${fields} nodes, initialisers and the like`, {
      hint: `finn reads ${MOST_FIELDS} at most`,
    });
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return messageType('ModelProto').decode(view) as unknown as ModelProto;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return fail('onnx/malformed', `this is not an ONNX file: ${reason} (${bytes.length} bytes)`, {
      hint: 'the file may be truncated, or be something else than ONNX; open it in Netron to see',
    });
  }
}

/** Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data. */
const field = { graph: 7, initializer: 5, rawData: 9 } as const;

/**
 * Writes a ModelProto. Equal objects give equal bytes. A protobuf message is its fields one behind the other: all but the raw data of
 * initialisers is left to protobufjs, and they are copied once.
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const { graph, ir_version, producer_name, producer_version: _, ...behind } = model;
  // A message's prototype has the defaults of fields that it does not carry, which are not to be written.
  const version = Object.hasOwn(model, 'producer_version') ? { producer_version: model.producer_version } : {};
  const before = { ir_version, producer_name, ...version } as ModelProto;
  if (!graph) return encoded('ModelProto', { ...before, ...behind });
  const { node, name, initializer = [], ...rest } = graph;
  const parts: Uint8Array[] = [encoded('GraphProto', { node, name })];
  for (const { raw_data: raw, ...tensor } of initializer) {
    const data = raw && raw.length > 0 ? [delimiter(field.rawData, raw.length), raw] : [];
    const whole = [encoded('TensorProto', tensor), ...data];
    parts.push(delimiter(field.initializer, lengthOf(whole)), ...whole);
  }
  parts.push(encoded('GraphProto', rest));
  return joined([
    encoded('ModelProto', before),
    delimiter(field.graph, lengthOf(parts)),
    ...parts,
    encoded('ModelProto', behind),
  ]);
}

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What stands in front of a field of bytes: its number and wire type 2, then how many there are, both as varints. */
function delimiter(number: number, length: number): Uint8Array {
  const bytes = [(number << 3) | 2];
  let rest = length;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}
