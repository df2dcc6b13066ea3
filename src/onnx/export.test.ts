import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { model, smallMlp } from '../../test/helpers/onnx-builder.ts';
import { check } from '../ir/check.ts';
import { BINARY, BIPOLAR, type DataType, FLOAT32, FLOAT64, int, TERNARY, uint } from '../ir/datatype.ts';
import {
  type Attrs,
  apply,
  constant,
  type Graph,
  input,
  type NodeValue,
  node,
  type Op,
  output,
  type Value,
} from '../ir/graph.ts';
import { sizeOf, type Tensor, tensor } from '../ir/tensor.ts';
import { nodesOf } from '../ir/traverse.ts';
import { descriptor } from './descriptor.gen.ts';
import { writeCompact, writeModel } from './export.ts';
import { readModel } from './import.ts';
import { onnxOps } from './ops/index.ts';
import { decodeModel, toNumber } from './proto.ts';
import { registryOf } from './registry.ts';

/** A hardware layer in all that matters to a file: attributes of every kind, integer inputs, two outputs. */
const Layer: Op = {
  name: 'Layer',
  domain: 'finn.custom_op.fpgadataflow',
  infer: ([x], attrs) => [x!.type, { dtype: int(Number(attrs['bits'] ?? 5)), shape: [2, ...x!.type.shape] }],
  evaluate: ([x]) => [x!, x!],
};
const ops = registryOf(onnxOps, [Layer]);
const find = (name: string): Op => ops.find('', name)!;

/** A graph as plain data: everything that must survive, constants by value, nodes by their place. */
function plain(graph: Graph): unknown {
  const nodes = nodesOf(graph);
  const of = (x: Tensor): unknown => ({ dtype: x.dtype.name, shape: x.shape, data: [...x.data] });
  const value = (v: Value | undefined): unknown =>
    v?.kind === 'node' ? [nodes.indexOf(v.node), v.index] : v?.kind === 'constant' ? of(v.tensor) : v?.name;
  const type = ({ dtype, shape }: Value['type']): unknown => [dtype.name, shape];
  return {
    inputs: graph.inputs.map((i) => [i.name, type(i.type)]),
    nodes: nodes.map((n) => [n.op.domain, n.op.name, n.attrs, n.origin, n.inputs.map(value), n.types.map(type)]),
    outputs: graph.outputs.map((o) => [o.name, value(o.value), type(o.value.type)]),
  };
}

const types: readonly DataType[] = [
  FLOAT32,
  FLOAT64,
  BINARY,
  BIPOLAR,
  TERNARY,
  int(3),
  uint(2),
  int(8),
  uint(8),
  int(14),
  uint(20),
  int(32),
];
const tensors = fc
  .tuple(
    fc.constantFrom(...types),
    fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
  )
  .map(([dtype, shape, stream]) => {
    const draw = (): number => stream.next().value as number;
    const one = (): number => {
      if (dtype === FLOAT32) return Math.fround(draw() * 8 - 4);
      if (dtype === FLOAT64) return draw() * 8 - 4;
      return dtype === BIPOLAR ? (draw() < 0.5 ? -1 : 1) : dtype.min + Math.round(draw() * (dtype.max - dtype.min));
    };
    return tensor(dtype, shape, Array.from({ length: sizeOf(shape) }, one));
  });

const scalarValue = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => (Object.is(v, -0) ? 0 : v));
const attrs: fc.Arbitrary<Attrs> = fc.dictionary(
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,8}$/).filter((k) => k !== 'bits'),
  fc.oneof(
    scalarValue,
    fc.array(fc.integer()),
    fc.array(fc.string()),
    fc.array(fc.array(fc.integer())),
    fc.array(finite),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.integer()),
  ),
);
const origins = fc.array(fc.string({ minLength: 1 }), { maxLength: 3 });

const graphs: fc.Arbitrary<Graph> = fc
  .record({
    dtype: fc.constantFrom(...types),
    layers: fc.array(fc.record({ attrs, origins, second: fc.boolean(), constant: tensors, back: fc.nat(5) }), {
      minLength: 1,
      maxLength: 6,
    }),
    outputs: fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }),
  })
  .map(({ dtype, layers, outputs }) => {
    const x = input('x', { dtype, shape: [1, 4] });
    const values: Value[] = [x];
    for (const layer of layers) {
      const from = values.at(-1 - (layer.back % values.length))!;
      const made = node(Layer, [from, undefined, constant(layer.constant, 'c')], layer.attrs, layer.origins, 2);
      values.push(output(made, layer.second ? 1 : 0));
    }
    return {
      name: 'g',
      inputs: [x],
      outputs: outputs.map((i, n) => ({ name: `y${n}`, value: values[i % values.length]! })),
    };
  });

