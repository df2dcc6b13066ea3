import {
  type AttributeProto,
  attributeType,
  elementType,
  encodeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../src/onnx/proto.ts';

/** A float tensor as an initialiser. */
export function floats(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const data = Float32Array.from(values);
  return { name, dims: [...dims], data_type: elementType.FLOAT, raw_data: new Uint8Array(data.buffer) };
}

/** An int64 tensor as an initialiser. */
export function int64s(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  const data = BigInt64Array.from(values, BigInt);
  return { name, dims: [...dims], data_type: elementType.INT64, raw_data: new Uint8Array(data.buffer) };
}

/** An int8 tensor as an initialiser. */
export function int8s(name: string, dims: readonly number[], values: readonly number[]): TensorProto {
  return {
    name,
    dims: [...dims],
    data_type: elementType.INT8,
    raw_data: new Uint8Array(Int8Array.from(values).buffer),
  };
}

/** A float value of the network; a string in `dims` is a free dimension. */
export function info(
  name: string,
  dims: readonly (number | string)[],
  type: number = elementType.FLOAT,
): ValueInfoProto {
  const dim = dims.map((n) => (typeof n === 'string' ? { dim_param: n } : { dim_value: n }));
  return { name, type: { tensor_type: { elem_type: type, shape: { dim } } } };
}

/** An attribute: integers as INT(S), other numbers as FLOAT(S), strings as STRING. */
export function attribute(name: string, value: number | string | readonly number[]): AttributeProto {
  if (typeof value === 'string') return { name, type: attributeType.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? { name, type: attributeType.INT, i: value }
      : { name, type: attributeType.FLOAT, f: value };
  }
  return value.every(Number.isInteger)
    ? { name, type: attributeType.INTS, ints: [...value] }
    : { name, type: attributeType.FLOATS, floats: [...value] };
}

/** A node called `name`. */
export function op(
  name: string,
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, number | string | readonly number[]>> = {},
  domain = '',
): NodeProto {
  return {
    name,
    op_type: type,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  };
}

export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs?: readonly string[];
  readonly initializers?: readonly TensorProto[];
  /** FINN datatypes by tensor. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly opset?: number;
}

/** A ModelProto: input x of 1×4 and output y where nothing else is said. */
export function modelProto(parts: ModelParts): ModelProto {
  const {
    nodes,
    inputs = [info('x', [1, 4])],
    outputs = ['y'],
    initializers = [],
    annotations = {},
    opset = 13,
  } = parts;
  return {
    ir_version: 8,
    producer_name: 'test',
    opset_import: [{ domain: '', version: opset }],
    graph: {
      name: 'test',
      node: [...nodes],
      input: [...inputs],
      output: outputs.map((name) => info(name, [])),
      initializer: [...initializers],
      quantization_annotation: Object.entries(annotations).map(([tensor_name, value]) => ({
        tensor_name,
        quant_parameter_tensor_names: [{ key: 'finn_datatype', value }],
      })),
    },
  };
}

/** A model's bytes. */
export const model = (parts: ModelParts): Uint8Array => encodeModel(modelProto(parts));

/** A small perceptron as Brevitas exports it: BipolarQuant or Quant of weights 4×3 and of activations. */
export const smallMlp = (): ModelParts => ({
  nodes: [
    op('scale', 'Mul', ['x', 'two'], ['x2']),
    op(
      'first',
      'Quant',
      ['x2', 'half', 'zero', 'bits'],
      ['q'],
      { signed: 1, narrow: 0, rounding_mode: 'ROUND' },
      'onnx.brevitas',
    ),
    op(
      'weights',
      'Quant',
      ['w', 'unit', 'zero', 'bits'],
      ['wq'],
      { signed: 1, narrow: 1, rounding_mode: 'ROUND' },
      'onnx.brevitas',
    ),
    op('turn', 'Transpose', ['wq'], ['wt'], { perm: [1, 0] }),
    op('product', 'MatMul', ['q', 'wt'], ['p']),
    op('norm', 'BatchNormalization', ['p', 'gamma', 'beta', 'mean', 'var'], ['n'], { epsilon: 0.00001 }),
    op('act', 'BipolarQuant', ['n', 'unit'], ['y'], {}, 'onnx.brevitas'),
  ],
  initializers: [
    floats('two', [], [2]),
    floats('half', [], [0.5]),
    floats('unit', [], [1]),
    floats('zero', [], [0]),
    floats('bits', [], [3]),
    floats('w', [3, 4], [1, -2, 3, 0, -1, 2, 1, -3, 2, 2, -2, 1]),
    floats('gamma', [3], [1, 0.5, 2]),
    floats('beta', [3], [0.25, -0.5, 0]),
    floats('mean', [3], [0.5, 0, -1]),
    floats('var', [3], [1, 2, 0.25]),
  ],
  opset: 9,
});
