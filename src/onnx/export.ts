import { type DataType, FLOAT32, FLOAT64 } from '../ir/datatype.ts';
import type { ConstantValue, Graph, InputValue, Node, TensorType, Value } from '../ir/graph.ts';
import { nodesOf } from '../ir/traverse.ts';
import { writeAttribute } from './attributes.ts';
import { type Container, demanded, nativeContainer, produced, saysType } from './containers.ts';
import { ORIGIN_KEY, PRODUCER } from './import.ts';
import { QONNX } from './ops/define.ts';
import {
  elementType,
  encodeModel,
  type NodeProto,
  type TensorAnnotation,
  type TensorProto,
  type ValueInfoProto,
} from './proto.ts';
import { rawData } from './tensor-data.ts';
import { OPSET } from './upgrade.ts';

/** IR version 10: the first whose nodes have metadata, where origins are kept. */
const IR_VERSION = 10;

/**
 * The graph as an ONNX file that readModel reads back equal, Netron shows and Python's qonnx executes: integers lie in
 * float tensors annotated with finn_datatype, except where ONNX demands integers. Equal graphs give equal bytes. Names of
 * constants are kept where they are unique. `metadata` becomes the model's metadata_props.
 */
export function writeModel(graph: Graph, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return new Exporter(graph, false).model(metadata);
}

/**
 * The same in fewer bytes, for readModel alone: integer constants lie in the narrowest integers, whatever ONNX would have
 * beside the tensors they meet.
 */
export const writeCompact = (graph: Graph): Uint8Array => new Exporter(graph, true).model({});

class Exporter {
  readonly #graph: Graph;
  readonly #compact: boolean;
  readonly #taken = new Set<string>();
  readonly #names = new Map<Node, readonly string[]>();
  readonly #containers = new Map<Node, readonly Container[]>();
  readonly #inputContainers = new Map<string, Container>();
  readonly #constants = new Map<ConstantValue, Map<Container, string>>();
  readonly #initializers: TensorProto[] = [];
  readonly #annotations: TensorAnnotation[] = [];
  readonly #infos: ValueInfoProto[] = [];
  readonly #nodes: NodeProto[] = [];

  constructor(graph: Graph, compact: boolean) {
    this.#graph = graph;
    this.#compact = compact;
  }

  model(metadata: Readonly<Record<string, string>>): Uint8Array {
    const { inputs, outputs, name } = this.#graph;
    const nodes = nodesOf(this.#graph);
    for (const input of inputs) this.#taken.add(input.name);
    const named = this.#outputNames();
    for (const { name: output } of outputs) this.#taken.add(output);
    this.#placeInputs(nodes);
    const nodeNames = new Set<string>();
    for (const node of nodes) this.#node(node, unique(nodeNames, node.origin[0] || node.op.name), named);
    const outputInfos = outputs.map(({ name: output, value }) => this.#output(output, value, nodeNames));
    const domains = new Set(nodes.map((node) => node.op.domain));
    domains.delete('');
    return encodeModel({
      ir_version: IR_VERSION,
      producer_name: PRODUCER,
      opset_import: [
        { domain: '', version: OPSET },
        ...[...domains].sort().map((domain) => ({ domain, version: versionOf(domain, nodes) })),
      ],
      graph: {
        node: this.#nodes,
        name: name || 'network',
        initializer: this.#initializers,
        input: inputs.map((input) => info(input.name, this.#inputContainers.get(input.name)!, input.type)),
        output: outputInfos,
        value_info: this.#infos,
        quantization_annotation: this.#annotations,
      },
      metadata_props: Object.entries(metadata)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => ({ key, value })),
    });
  }

  /** Names that outputs of nodes take because they are outputs of the graph; each can have but one. */
  #outputNames(): Map<Node, Map<number, string>> {
    const named = new Map<Node, Map<number, string>>();
    for (const { name, value } of this.#graph.outputs) {
      if (value.kind !== 'node') continue;
      const own = named.get(value.node) ?? new Map<number, string>();
      if (!own.has(value.index)) own.set(value.index, name);
      named.set(value.node, own);
    }
    return named;
  }

  /** An input is float, unless somebody who reads it demands integers. */
  #placeInputs(nodes: readonly Node[]): void {
    const place = (input: InputValue, container: Container): void => {
      if (this.#inputContainers.has(input.name)) return;
      this.#inputContainers.set(input.name, container);
      this.#annotate(input.name, container, input.type);
    };
    for (const node of nodes) {
      node.inputs.forEach((value, index) => {
        const container = value?.kind === 'input' ? demanded(node, index) : undefined;
        if (value?.kind === 'input' && container !== undefined) place(value, container);
      });
    }
    for (const input of this.#graph.inputs) place(input, floating(input.type));
  }

  #node(node: Node, name: string, named: ReadonlyMap<Node, ReadonlyMap<number, string>>): void {
    const containers = node.inputs.map((value, index) => demanded(node, index) ?? this.#given(value));
    // Constants follow the tensor they meet: bounds of an int8 Clip are int8.
    const company =
      node.op.domain === '' ? containers.find((c, i) => c !== undefined && demanded(node, i) === undefined) : undefined;
    const inputs = node.inputs.map((value, index) => {
      if (!value) return '';
      if (value.kind !== 'constant') return this.#nameOf(value);
      const wanted = demanded(node, index) ?? followed(node, index, company, value);
      containers[index] = wanted;
      return this.#constant(
        value,
        this.#compact && value.type.dtype.integer ? nativeContainer(value.type.dtype) : wanted,
      );
    });
    const own = named.get(node);
    const outputs = node.types.map((_, index) => own?.get(index) ?? unique(this.#taken, `${name}_out${index}`));
    const made = node.types.map((_, index) => produced(node, index, containers));
    this.#names.set(node, outputs);
    this.#containers.set(node, made);
    node.types.forEach((type, index) => {
      if (!own?.has(index)) this.#infos.push(info(outputs[index]!, made[index]!, type));
      this.#annotate(outputs[index]!, made[index]!, type);
    });
    const attrs = Object.entries(node.attrs).filter(([, value]) => value !== undefined);
    const plain = node.origin.length === 1 && node.origin[0] === name;
    this.#nodes.push({
      input: inputs,
      output: outputs,
      name,
      op_type: node.op.name,
      domain: node.op.domain,
      attribute: attrs
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => writeAttribute(key, value, node.op.domain)),
      metadata_props: plain ? [] : [{ key: ORIGIN_KEY, value: JSON.stringify(node.origin) }],
    });
  }

  /** The container of a value that is there already; undefined for constants, which can be written in any. */
  #given(value: Value | undefined): Container | undefined {
    if (value?.kind === 'input') return this.#inputContainers.get(value.name);
    return value?.kind === 'node' ? this.#containers.get(value.node)![value.index] : undefined;
  }

