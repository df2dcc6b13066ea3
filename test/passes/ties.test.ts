import { describe, expect, it } from 'vitest';
import { check } from '../../src/ir/check.ts';
import { evaluate } from '../../src/ir/evaluate.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { type Tensor, tensor } from '../../src/ir/tensor.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { readModel } from '../../src/onnx/import.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { split } from '../../src/passes/streamline/walk.ts';
import { type ElementwiseSpec, type MlpSpec, type QuantSpec, qonnxMlp } from '../helpers/mlp.ts';
import { run, runSplit } from '../helpers/networks.ts';
import { floats, info, int8s, model, op } from '../helpers/onnx-builder.ts';

/** Weights of one input: the accumulators of channel n are x times the n-th, hence every multiple of it that x allows. */
const ROW = [1, -1, 2, -3, 0, 5];

const oneInput = (chain: readonly ElementwiseSpec[], quant: QuantSpec, row: readonly number[] = ROW): MlpSpec => ({
  inputs: 1,
  input: 'INT8',
  layers: [{ weights: [row], weight: { bits: 4, signed: true, scale: 1 }, chain, quant }],
});

/** Elements, −0 as 0: integers have no sign of zero. */
const values = ({ data }: Tensor): number[] => Array.from(data, (v) => v + 0);

/** Runs the network and what it became on every input of the type, and counts elements on a tie of the quantiser. */
function exhaust(graph: Graph): number {
  const parts = split(graph);
  check(parts.core, 'split');
  const forms = [false, true].map((standaloneThresholds) => {
    const { graph: layers, diagnostics } = toLayers(parts.core, { standaloneThresholds });
    expect(diagnostics).toEqual([]);
    check(layers, 'toLayers');
    return layers;
  });
  const { type } = graph.inputs[0]!;
  const size = type.shape.reduce((a, b) => a * b, 1);
  let ties = 0;
  for (let v = type.dtype.min; v <= type.dtype.max; v += 1) {
    const x = tensor(type.dtype, type.shape, new Float64Array(size).fill(v));
    let before = Float64Array.of();
    const right = evaluate(graph, new Map([['x', x]]), (node, [y]) => {
      if (node.op.name !== 'Quant') before = Float64Array.from(y!.data);
    }).get(graph.outputs[0]!.name)!;
    ties += before.filter((real) => Math.abs((real * 4) % 1) === 0.5).length;
    expect({ v, y: values(runSplit(parts, x)) }).toEqual({ v, y: values(right) });
    for (const layers of forms) expect(run(layers, x).data).toEqual(run(parts.core, x).data);
  }
  return ties;
}

const network = (spec: MlpSpec): Graph => readModel(model(qonnxMlp(spec)));
const quarter: QuantSpec = { bits: 4, signed: true, scale: 0.25 };
/** Multiples of 1/8 meet a tie of a quantiser of scale 1/4 at every other integer. */
const eighths: readonly ElementwiseSpec[] = [{ op: 'Mul', inputs: [0.125] }];

describe('exact ties', () => {
  const modes = ['ROUND', 'HALF_EVEN', 'CEIL', 'FLOOR', 'UP', 'DOWN', 'HALF_UP', 'HALF_DOWN'];
  it.each(modes)('Quant rounding %s', (rounding) => {
    expect(exhaust(network(oneInput(eighths, { ...quarter, rounding })))).toBeGreaterThan(100);
    exhaust(network(oneInput(eighths, { ...quarter, rounding, narrow: true, zero: 3 })));
    exhaust(network(oneInput(eighths, { bits: 3, signed: false, scale: 0.25, zero: 2, rounding })));
    exhaust(network(oneInput(eighths, { bits: 3, signed: false, narrow: true, scale: 0.25, rounding })));
  });

  it.each([1, 2, 5, 0.5, -3])('zero point %d', (zero) => {
    exhaust(network(oneInput(eighths, { ...quarter, zero })));
    exhaust(network(oneInput(eighths, { bits: 1, signed: true, scale: 0.25, zero })));
  });

  it('BipolarQuant takes 0 for positive, from both sides', () => {
    const quant: QuantSpec = { bits: 1, signed: true, bipolar: true, scale: 0.5 };
    exhaust(network(oneInput([], quant)));
    exhaust(network(oneInput([{ op: 'Neg' }], quant)));
    exhaust(network(oneInput([{ op: 'Add', inputs: [[0, 1, -2, 3, 0, 5]] }], quant)));
    exhaust(network(oneInput([], { bits: 1, signed: true, scale: 0.5 })));
  });

  it('scales a channel', () => {
    const scale = [0.25, 0.5, 0.125, 1, 0.25, 2];
    exhaust(network(oneInput(eighths, { ...quarter, scale })));
    exhaust(
      network(oneInput([{ op: 'Mul', inputs: [[0.125, -0.25, 0.5, -1, 0.125, 0.0625]] }], { ...quarter, scale })),
    );
  });
});

