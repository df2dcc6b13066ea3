import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fed, framesFor, goldenArray, run, type Surroundings, sharedNetwork } from '../../../test/helpers/networks.ts';
import { available } from '../../../test/helpers/require.ts';
import { FLOAT32, int } from '../../ir/datatype.ts';
import { constant, type Graph, input, node, output } from '../../ir/graph.ts';
import { type Tensor, tensor } from '../../ir/tensor.ts';
import { onnxOps } from '../../onnx/ops/index.ts';
import { split } from '../../passes/streamline/walk.ts';
import { hostSteps } from '../driver.ts';
import { driverFiles, type HostStep } from './driver.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const numpy = available('python') && available('numpy');

/** What the driver's own code makes of frames: the JSON of the steps is that of accelerator.json. */
function inPython(steps: readonly HostStep[], frames: readonly Tensor[]): number[][] {
  const port = { datatype: 'UINT8', bits: 8, normal: [1, 1], folded: [1, 1, 1] };
  const uart = { baud: 1, clockHz: 1, id: 1, inputBytes: 1, outputBytes: 1 };
  const files = driverFiles({ input: port, output: port, uart, before: steps, after: [] });
  const { before } = JSON.parse(new TextDecoder().decode(files['accelerator.json']!));
  const program = `
import json, sys
import numpy as np
from driver_base import FINNExampleOverlay
steps, shape, frames = json.load(sys.stdin)
values = np.array(frames, dtype=np.float32).reshape(shape)
print(json.dumps(FINNExampleOverlay._run_steps(steps, values).reshape(len(frames), -1).tolist()))
`;
  const shape = [frames.length, ...frames[0]!.shape.slice(1)];
  const job = JSON.stringify([before, shape, frames.map(({ data }) => [...data])]);
  return JSON.parse(
    execFileSync('python3', ['-B', '-c', program], { cwd: here, input: job, encoding: 'utf8', maxBuffer: 2 ** 28 }),
  );
}

/** Equal to 1e-6 of the largest magnitude. */
function expectClose(found: readonly number[], right: ArrayLike<number>): void {
  const values = Array.from(right);
  const most = Math.max(...values.map(Math.abs));
  expect(found).toHaveLength(values.length);
  expect(Math.max(...values.map((v, i) => Math.abs(v - found[i]!)))).toBeLessThanOrEqual(1e-6 * most);
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
    const made = split(graph);
    const frames = framesFor(graph, goldenArray(name, file), 16);
    const integers = frames.map((x) => fed(made, x));
    const before = hostSteps(made.before, 'before');
    expect(before.length > 0).toBe(made.before !== undefined);
    if (before.length > 0)
      inPython(before, frames).forEach((found, i) => {
        expect(found).toEqual([...integers[i]!.data]);
      });
    const { shape } = made.core.inputs[0]!.type;
    const after = hostSteps(made.behind, 'after');
    const given = integers.map((x) => run(made.core, { ...x, shape }));
    inPython(after, given).forEach((found, i) => {
      const right = run(graph, frames[i]!);
      if (right.dtype.integer) expect(found).toEqual([...right.data]);
      else expectClose(found, right.data);
    });
  });
});

const op = (name: string) => onnxOps.find((one) => one.name === name)!;

describe('host steps', () => {
  const x = input('x', { dtype: FLOAT32, shape: [1, 2, 3] });
  const scalar = (v: number) => constant(tensor(FLOAT32, [], Float64Array.of(v)));
  const list = (shape: number[], ...values: number[]) => constant(tensor(FLOAT32, shape, Float64Array.from(values)));
  const graphOf = (value: ReturnType<typeof node>): Graph => ({
    name: 'host',
    inputs: [x],
    outputs: [{ name: 'y', value: output(value, 0) }],
  });

  test('a parameter for each channel becomes one for each element', () => {
    const made = hostSteps(graphOf(node(op('Mul'), [x, list([1, 2, 1], 5, 7)], {}, ['scale'], 1)), 'after');
    expect(made).toEqual([{ op: 'affine', scale: [5, 5, 5, 7, 7, 7], bias: 0 }]);
    const rows = hostSteps(graphOf(node(op('Sub'), [list([3], 1, 2, 3), x], {}, ['turn'], 1)), 'after');
    expect(rows).toEqual([{ op: 'affine', scale: -1, bias: [1, 2, 3, 1, 2, 3] }]);
  });

  test('what it cannot do is refused by its ONNX name', () => {
    const relu = node(op('Relu'), [x], {}, ['last_relu'], 1);
    expect(() => hostSteps(graphOf(relu), 'after')).toThrow("the host computes 'last_relu' (Relu)");
    const square = node(op('Mul'), [x, x], {}, ['square'], 1);
    expect(() => hostSteps(graphOf(square), 'after')).toThrow("'square'");
    const cut = node(op('Cast'), [x], { to: 6 }, ['cut'], 1);
    expect(cut.types[0]!.dtype).toEqual(int(32));
    expect(() => hostSteps(graphOf(cut), 'after')).toThrow("'cut'");
  });

  test.skipIf(!numpy)('a quotient is that of binary32, which a product with the reciprocal is not', () => {
    const sevenths = tensor(FLOAT32, [1, 2, 3], Float64Array.of(5, 10, 11, 13, 19, 20));
    const made = graphOf(node(op('Div'), [x, scalar(7)], {}, ['divide'], 1));
    const steps = hostSteps(made, 'after');
    expect(steps).toEqual([{ op: 'divide', by: 7 }]);
    const [found] = inPython(steps, [sevenths]);
    expect(found).toEqual([...run(made, sevenths).data]);
    expect(found).not.toEqual([...sevenths.data].map((v) => Math.fround(v * Math.fround(1 / 7))));
  });

  test.skipIf(!numpy)('a quantiser behind the accelerator gives reals, before it the integers', () => {
    const quant = node(op('Quant'), [x, scalar(0.5), scalar(1), scalar(3)], { signed: 1, narrow: 0 }, ['q'], 1);
    const values = tensor(FLOAT32, [1, 2, 3], Float64Array.of(-9, -0.75, -0.25, 0.25, 0.75, 9));
    const [after] = inPython(hostSteps(graphOf(quant), 'after'), [values]);
    expect(after).toEqual([...run(graphOf(quant), values).data]);
    const [before] = inPython(hostSteps(graphOf(quant), 'before'), [values]);
    expect(before!.map((q) => (q - 1) * 0.5)).toEqual(after);
  });
});
