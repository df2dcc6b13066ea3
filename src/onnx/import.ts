import { dirname } from 'node:path';
import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import { admits, BIPOLAR, type DataType, FLOAT32, int, parseDataType, smallest } from '../ir/datatype.ts';
import { factsOf } from '../ir/facts.ts';
import {
  constant,
  type Graph,
  type InputValue,
  input,
  type Node,
  type NodeValue,
  node,
  output,
  type Value,
} from '../ir/graph.ts';
import { extremes, retyped, sizeOf, type Tensor, tensor } from '../ir/tensor.ts';
import { readAttributes } from './attributes.ts';
import { elementTypes } from './element-types.ts';
import type { Beside } from './external.ts';
import { FoldingBudget } from './folding-budget.ts';
import { Site } from './ops/define.ts';
import { onnxOps } from './ops/index.ts';
import { dimensions } from './ops/movement.ts';
import {
  decodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  toNumber,
  type ValueInfoProto,
} from './proto.ts';
import { mistyped, type Registry, registryOf } from './registry.ts';
import { LARGEST_TENSOR, readTensor } from './tensor-data.ts';
import { OLDEST_OPSET, OPSET, upgrade } from './upgrade.ts';

/** `producer_name` of files finn wrote: their nodes are taken as they are, nothing is folded. */
export const PRODUCER = 'finn';
/** Key in a node's metadata_props under which its origins are kept as JSON. */
export const ORIGIN_KEY = 'finn.origin';

export interface ReadOptions {
  /** Operators that may occur; ONNX's and QONNX's if left out. */
  readonly ops?: Registry;
  /** Where external tensor data may lie: a folder, or contents by path as `externalFiles` gives them. */
  readonly folder?: Beside;
  /** The model's own file; its folder serves where `folder` is not given. */
  readonly path?: string;
}

/** Constants larger than this are not made at import. */
const LARGEST_FOLDED = 2 ** 24;

/** Operators that are kept although their inputs are constant: they say which integers weights are. */
const kept = new Set(['QuantizeLinear', 'DequantizeLinear']);

/**
 * Reads an ONNX model: QONNX, QCDQ or FINN-ONNX. Values are typed, shapes fixed (a free batch axis is 1), what only depends on
 * constants is computed, quantisers of constants excepted. Fails with onnx/… diagnostics.
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  const model = decodeModel(bytes);
  if (!model.graph) return fail('onnx/malformed', 'this is not an ONNX model: it has no graph', { hint: notOnnx });
  return new Importer(model, model.graph, options).graph();
}
const notOnnx = 'the file may be truncated, or be something else than ONNX; open it in Netron to see';

/** Names that the exporter gives to constants without one: kept, they would tell how often a model has been read and written. */
const exporterName = /^constant(_\d+)?$/;

type Source =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'node'; readonly proto: NodeProto; readonly index: number };

class Importer {
  readonly #proto: GraphProto;
  readonly #ops: Registry;
  readonly #folder: Beside | undefined;
  readonly #opset: number;
  readonly #own: boolean;
  readonly #sources = new Map<string, Source>();
  readonly #made = new Map<NodeProto, readonly Value[]>();
  readonly #annotations = new Map<string, DataType>();
  readonly #read = new Set<string>();
  readonly #thresholds: ReadonlySet<string>;

  readonly #budget = new FoldingBudget();

  constructor(model: ModelProto, proto: GraphProto, options: ReadOptions) {
    this.#proto = proto;
    this.#ops = options.ops ?? registryOf(onnxOps);
    this.#folder = options.folder ?? (options.path === undefined ? undefined : dirname(options.path));
    this.#own = model.producer_name === PRODUCER;
    this.#opset = opsetOf(model);
    const counting = (proto.node ?? []).filter((node) => node.op_type === 'MultiThreshold');
    this.#thresholds = new Set(counting.map((node) => node.input?.[1] ?? ''));
  }