describe('writing and reading back', () => {
  it('gives an equal graph and equal bytes, whatever operators, attributes, origins and datatypes', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const bytes = writeModel(graph);
        const again = readModel(bytes, { ops });
        expect(plain(again)).toEqual(plain(graph));
        expect(Buffer.compare(bytes, writeModel(again))).toBe(0);
        expect(plain(readModel(writeCompact(graph), { ops }))).toEqual(plain(graph));
        check(again);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a network as it was imported', () => {
    const graph = readModel(model(smallMlp()));
    expect(plain(readModel(writeModel(graph)))).toEqual(plain(graph));
  });

  it('folds nothing in a file of finn, so that a pass may leave what it likes', () => {
    const one = constant(tensor(FLOAT32, [2], [1, 2]), 'one');
    const sum = apply(find('Add'), [one, one], {}, ['sum']);
    const graph: Graph = { name: 'g', inputs: [], outputs: [{ name: 'y', value: sum }] };
    expect(nodesOf(readModel(writeModel(graph)))).toHaveLength(1);
  });

  it('puts metadata into the model, sorted', () => {
    const graph = readModel(model(smallMlp()));
    const proto = decodeModel(writeModel(graph, { zeta: '1', alpha: '2' }));
    expect(proto.metadata_props!.map(({ key, value }) => [key, value])).toEqual([
      ['alpha', '2'],
      ['zeta', '1'],
    ]);
  });

  it('gives constants without a name none for ever: a part of a model is the same bytes before and after a round trip', () => {
    const x = input('x', { dtype: uint(8), shape: [1, 2] });
    const weights = () => constant(tensor(BIPOLAR, [2, 2], [1, -1, -1, 1]));
    const y = apply(find('MatMul'), [x, weights()], {}, ['fc1']);
    const z = apply(find('MatMul'), [y, weights()], {}, ['fc2']);
    const whole = { name: 'g', inputs: [x], outputs: [{ name: 'z', value: z }] };
    const last = (graph: Graph): Uint8Array => {
      const value = graph.outputs[0]!.value as NodeValue;
      const from = input('y', value.node.inputs[0]!.type);
      const alone = apply(value.node.op, [from, value.node.inputs[1]], value.node.attrs, value.node.origin);
      return writeModel({ name: 'last', inputs: [from], outputs: [{ name: 'z', value: alone }] });
    };
    expect(last(readModel(writeModel(whole)))).toEqual(last(whole));
  });

  it('annotates integers in float tensors and says every shape, as qonnx wants it', () => {
    const x = input('x', { dtype: uint(8), shape: [1, 2] });
    const w = constant(tensor(BIPOLAR, [2, 2], [1, -1, -1, 1]), 'w');
    const y = apply(find('MatMul'), [x, w], {}, ['fc']);
    const z = apply(find('Relu'), [y], {}, ['act']);
    const { graph } = decodeModel(writeModel({ name: 'g', inputs: [x], outputs: [{ name: 'z', value: z }] }));
    const annotations = graph!.quantization_annotation!.map((a) => [
      a.tensor_name,
      a.quant_parameter_tensor_names![0]!.value,
    ]);
    expect(annotations).toEqual([
      ['x', 'UINT8'],
      ['w', 'BIPOLAR'],
      ['fc_out0', 'INT10'],
      ['z', 'UINT9'],
    ]);
    expect(graph!.value_info!.map((v) => v.type!.tensor_type!.shape!.dim!.map((d) => toNumber(d.dim_value)))).toEqual([
      [1, 2],
    ]);
    expect(graph!.initializer![0]!.data_type).toBe(1);
  });
});

it('the descriptor is schema/onnx.proto', () => {
  const text = readFileSync(new URL('../../schema/onnx.proto', import.meta.url), 'utf8');
  expect(descriptor).toEqual(JSON.parse(JSON.stringify(protobuf.parse(text, { keepCase: true }).root.toJSON())));
});