describe('ties of other dialects', () => {
  /** x INT8 times a row of weights, scaled by 1/8, through QuantizeLinear, Clip and DequantizeLinear. */
  const qcdq = (zero: number, clip: readonly [number, number] | undefined, scale: readonly number[] = [0.25]): Graph =>
    readModel(
      model({
        inputs: [info('x', [1, 1])],
        annotations: { x: 'INT8' },
        nodes: [
          op('weights', 'DequantizeLinear', ['w', 'one', 'none'], ['wr']),
          op('product', 'MatMul', ['x', 'wr'], ['p']),
          op('scaled', 'Mul', ['p', 'eighth'], ['s']),
          op('quantise', 'QuantizeLinear', ['s', 'scale', 'zero'], ['q'], { axis: 1 }),
          ...(clip ? [op('clip', 'Clip', ['q', 'low', 'high'], ['k'])] : []),
          op('real', 'DequantizeLinear', [clip ? 'k' : 'q', 'scale', 'zero'], ['y'], { axis: 1 }),
        ],
        initializers: [
          int8s('w', [1, ROW.length], ROW),
          int8s('none', [], [0]),
          floats('one', [], [1]),
          floats('eighth', [], [0.125]),
          floats('scale', scale.length === 1 ? [] : [scale.length], scale),
          int8s('zero', scale.length === 1 ? [] : [scale.length], new Array<number>(scale.length).fill(zero)),
          ...(clip ? [int8s('low', [], [clip[0]]), int8s('high', [], [clip[1]])] : []),
        ],
      }),
    );
  it.each([0, 1, -3, 8])('QuantizeLinear rounds before it adds a zero point of %d', (zero) => {
    exhaust(qcdq(zero, [-4, 3]));
    exhaust(qcdq(zero, [-8, 120]));
    exhaust(qcdq(zero, undefined));
    exhaust(qcdq(zero, [-7, 7], [0.25, 0.5, 0.125, 1, 2, 0.0625]));
  });

  it('DequantizeLinear of the integers that come in', () => {
    const graph = readModel(
      model({
        inputs: [info('x', [1, 2], 2)],
        nodes: [
          op('real', 'DequantizeLinear', ['x', 'scale', 'zero'], ['r']),
          op('weights', 'DequantizeLinear', ['w', 'one', 'none'], ['wr']),
          op('product', 'MatMul', ['r', 'wr'], ['p']),
          op('quantise', 'QuantizeLinear', ['p', 'scale', 'none'], ['q']),
          op('again', 'DequantizeLinear', ['q', 'scale', 'none'], ['y']),
        ],
        initializers: [
          floats('scale', [], [0.5]),
          { name: 'zero', dims: [], data_type: 2, raw_data: Uint8Array.of(7) },
          floats('one', [], [0.75]),
          int8s('none', [], [0]),
          int8s('w', [2, 3], [1, -2, 3, -1, 2, 5]),
        ],
      }),
    );
    exhaust(graph);
    expect(split(graph).before).toBeUndefined();
  });

  it('MultiThreshold counts what is reached, equality included', () => {
    const thresholds = [-3, -0.5, 0, 0.25, 0.25, 12.875];
    const graph = readModel(
      model({
        inputs: [info('x', [1, 6])],
        annotations: { x: 'INT8' },
        nodes: [
          op('scaled', 'Mul', ['x', 'eighth'], ['s']),
          op(
            'steps',
            'MultiThreshold',
            ['s', 't'],
            ['m'],
            { out_dtype: 'INT4', out_bias: -2 },
            'finn.custom_op.general',
          ),
          op('out', 'Mul', ['m', 'eighth'], ['y']),
        ],
        initializers: [
          floats('eighth', [], [0.125]),
          floats('t', [6, 6], Array.from({ length: 6 }, (_, c) => thresholds.map((t) => t + c)).flat()),
        ],
      }),
    );
    exhaust(graph);
  });
});