  graph(): Graph {
    const proto = this.#proto;
    if ((proto.sparse_initializer ?? []).length > 0) {
      fail('onnx/unsupported', 'the network has sparse initialisers', { hint: 'save it with dense ones' });
    }
    this.#readAnnotations();
    for (const initializer of proto.initializer ?? []) {
      const name = initializer.name ?? '';
      const read = this.#annotated(name, this.#budget.has(readTensor(initializer, this.#folder)));
      this.#add(name, { kind: 'value', value: constant(read, this.#own && exporterName.test(name) ? '' : name) });
    }
    const inputs = this.#inputs();
    for (const node of proto.node ?? []) {
      (node.output ?? []).forEach((name, index) => {
        if (name !== '') this.#add(name, { kind: 'node', proto: node, index });
      });
      for (const name of node.input ?? []) this.#read.add(name);
    }
    const wanted = (proto.output ?? []).map(({ name = '' }) => name);
    if (wanted.length === 0) fail('onnx/malformed', 'the network has no outputs', { hint: notOnnx });
    for (const name of wanted) this.#read.add(name);
    const outputs = wanted.map((name) => ({ name, value: this.#value(name) }));
    return { name: proto.name ?? '', inputs, outputs };
  }

  #add(name: string, source: Source): void {
    if (this.#sources.has(name)) fail('onnx/duplicate-name', `two inputs, initialisers or nodes make '${name}'`);
    this.#sources.set(name, source);
  }

  #readAnnotations(): void {
    for (const { tensor_name = '', quant_parameter_tensor_names = [] } of this.#proto.quantization_annotation ?? []) {
      const text = quant_parameter_tensor_names.find((entry) => entry.key === 'finn_datatype')?.value;
      if (text === undefined) continue;
      const dtype = parseDataType(text);
      // FINN also writes types that say nothing about hardware; such tensors are floating point to us.
      if (!dtype && !/^(SCALEDINT|FIXED|FLOAT)/.test(text)) {
        fail('onnx/annotation', `'${tensor_name}' is annotated with the datatype '${text.slice(0, 40)}'`, {
          hint: 'known are BINARY, BIPOLAR, TERNARY, UINT<bits>, INT<bits> and FLOAT32',
        });
      }
      if (dtype?.integer) this.#annotations.set(tensor_name, dtype);
    }
  }

  /** Gives an initialiser the integer type its annotation says, if its values are of that type. */
  #annotated(name: string, x: Tensor): Tensor {
    const said = this.#annotations.get(name);
    if (!said) return x;
    const dtype = this.#thresholds.has(name) ? holding(said, x) : said;
    const { integer, min, max } = factsOf(x);
    const fits = integer && dtype !== BIPOLAR && min >= dtype.min && max <= dtype.max;
    const bad = fits ? -1 : x.data.findIndex((v) => !admits(dtype, v));
    if (bad >= 0) {
      fail('onnx/annotation', `'${name}' is annotated ${dtype.name}, but element ${bad} is ${x.data[bad]}`, {
        hint: `${dtype.name} holds ${dtype.min} to ${dtype.max}`,
      });
    }
    return retyped(x, dtype);
  }

  #inputs(): InputValue[] {
    const inputs: InputValue[] = [];
    const seen = new Set<string>();
    for (const proto of this.#proto.input ?? []) {
      const name = proto.name ?? '';
      if (seen.has(name)) fail('onnx/duplicate-name', `two inputs of the network are called '${name}'`);
      seen.add(name);
      // Before IR version 4 initialisers had to be listed as inputs too.
      if (this.#sources.has(name)) continue;
      const value = input(name, { dtype: this.#annotations.get(name) ?? elementTypeOf(proto), shape: shapeOf(proto) });
      this.#add(name, { kind: 'value', value });
      inputs.push(value);
    }
    return inputs;
  }

  /** The value of that name; imports the nodes it needs, without recursion. */
  #value(name: string): Value {
    const found = this.#find(name, () => `output '${name}' of the network is made by nothing`);
    if (found.kind === 'value') return found.value;
    const open = new Set<NodeProto>();
    const stack = [found.proto];
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      if (this.#made.has(top)) {
        stack.pop();
        continue;
      }
      open.add(top);
      let ready = true;
      for (const from of top.input ?? []) {
        if (from === '') continue;
        const source = this.#find(from, () => `${describe(top)} reads '${from}', which nothing makes`);
        if (source.kind !== 'node' || this.#made.has(source.proto)) continue;
        if (open.has(source.proto)) {
          fail('onnx/cycle', `${describe(top)} reads '${from}', which depends on what it makes itself`, {
            at: inNetwork(originOf(top)),
          });
        }
        stack.push(source.proto);
        ready = false;
        break;
      }
      if (!ready) continue;
      this.#made.set(top, this.#import(top));
      open.delete(top);
      stack.pop();
    }
    return this.#resolve(found, name);
  }

  #find(name: string, message: () => string): Source {
    return this.#sources.get(name) ?? fail('onnx/missing-value', message());
  }

  #resolve(source: Source, name: string): Value {
    if (source.kind === 'value') return source.value;
    return (
      this.#made.get(source.proto)![source.index] ??
      fail('onnx/unsupported', `${describe(source.proto)} does not compute its output '${name}'`, {
        at: inNetwork(originOf(source.proto)),
        hint: 'finn computes what inference needs only',
      })
    );
  }

