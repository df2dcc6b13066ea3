import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadProject } from '../../src/config/project.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { readModel } from '../../src/onnx/import.ts';
import { divide } from '../../src/passes/lower/divide.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { loadPlugins } from '../../src/plugins/load.ts';
import { verifyLower } from '../../src/steps/verify/lower.ts';
import { verifyLayout, verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { readVectors } from '../../src/steps/verify/vectors.ts';
import { random } from '../../src/util/random.ts';
import { floats, info, int64s, model, op } from '../helpers/onnx-builder.ts';

const { project } = loadProject(resolve(fileURLToPath(new URL('./example/', import.meta.url)), 'recipe.yaml'), {});

const quant = (name: string, from: string, to: string, scale: string, signed: number) =>
  op(
    name,
    'Quant',
    [from, scale, 'zero', 'bits'],
    [to],
    { signed, narrow: 0, rounding_mode: 'ROUND' },
    'onnx.brevitas',
  );
const weights = random('picked images');
const values = (n: number): number[] => Array.from({ length: n }, () => weights.int(-3, 3));
const network = model({
  inputs: [info('x', [1, 2, 5, 5])],
  nodes: [
    quant('in', 'x', 'xq', 'one', 1),
    quant('w1', 'a', 'wa', 'one', 1),
    op('conv1', 'Conv', ['xq', 'wa'], ['p1']),
    quant('act', 'p1', 'q1', 'step', 0),
    op('shuffle', 'Gather', ['q1', 'order'], ['s1'], { axis: 1 }),
    quant('w2', 'b', 'wb', 'one', 1),
    op('conv2', 'Conv', ['s1', 'wb'], ['y']),
  ],
  initializers: [
    floats('one', [], [1]),
    floats('step', [], [4]),
    floats('zero', [], [0]),
    floats('bits', [], [3]),
    floats('a', [4, 2, 3, 3], values(72)),
    floats('b', [2, 3, 1, 1], values(6)),
    int64s('order', [3], [3, -4, 2]),
  ],
});

beforeAll(() => void loadPlugins(project, { mayRun: false }));
afterAll(() => void loadPlugins({ ...project, plugins: [] }, { mayRun: false }));

it('channels of images are picked pixel by pixel', () => {
  const graph = readModel(network);
  const { parts, laidOut } = divide(graph);
  const vectors = readVectors(graph, {});
  expect(verifyStreamline(graph, parts, vectors, true).vectors).toBeGreaterThan(1);
  verifyLayout(parts, laidOut, vectors);
  const { graph: layers, diagnostics } = toLayers(laidOut.core, { standaloneThresholds: false });
  expect(diagnostics).toEqual([]);
  const made = nodesOf(layers);
  expect(made.map((node) => node.op.name)).toEqual(['ConvolutionInputGenerator', 'MVAU', 'PickChannels', 'MVAU']);
  expect(made.find((node) => node.op.name === 'PickChannels')!.attrs).toEqual({ from: [3, 0, 2] });
  expect(verifyLower(laidOut, layers, vectors, true).elements).toBeGreaterThan(0);
});