describe('activations', () => {
  const norm = (gamma: readonly number[]): ElementwiseSpec => ({
    op: 'BatchNormalization',
    inputs: [gamma, [0.5, -0.25, 0, 1, 0.3, -2], [1, -2, 0.5, 0, 3, 8], [1, 4, 0.25, 2, 0.5, 9]],
    attributes: { epsilon: 0.00001 },
  });
  const cases: readonly (readonly [string, readonly ElementwiseSpec[]])[] = [
    ['batch norm with negative and zero scales', [norm([1, -1, 0, -0.5, 2, 0])]],
    [
      'constant channels',
      [
        { op: 'Mul', inputs: [[0, 0, 0.125, 0, 1, 0]] },
        { op: 'Add', inputs: [[1, -1, 0, 0.125, 0, 7]] },
      ],
    ],
    [
      'c − x',
      [
        { op: 'Sub', inputs: [3], swapped: true },
        { op: 'Mul', inputs: [0.125] },
      ],
    ],
    ['Relu', [...eighths, { op: 'Relu' }]],
    ['falling Relu', [{ op: 'Mul', inputs: [-0.125] }, { op: 'Relu' }]],
    ['Sigmoid', [...eighths, { op: 'Sigmoid' }]],
    ['Tanh', [...eighths, { op: 'Tanh' }]],
    ['LeakyRelu', [...eighths, { op: 'LeakyRelu', attributes: { alpha: 0.25 } }]],
    ['HardTanh', [...eighths, { op: 'HardTanh', attributes: { min_val: -0.75, max_val: 0.625 } }]],
    ['Clip', [...eighths, { op: 'Clip', inputs: [-0.625, 0.875] }]],
    ['Selu', [...eighths, { op: 'Selu' }]],
    ['Elu', [norm([1, -1, 2, -2, 0.5, 3]), { op: 'Elu', attributes: { alpha: 0.5 } }]],
    ['HardSigmoid', [...eighths, { op: 'HardSigmoid', attributes: { alpha: 0.125, beta: 0.5 } }]],
    ['Softplus', [...eighths, { op: 'Softplus' }]],
    [
      'Div, Min, Max',
      [
        { op: 'Div', inputs: [[8, -8, 3, 7, 1, -9]] },
        { op: 'Min', inputs: [1.5] },
        { op: 'Max', inputs: [-1.375] },
      ],
    ],
    ['Floor', [...eighths, { op: 'Floor' }, { op: 'Mul', inputs: [0.25] }]],
    [
      'Abs where nothing is negative',
      [{ op: 'Add', inputs: [1024] }, { op: 'Abs' }, { op: 'Add', inputs: [-1024] }, ...eighths],
    ],
  ];
  it.each(cases)('%s', (_, chain) => {
    exhaust(network(oneInput(chain, quarter)));
    exhaust(network(oneInput(chain, { bits: 2, signed: false, scale: 0.25 })));
    exhaust(network(oneInput(chain, { bits: 1, signed: true, bipolar: true, scale: 1 })));
  });

  it.each(['Abs', 'Sin', 'Cos'])('%s is refused by its place', (name) => {
    const graph = network(oneInput([{ op: 'Mul', inputs: [0.5] }, { op: name }], quarter));
    expect(() => split(graph)).toThrow(
      /Quant 'Quant_\d+': what comes to it through '\w+' \(\w+\) is not monotone: in channel \d+ .* at the integer -?\d+/,
    );
  });

  it('keeps a falling chain in the weights where the product is alone, in a sign a channel where it is the input', () => {
    const product = split(network(oneInput([{ op: 'Neg' }, ...eighths], quarter)));
    expect(nodesOf(product.core).map((node) => node.op.name)).toEqual(['MatMul', 'MultiThreshold']);
    const direct = network({
      inputs: 3,
      input: 'INT8',
      layers: [{ chain: [{ op: 'Neg' }, ...eighths], quant: quarter }],
    });
    const parts = split(direct);
    expect(nodesOf(parts.core).map((node) => node.op.name)).toEqual(['Mul', 'MultiThreshold']);
    exhaust(direct);
    const { graph } = toLayers(parts.core, { standaloneThresholds: false });
    expect(nodesOf(graph).map((node) => node.op.name)).toEqual(['Thresholding']);
  });

  it('refuses a constant that runs along another axis than the channels', () => {
    const parts = qonnxMlp(oneInput([{ op: 'Add', inputs: [[1, 2, 3, 4, 5, 6]] }], quarter));
    const graph = readModel(model({ ...parts, inputs: [info('x', [1, 1, 1])] }));
    expect(() => split(graph)).toThrow(/Add 'Add_\d+': its constant varies along another axis than the channels/);
  });
});