  /** The outputs of one node, whose inputs are imported already. */
  #import(proto: NodeProto): readonly Value[] {
    const origin = originOf(proto);
    const values = (proto.input ?? []).map((name) =>
      name === '' ? undefined : this.#resolve(this.#sources.get(name)!, name),
    );
    while (values.length > 0 && values[values.length - 1] === undefined) values.pop();
    const [type, domain] = [proto.op_type ?? '', proto.domain ?? ''];
    const standard = domain === '' || domain === 'ai.onnx';
    if (standard && type === 'Constant') return [this.#constant(proto, origin)];
    if (standard && (type === 'Identity' || type === 'Dropout') && values[0]) return [values[0]];
    const attrs = readAttributes(proto.attribute ?? [], origin, (t) => readTensor(t, this.#folder));
    const {
      name,
      inputs,
      attrs: upgraded,
    } = standard && !this.#own
      ? upgrade({ name: type, inputs: values, attrs }, this.#opset)
      : { name: type, inputs: values, attrs };
    const op = this.#ops.find(domain, name);
    if (!op) {
      const near = mistyped(
        type,
        this.#ops.all.map((known) => known.name),
      );
      return fail(
        'onnx/unknown-operator',
        `${describe(proto)} has the operator ${type || "''"} of domain '${domain}'`,
        {
          at: inNetwork(origin),
          hint: near
            ? `did you mean ${near}?`
            : 'finn cannot compute it, so that it may not stay on the host either: take it out of the network, or export it as operators that finn reads',
        },
      );
    }
    if (standard && name === 'Shape' && inputs[0]) {
      const shape = dimensions(new Site(name, inputs, upgraded, { origin, outputs: 1 }));
      return [constant(tensor(int(64), [shape.length], shape), origin.join('+'))];
    }
    const made = node(op, inputs, upgraded, origin, this.#outputs(proto));
    for (const { shape } of made.types) checkSize(shape, proto);
    if (!this.#own && standard && !kept.has(name)) return this.#folded(made) ?? outputsOf(made);
    return outputsOf(made);
  }

  /** The value of a Constant node: a tensor, a number or a list of numbers. */
  #constant(proto: NodeProto, origin: readonly string[]): Value {
    const given = (proto.attribute ?? []).find((a) => a.name === 'value')?.t;
    const name = proto.output?.[0] ?? '';
    if (given) return constant(this.#annotated(name, this.#budget.has(readTensor(given, this.#folder))), name);
    const attrs = readAttributes(proto.attribute ?? [], origin, (t) => readTensor(t, this.#folder));
    const number = (key: string, dtype: DataType): Tensor | undefined => {
      const value = attrs[key];
      if (typeof value === 'number') return tensor(dtype, [], [value]);
      return isNumbers(value) ? tensor(dtype, [value.length], value) : undefined;
    };
    const x =
      number('value_float', FLOAT32) ??
      number('value_floats', FLOAT32) ??
      number('value_int', int(64)) ??
      number('value_ints', int(64));
    if (x) return constant(x, name);
    return fail('onnx/attribute', `${describe(proto)} is a Constant without a value`, {
      at: inNetwork(origin),
      hint: 'finn reads value, value_float(s) and value_int(s); not strings or sparse tensors',
    });
  }

  /** Outputs of a node up to the last one that anybody reads; all where ONNX fixes their number, or it says how to split. */
  #outputs(proto: NodeProto): number {
    const names = proto.output ?? [];
    if (proto.op_type === 'Split' || proto.op_type === 'TopK') return names.length;
    return Math.max(1, names.findLastIndex((name) => name !== '' && this.#read.has(name)) + 1);
  }

  /** What a node makes of constants, if it is not too large to keep. */
  #folded(made: Node): readonly Value[] | undefined {
    if (made.inputs.length === 0 || made.types.some((t) => sizeOf(t.shape) > LARGEST_FOLDED)) return undefined;
    const tensors: (Tensor | undefined)[] = [];
    for (const value of made.inputs) {
      if (value && value.kind !== 'constant') return undefined;
      tensors.push(value?.tensor);
    }
    this.#budget.take(made);
    const results = made.op.evaluate(tensors, made.attrs, {
      origin: made.origin,
      outputs: made.types.length,
      types: made.types,
    });
    return results.map((x, i) => constant(x, i === 0 ? made.origin.join('+') : `${made.origin.join('+')}_${i}`));
  }
}

/** FINN gives thresholds the type of what they are compared with, which the one that nothing reaches exceeds by 1. */
function holding(dtype: DataType, x: Tensor): DataType {
  const [min, max] = extremes(x.data);
  const beyond = max === dtype.max + 1 || min === dtype.min - 1;
  return beyond && x.data.every(Number.isInteger)
    ? smallest(Math.min(min, dtype.min), Math.max(max, dtype.max))
    : dtype;
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((v) => typeof v === 'number');
const outputsOf = (made: Node): NodeValue[] => made.types.map((_, index) => output(made, index));

/** A node's name: its own, or operator and first output. */
function originOf(proto: NodeProto): readonly string[] {
  const kept = (proto.metadata_props ?? []).find((entry) => entry.key === ORIGIN_KEY)?.value;
  if (kept !== undefined) {
    try {
      const list: unknown = JSON.parse(kept);
      if (Array.isArray(list) && list.every((v): v is string => typeof v === 'string')) return list;
    } catch {
      // Not ours after all: the node keeps its own name.
    }
  }
  return [proto.name || `${proto.op_type ?? ''}_${proto.output?.[0] ?? ''}`];
}
const describe = (proto: NodeProto): string => `node '${originOf(proto).join(', ')}'`;

function opsetOf(model: ModelProto): number {
  const entry = (model.opset_import ?? []).find(({ domain = '' }) => domain === '' || domain === 'ai.onnx');
  // A network of QONNX's operators alone need not say which version of ONNX's it uses.
  const version = entry ? toNumber(entry.version) : OPSET;
  if (version >= OLDEST_OPSET) return version;
  return fail('onnx/opset', `the network uses version ${version} of the ONNX operators`, {
    hint: `finn reads versions from ${OLDEST_OPSET} on; export it anew or use onnx.version_converter`,
  });
}

function elementTypeOf(proto: ValueInfoProto): DataType {
  const number = proto.type?.tensor_type?.elem_type ?? 0;
  const type = elementTypes.get(number);
  if (type) return type.dtype;
  return fail('onnx/unsupported', `input '${proto.name ?? ''}' has element type number ${number}`, {
    hint: `finn reads tensors of ${[...elementTypes.values()].map((t) => t.name).join(', ')}`,
  });
}

/** Shape of a network input. The first axis, if it is not a fixed number, is one frame. */
function shapeOf(proto: ValueInfoProto): number[] {
  const name = proto.name ?? '';
  const shape = proto.type?.tensor_type?.shape;
  if (!shape)
    return fail('onnx/dynamic-shape', `input '${name}' has no shape`, { hint: 'export it with fixed shapes' });
  const dims = (shape.dim ?? []).map((dim, axis) => {
    const given = Object.hasOwn(dim, 'dim_value') ? toNumber(dim.dim_value) : undefined;
    if (given !== undefined && given > 0) return given;
    if (axis === 0 && (given === undefined || given === 0 || given === -1)) return 1;
    const said = given ?? (dim.dim_param || 'unknown');
    return fail('onnx/dynamic-shape', `axis ${axis} of input '${name}' is ${said}`, {
      at: inNetwork([name]),
      hint: 'only the first axis (the batch) may be left open; export it with fixed shapes',
    });
  });
  if (sizeOf(dims) > LARGEST_TENSOR) {
    fail('onnx/too-large', `input '${name}' of shape ${dims.join('×')} has more than ${LARGEST_TENSOR} elements`);
  }
  return dims;
}

function checkSize(shape: readonly number[], proto: NodeProto): void {
  if (shape.every((n) => Number.isInteger(n) && n >= 0) && sizeOf(shape) <= LARGEST_TENSOR) return;
  fail('onnx/too-large', `${describe(proto)} would make a tensor of shape ${shape.join('×')}`, {
    at: inNetwork(originOf(proto)),
    hint: `the most elements finn handles are ${LARGEST_TENSOR}`,
  });
}
