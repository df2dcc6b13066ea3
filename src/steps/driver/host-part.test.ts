import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fed, framesFor, goldenArray, run, type Surroundings, sharedNetwork } from '../../../test/helpers/networks.ts';
import { randomImages } from '../../../test/helpers/random-images.ts';
import { available } from '../../../test/helpers/require.ts';
import { BIPOLAR, type DataType, FLOAT32, FLOAT64, int, uint } from '../../ir/datatype.ts';
import { constant, type Graph, input, node, output, type Value } from '../../ir/graph.ts';
import { extremes, sizeOf, type Tensor, tensor } from '../../ir/tensor.ts';
import { layOut } from '../../passes/layout/ends.ts';
import { finn, onnx, qonnx } from '../../passes/ops.ts';
import { split } from '../../passes/streamline/walk.ts';
import { writeTree } from '../../util/files.ts';
import { type Random, random } from '../../util/random.ts';
import { encodeProgram, type HostProgram } from './program.ts';
import { hostProgram } from './translate.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const numpy = available('python') && available('numpy');

interface Job {
  readonly name: string;
  readonly graph: Graph;
  readonly frames: readonly Tensor[];
}

/** What the driver's own code makes of each job's frames, and its shape; all in one process. */
function inPython(jobs: readonly Job[]): { shape: number[]; frames: number[][] }[] {
  const folder = mkdtempSync(join(tmpdir(), 'finn-host-'));
  try {
    const given = jobs.map(({ graph, frames }, i) => {
      const program: HostProgram = hostProgram(graph);
      const { json, files } = encodeProgram(program, `job_${i}`);
      writeTree(folder, files);
      const whole = frames.length === 1 ? frames[0]!.shape : [frames.length, ...frames[0]!.shape.slice(1)];
      return [json, whole, frames.map(({ data }) => [...data])];
    });
    const text = join(folder, 'jobs.json');
    writeFileSync(text, JSON.stringify(given));
    const program = `
import json, pathlib, sys
import numpy as np
from host_part import HostPart
folder = pathlib.Path(sys.argv[1])
found = []
for part, shape, frames in json.loads((folder / "jobs.json").read_text()):
    part = HostPart(part, folder)
    values = part.run(np.array(frames, dtype=np.float64).reshape(shape if len(frames) > 1 else (1, *part.shape)))
    found.append({"shape": values.shape, "frames": values.astype(np.float64).reshape(len(frames), -1).tolist()})
print(json.dumps(found))
`;
    const options = { cwd: here, encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
    return JSON.parse(execFileSync('python3', ['-B', '-c', program, folder], options));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Integers are equal; reals to 1e-6 of the largest magnitude, or all bits where `slack` is 0. */
function expectEqual(name: string, found: readonly number[], right: Tensor, slack = 1e-6): void {
  const values = Array.from(right.data);
  expect(found, name).toHaveLength(values.length);
  const most = extremes(values.map(Math.abs))[1];
  const limit = right.dtype.integer ? 0 : slack * most;
  // A NaN, or what is missing, differs.
  const worst = values.findIndex((v, i) => !(Math.abs(v - found[i]!) <= limit));
  expect(worst < 0 ? undefined : [worst, found[worst], values[worst]], name).toBeUndefined();
}

function expectAll(jobs: readonly Job[], slack?: number): void {
  inPython(jobs).forEach(({ shape, frames }, i) => {
    const { name, graph, frames: given } = jobs[i]!;
    const own = graph.outputs[0]!.value.type.shape;
    expect(shape, name).toEqual(own[0] === 1 ? [given.length, ...own.slice(1)] : [given.length, ...own]);
    frames.forEach((values, f) => void expectEqual(name, values, run(graph, given[f]!), slack));
  });
}

/** Random values of a type. */
function drawn(draw: Random, { dtype, shape }: { dtype: DataType; shape: readonly number[] }): Tensor {
  const any = (): number => {
    if (dtype === BIPOLAR) return draw.pick([-1, 1]);
    return dtype.integer ? draw.int(Math.max(dtype.min, -999), Math.min(dtype.max, 999)) : draw.float() * 6 - 3;
  };
  return tensor(dtype, shape, Array.from({ length: sizeOf(shape) }, any));
}

describe.skipIf(!numpy || !available('shared'))('what networks leave to the host, in numpy', () => {
  const cases: readonly (readonly [name: string, around: Surroundings, file: string])[] = [
    ['kws-mlp-w3a3', {}, 'input.npy'],
    ['kws-mlp-w3a3', { topK: 1 }, 'input.npy'],
    ['tfc-w1a1', { pixels: true }, 'accelerator_input.npy'],
    ['tfc-w2a2', { pixels: true }, 'accelerator_input.npy'],
    ['tfc-w2a2', {}, 'input.npy'],
    ['unsw-nb15-mlp-w2a2', {}, 'input.npy'],
  ];
  test.each(cases)('%s %o', (name, around, file) => {
    const graph = sharedNetwork(name, around);
    const made = layOut(split(graph));
    const frames = framesFor(graph, goldenArray(name, file), 16);
    const { type } = made.core.inputs[0]!;
    const given = frames.map((x) => run(made.core, { ...fed(made, x), shape: type.shape }));
    const jobs: Job[] = [];
    if (made.before) jobs.push({ name: 'before', graph: made.before, frames });
    if (made.behind) jobs.push({ name: 'behind', graph: made.behind, frames: given });
    expectAll(jobs);
    // The integers that are fed are those of the split to the last.
    if (made.before)
      inPython(jobs.slice(0, 1))[0]!.frames.forEach((found, i) => {
        expectEqual('fed', found, fed(made, frames[i]!));
      });
  });
});

describe.skipIf(!numpy || !available('shared'))('what convolutional networks leave to the host, in numpy', () => {
  const models = ['cnv-w1a1', 'cnn1d-w4a4', 'espcn-nn-resize', 'resnet8-w4a4', 'resnet8-w4a4-finn-streamlined'];
  test.each(models)('%s', (name) => {
    const made = layOut(split(sharedNetwork(name)));
    const draw = random(5);
    const parts = [made.before, made.behind].filter((part) => part !== undefined);
    expect(parts.length).toBeGreaterThan(0);
    expectAll(
      parts.map((graph) => {
        const frames = Array.from({ length: 2 }, () => drawn(draw, graph.inputs[0]!.type));
        return { name: graph.name, graph, frames };
      }),
    );
  });
});

describe.skipIf(!numpy)('what random networks of images leave to the host, in numpy', () => {
  test('is what the interpreter computes', { timeout: 120_000 }, () => {
    const jobs: Job[] = [];
    const sides = { before: 0, behind: 0 };
    for (let seed = 1; seed <= 40; seed += 1) {
      const { graph } = randomImages(seed);
      const made = layOut(split(graph));
      const draw = random(seed);
      for (const side of ['before', 'behind'] as const) {
        const part = made[side];
        if (part?.inputs.length !== 1 || part.outputs.length !== 1) continue;
        sides[side] += 1;
        const frames = Array.from({ length: 3 }, () => drawn(draw, part.inputs[0]!.type));
        jobs.push({ name: `${side} of network ${seed}`, graph: part, frames });
      }
    }
    expect(sides.before).toBeGreaterThan(20);
    expect(sides.behind).toBeGreaterThan(20);
    expectAll(jobs);
  });
});

type Made = (x: Value, draw: Random) => Value;
const real = (draw: Random, ...shape: number[]): Value => constant(drawn(draw, { dtype: FLOAT32, shape }));
const numbers = (...values: number[]): Value => constant(tensor(FLOAT32, [values.length], values));
const scalar = (value: number): Value => constant(tensor(FLOAT32, [], [value]));
const list = (...values: number[]): Value => constant(tensor(int(64), [values.length], values));
const op = (
  of: ReturnType<typeof onnx>,
  inputs: readonly (Value | undefined)[],
  attrs: Record<string, unknown> = {},
  index = 0,
  outputs = 1,
): Value => output(node(of, inputs, attrs, [`the_${of.name}`], outputs), index);

/** Operations on an image [1, 4, 6, 6] of reals; what they make is compared to the last bit unless they are transcendental. */
const exact: Readonly<Record<string, Made>> = {
  Transpose: (x) => op(onnx('Transpose'), [x], { perm: [0, 2, 3, 1] }),
  'Transpose of all axes': (x) => op(onnx('Transpose'), [x]),
  Reshape: (x) => op(onnx('Reshape'), [x, list(2, -1)]),
  'Gather on the last axis': (x) => op(onnx('Gather'), [x, list(5, 0, 3, 3, -1)], { axis: 3 }),
  Slice: (x) => op(onnx('Slice'), [x, list(1, 5), list(6, 0), list(2, 3), list(2, -1)]),
  Split: (x) => op(onnx('Split'), [x, list(1, 3)], { axis: 1 }, 1, 2),
  Pad: (x) => op(onnx('Pad'), [x, list(0, 0, 1, 2, 0, 0, 2, 1), scalar(-1.5)]),
  'Pad with −∞': (x) => op(onnx('Relu'), [op(onnx('Pad'), [x, list(0, 0, 1, 2, 0, 0, 2, 1), scalar(-Infinity)])]),
  'Pad by reflection': (x) => op(onnx('Pad'), [x, list(0, 0, 1, 2, 0, 0, 2, 1)], { mode: 'reflect' }),
  Tile: (x) => op(onnx('Tile'), [x, list(1, 2, 1, 3)]),
  Resize: (x) => op(onnx('Resize'), [x, undefined, numbers(1, 1, 2, 0.5)], { mode: 'nearest' }),
  DepthToSpace: (x) => op(onnx('DepthToSpace'), [x], { blocksize: 2, mode: 'CRD' }),
  SpaceToDepth: (x) => op(onnx('SpaceToDepth'), [x], { blocksize: 3 }),
  'finn’s DepthToSpace': (x) =>
    op(finn('DepthToSpace'), [op(onnx('Transpose'), [x], { perm: [0, 2, 3, 1] })], { blocksize: 2 }),
  'Concat with a constant': (x, draw) => op(onnx('Concat'), [x, real(draw, 1, 2, 6, 6), x], { axis: 1 }),
  'Add of one a channel': (x, draw) => op(onnx('Add'), [x, real(draw, 4, 1, 1)]),
  'Mul of one an element': (x, draw) => op(onnx('Mul'), [x, real(draw, 1, 4, 6, 6)]),
  'Sub from a constant': (x, draw) => op(onnx('Sub'), [real(draw, 6), x]),
  'Div, which no product with the reciprocal is': (x) => op(onnx('Div'), [x, scalar(7)]),
  'Add of a value of less axes': (x) => op(onnx('Add'), [x, op(onnx('ReduceMax'), [x, list(0, 1)], { keepdims: 0 })]),
  'x · x': (x) => op(onnx('Mul'), [x, x]),
  Neg: (x) => op(onnx('Neg'), [x]),
  Relu: (x) => op(onnx('Relu'), [x]),
  LeakyRelu: (x) => op(onnx('LeakyRelu'), [x], { alpha: 0.1 }),
  PRelu: (x, draw) => op(onnx('PRelu'), [x, real(draw, 4, 1, 1)]),
  Clip: (x) => op(onnx('Clip'), [x, scalar(-1), scalar(1.5)]),
  'Clip on one side': (x) => op(onnx('Clip'), [x, undefined, scalar(1.5)]),
  HardSigmoid: (x) => op(onnx('HardSigmoid'), [x]),
  HardTanh: (x) => op(onnx('HardTanh'), [x]),
  Sqrt: (x) => op(onnx('Sqrt'), [op(onnx('Abs'), [x])]),
  Where: (x) => op(onnx('Where'), [op(onnx('Less'), [x, scalar(0)]), x, scalar(2)]),
  'Cast to INT8 and back': (x) => {
    const wide = op(onnx('Mul'), [x, scalar(100)]);
    return op(onnx('Cast'), [op(onnx('Cast'), [wide], { to: 3 })], { to: 1 });
  },
  BatchNormalization: (x, draw) =>
    op(onnx('BatchNormalization'), [x, real(draw, 4), real(draw, 4), real(draw, 4), numbers(0.5, 1, 2, 3)]),
  Mod: (x) => op(onnx('Mod'), [op(onnx('Round'), [x]), scalar(3)]),
  'Mod with the dividend’s sign': (x) => op(onnx('Mod'), [x, scalar(3)], { fmod: 1 }),
  HardSwish: (x) => op(onnx('HardSwish'), [x]),
  Softsign: (x) => op(onnx('Softsign'), [x]),
  ThresholdedRelu: (x) => op(onnx('ThresholdedRelu'), [x], { alpha: 0.5 }),
  MaxPool: (x) => op(onnx('MaxPool'), [x], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
  'AveragePool without its padding': (x) =>
    op(onnx('AveragePool'), [op(onnx('Round'), [x])], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  'AveragePool of one axis': (x) => {
    const rows = op(onnx('Reshape'), [op(onnx('Round'), [x]), list(1, 4, 36)]);
    return op(onnx('AveragePool'), [rows], { kernel_shape: [5], strides: [3], pads: [2, 2], count_include_pad: 1 });
  },
  ReduceMax: (x) => op(onnx('ReduceMax'), [x, list(-1)], { keepdims: 0 }),
  GlobalMaxPool: (x) => op(onnx('GlobalMaxPool'), [x]),
  ArgMax: (x) => op(onnx('ArgMax'), [op(onnx('Round'), [x])], { axis: 1 }),
  'ArgMax, the last': (x) =>
    op(onnx('ArgMax'), [op(onnx('Round'), [x])], { axis: 3, select_last_index: 1, keepdims: 0 }),
  ArgMin: (x) => op(onnx('ArgMin'), [op(onnx('Round'), [x])], { axis: 2 }),
  'TopK, indices': (x) => op(onnx('TopK'), [op(onnx('Round'), [x]), list(3)], { axis: 2 }, 1, 2),
  'TopK, the least': (x) => op(onnx('TopK'), [x, list(2)], { largest: 0 }, 0, 2),
  Quant: (x) => op(qonnx('Quant'), [x, scalar(0.3), scalar(1), scalar(3)], { signed: 1, narrow: 0 }),
  'Quant of one bit': (x) => op(qonnx('Quant'), [x, scalar(0.5), scalar(0), scalar(1)], { signed: 1 }),
  'Quant that rounds ties away from zero': (x) => {
    const halves = op(onnx('Mul'), [op(onnx('Round'), [x]), scalar(0.25)]);
    const attrs = { signed: 1, narrow: 1, rounding_mode: 'HALF_UP' };
    return op(qonnx('Quant'), [halves, scalar(0.5), scalar(0), scalar(4)], attrs);
  },
  'Quant upward': (x) => op(qonnx('Quant'), [x, scalar(0.3), scalar(0), scalar(4)], { signed: 1, rounding_mode: 'UP' }),
  BipolarQuant: (x, draw) => op(qonnx('BipolarQuant'), [x, op(onnx('Abs'), [real(draw, 4, 1, 1)])].map(folded)),
  Trunc: (x) => op(qonnx('Trunc'), [x, scalar(0.125), scalar(0), scalar(6), scalar(3)]),
  MultiThreshold: (x) =>
    op(qonnx('MultiThreshold'), [x, constant(tensor(FLOAT32, [4, 2], [-1, 1, 0, 0, -2, 2, 1, 1.5]))], {
      ...{ out_dtype: 'INT2', out_bias: -1, data_layout: 'NCHW' },
    }),
  'QuantizeLinear and back': (x) => {
    const zero = constant(tensor(uint(8), [], [3]));
    const q = op(onnx('QuantizeLinear'), [x, scalar(0.02), zero]);
    return op(onnx('DequantizeLinear'), [q, scalar(0.02), zero]);
  },
};

/** Sums of products and transcendental functions: their last bit is the library's. */
const close: Readonly<Record<string, Made>> = {
  MatMul: (x, draw) => op(onnx('MatMul'), [op(onnx('Reshape'), [x, list(1, 144)]), real(draw, 144, 10)]),
  'MatMul with a constant in front': (x, draw) => op(onnx('MatMul'), [real(draw, 5, 6), x]),
  'MatMul of two values': (x) => op(onnx('MatMul'), [x, op(onnx('Transpose'), [x], { perm: [0, 1, 3, 2] })]),
  Gemm: (x, draw) =>
    op(onnx('Gemm'), [op(onnx('Reshape'), [x, list(1, 144)]), real(draw, 10, 144), real(draw, 10)], {
      ...{ transB: 1, alpha: 0.5, beta: 0.3 },
    }),
  'Gemm of a transposed value': (x, draw) =>
    op(onnx('Gemm'), [op(onnx('Reshape'), [x, list(144, 1)]), real(draw, 144, 10)], { transA: 1 }),
  ReduceMean: (x) => op(onnx('ReduceMean'), [x, list(2, 3)], { keepdims: 0 }),
  ReduceSum: (x) => op(onnx('ReduceSum'), [x, list(1)]),
  GlobalAveragePool: (x) => op(onnx('GlobalAveragePool'), [x]),
  Softmax: (x) => op(onnx('Softmax'), [x], { axis: 1 }),
  LogSoftmax: (x) => op(onnx('LogSoftmax'), [x]),
  Sigmoid: (x) => op(onnx('Sigmoid'), [x]),
  Tanh: (x) => op(onnx('Tanh'), [x]),
  Exp: (x) => op(onnx('Exp'), [x]),
  Log: (x) => op(onnx('Log'), [op(onnx('Add'), [op(onnx('Abs'), [x]), scalar(0.5)])]),
  Mish: (x) => op(onnx('Mish'), [x]),
  Gelu: (x) => op(onnx('Gelu'), [x]),
  'Gelu by tanh': (x) => op(onnx('Gelu'), [x], { approximate: 'tanh' }),
  Elu: (x) => op(onnx('Elu'), [x], { alpha: 0.7 }),
  Celu: (x) => op(onnx('Celu'), [x], { alpha: 0.7 }),
  Selu: (x) => op(onnx('Selu'), [x]),
  Softplus: (x) => op(onnx('Softplus'), [x]),
  Erf: (x) => op(onnx('Erf'), [x]),
  Pow: (x) => op(onnx('Pow'), [op(onnx('Abs'), [x]), scalar(1.5)]),
};

/** A value of constants alone, as a constant. */
function folded(value: Value): Value {
  if (value.kind !== 'node' || value.node.inputs.some((v) => v?.kind !== 'constant')) return value;
  const inputs = value.node.inputs.map((v) => (v?.kind === 'constant' ? v.tensor : undefined));
  const { origin, attrs, types } = value.node;
  return constant(value.node.op.evaluate(inputs, attrs, { origin, outputs: types.length, types })[value.index]!);
}

const graphOf = (make: (x: Value) => Value, dtype: DataType = FLOAT32): Graph => {
  const x = input('x', { dtype, shape: [1, 4, 6, 6] });
  return { name: 'host', inputs: [x], outputs: [{ name: 'y', value: make(x) }] };
};

describe('a part of the host', () => {
  const jobs = (table: Readonly<Record<string, Made>>, dtypes: readonly DataType[]): Job[] =>
    Object.entries(table).flatMap(([name, make]) =>
      dtypes.map((dtype) => {
        const draw = random(7);
        const graph = graphOf((x) => make(x, draw), dtype);
        const frames = Array.from({ length: 3 }, () => drawn(draw, graph.inputs[0]!.type));
        return { name: `${name} of ${dtype.name}`, graph, frames };
      }),
    );

  test.skipIf(!numpy)('is exact in numpy where arithmetic is', () => {
    expectAll(jobs(exact, [FLOAT32, int(6)]), 0);
  });

  test.skipIf(!numpy)('is close elsewhere', () => {
    expectAll(jobs(close, [FLOAT32, int(6)]));
  });

  test.skipIf(!numpy)('is exact for binary64, which scales of integers are', () => {
    const scaled = graphOf((x) => {
      const wide = op(onnx('Cast'), [x], { to: 11 });
      const by = constant(tensor(FLOAT64, [4, 1, 1], [0.1, 0.2, 0.3, 0.7]));
      return op(onnx('Cast'), [op(onnx('Add'), [op(onnx('Mul'), [wide, by]), by])], { to: 1 });
    }, int(20));
    const draw = random(3);
    expectAll([{ name: 'scaled', graph: scaled, frames: [drawn(draw, scaled.inputs[0]!.type)] }], 0);
    const quantised = graphOf((x) => {
      const wide = op(onnx('Cast'), [x], { to: 11 });
      const q = op(onnx('Div'), [wide, constant(tensor(FLOAT64, [], [0.1]))]);
      return op(onnx('Cast'), [op(onnx('Round'), [q])], { to: 1 });
    });
    expectAll([{ name: 'quantised', graph: quantised, frames: [drawn(draw, quantised.inputs[0]!.type)] }], 0);
  });

  test('has a number once in a file, however often it is read', () => {
    const draw = random(1);
    const weights = real(draw, 6, 6);
    const { json, files } = encodeProgram(
      hostProgram(graphOf((x) => op(onnx('MatMul'), [op(onnx('MatMul'), [x, weights]), weights]))),
      'after',
    );
    expect(Object.keys(files)).toEqual(['constants/after_0.npy']);
    expect(JSON.stringify(json)).toContain('{"npy":"constants/after_0.npy"}');
    expect(json).toMatchObject({ input: { shape: [1, 4, 6, 6], type: 'FLOAT32' }, result: 2 });
  });

  test('what is constant is computed when the driver is written', () => {
    const { steps } = hostProgram(graphOf((x) => op(onnx('Add'), [x, op(onnx('Neg'), [scalar(3)])])));
    expect(steps.map((step) => step.op)).toEqual(['add']);
    expect(steps[0]!.reads[1]).toMatchObject({ data: Float32Array.of(-3) });
  });

  test('what it cannot do is refused by its ONNX name', () => {
    const refused = (make: (x: Value) => Value) => () => hostProgram(graphOf(make));
    expect(refused((x) => op(onnx('Conv'), [x, real(random(1), 2, 4, 3, 3)]))).toThrow(
      "the host computes 'the_Conv' (Conv), which the Python driver cannot",
    );
    expect(refused((x) => op(onnx('Gather'), [x, op(onnx('Cast'), [x], { to: 6 })]))).toThrow("'the_Gather'");
    expect(refused(() => scalar(1))).toThrow("the network's output 'y' does not depend on its input");
    const linear = { mode: 'linear' };
    expect(refused((x) => op(onnx('Resize'), [x, undefined, numbers(1, 1, 2, 2)], linear))).toThrow("'the_Resize'");
    const [x, y] = [0, 1].map((i) => input(`x${i}`, { dtype: FLOAT32, shape: [1, 2] }));
    const graph = { name: 'two', inputs: [x!, y!], outputs: [{ name: 'z', value: op(onnx('Add'), [x!, y!]) }] };
    expect(() => hostProgram(graph)).toThrow("inputs and outputs 'x0', 'x1', 'z'");
  });
});