  #nameOf(value: Exclude<Value, ConstantValue>): string {
    return value.kind === 'input' ? value.name : this.#names.get(value.node)![value.index]!;
  }

  #constant(value: ConstantValue, container: Container): string {
    const known = this.#constants.get(value) ?? new Map<Container, string>();
    this.#constants.set(value, known);
    const found = known.get(container);
    if (found !== undefined) return found;
    const name = unique(this.#taken, value.name || 'constant');
    known.set(container, name);
    const { shape } = value.tensor;
    this.#initializers.push({
      name,
      dims: [...shape],
      data_type: container,
      raw_data: rawData(value.tensor, container),
    });
    this.#annotate(name, container, value.type);
    return name;
  }

  #annotate(name: string, container: Container, { dtype }: TensorType): void {
    const isFloat = container === elementType.FLOAT || container === elementType.DOUBLE;
    if (!dtype.integer || (!isFloat && saysType(container, dtype))) return;
    this.#annotations.push({
      tensor_name: name,
      quant_parameter_tensor_names: [{ key: 'finn_datatype', value: dtype.name }],
    });
  }

  /** Declares an output; a node called Identity gives a value the second name that it needs, and the reader drops it. */
  #output(name: string, value: Value, nodeNames: Set<string>): ValueInfoProto {
    const container = this.#given(value) ?? floatFor(value as ConstantValue);
    const has = value.kind === 'constant' ? undefined : this.#nameOf(value);
    if (has !== name) {
      const from = has ?? this.#constant(value as ConstantValue, container);
      this.#nodes.push({ input: [from], output: [name], name: unique(nodeNames, 'Identity'), op_type: 'Identity' });
    }
    return info(name, container, value.type);
  }
}

/** `wanted`, or with a number behind it if that is taken; takes it. */
function unique(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let n = 2; taken.has(name); n += 1) name = `${wanted}_${n}`;
  taken.add(name);
  return name;
}

const floating = ({ dtype }: TensorType): Container => (dtype === FLOAT64 ? elementType.DOUBLE : elementType.FLOAT);

/** float, or double for a constant that float cannot hold exactly. */
const floatFor = ({ tensor: { dtype, data } }: ConstantValue): Container =>
  dtype === FLOAT64 || (!isSingle(dtype) && data.some((v) => Math.fround(v) !== v && !Number.isNaN(v)))
    ? elementType.DOUBLE
    : elementType.FLOAT;

/** Does binary32 hold every value of the type? */
const isSingle = (dtype: DataType): boolean =>
  dtype === FLOAT32 || (dtype.integer && dtype.min >= -(2 ** 24) && dtype.max <= 2 ** 24);

function followed(node: Node, index: number, company: Container | undefined, value: ConstantValue): Container {
  const alike = company !== undefined && company !== elementType.FLOAT && company !== elementType.DOUBLE;
  if (alike && node.op.name !== 'Cast') return company;
  // A network of indices alone, as in the arithmetic on shapes that nobody folded.
  if (index === 0 && node.op.name === 'Gather' && value.type.dtype.bits === 64)
    return nativeContainer(value.type.dtype);
  return floatFor(value);
}

function info(name: string, container: Container, { shape }: TensorType): ValueInfoProto {
  return {
    name,
    type: { tensor_type: { elem_type: container, shape: { dim: shape.map((n) => ({ dim_value: n })) } } },
  };
}

/** QONNX's operators are at version 2 since Trunc has an output scale. */
const versionOf = (domain: string, nodes: readonly Node[]): number =>
  domain === QONNX && nodes.some((node) => node.op.name === 'Trunc' && node.inputs.length === 6) ? 2 : 1;
