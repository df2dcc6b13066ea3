import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadProject, type Project } from '../../src/config/project.ts';
import { nodesOf } from '../../src/ir/traverse.ts';
import { readModel } from '../../src/onnx/import.ts';
import { divide } from '../../src/passes/lower/divide.ts';
import { toLayers } from '../../src/passes/lower/to-layers.ts';
import { loadPlugins } from '../../src/plugins/load.ts';
import { verifyLower } from '../../src/steps/verify/lower.ts';
import { verifyStreamline } from '../../src/steps/verify/streamline.ts';
import { readVectors } from '../../src/steps/verify/vectors.ts';
import { floats, info, model, op } from '../helpers/onnx-builder.ts';

/** A plug-in with an activation of its own, and with an operation on integers that becomes a layer of its own. */
const text = `import { apply, define, definePlugin, onHost, operators, rewrite, tensor } from 'finn';

const bent = define({
  name: 'Bent',
  domain: 'mine',
  arity: [1, 1],
  infer: (site) => site.type(0),
  evaluate: ([x], site, [type]) => tensor(type.dtype, type.shape, x.data.map((v) => Math.fround(v > 2 ? 2 + (v - 2) / 4 : v))),
});

const backwards = define({
  name: 'Backwards',
  domain: 'mine',
  arity: [1, 1],
  infer: (site) => site.type(0),
  evaluate: ([x], site, [type]) => tensor(type.dtype, type.shape, Array.from(x.data).reverse()),
});
const rule = (node, inputs) => {
  const [from] = inputs;
  if (from.kind !== 'integers' || from.links.length > 0) return onHost(node, inputs, 'it turns round reals');
  return [{ ...from, base: apply(backwards, [from.base], {}, node.origin) }];
};

const threshold = operators.find((one) => one.name === 'Crop');
const turned = {
  ...threshold,
  name: 'Turned',
  domain: 'mine.layers',
  fields: {},
  infer: ([x]) => [x.type],
  evaluate: ([x], attrs, { types: [type] }) => [tensor(type.dtype, type.shape, Array.from(x.data).reverse())],
  lower: (node) => (node.op === backwards ? { value: apply(turned, [node.inputs[0]], {}, node.origin) } : undefined),
};
export const plugin = definePlugin({
  name: 'own',
  onnx: [{ op: bent, elementwise: true }, { op: backwards, rule }],
  operators: [turned],
});
`;

const quant = (name: string, from: string, to: string, scale: string, signed: number) =>
  op(
    name,
    'Quant',
    [from, scale, 'zero', 'bits'],
    [to],
    { signed, narrow: 0, rounding_mode: 'ROUND' },
    'onnx.brevitas',
  );
const network = model({
  inputs: [info('x', [1, 4])],
  nodes: [
    quant('in', 'x', 'xq', 'half', 1),
    quant('w1', 'a', 'wa', 'half', 1),
    op('fc1', 'MatMul', ['xq', 'wa'], ['p1']),
    op('bend', 'Bent', ['p1'], ['b1'], {}, 'mine'),
    quant('act', 'b1', 'q1', 'half', 0),
    op('turn', 'Backwards', ['q1'], ['t1'], {}, 'mine'),
    op('fc2', 'MatMul', ['t1', 'wa'], ['y']),
  ],
  initializers: [
    floats('half', [], [0.5]),
    floats('zero', [], [0]),
    floats('bits', [], [3]),
    floats('a', [4, 4], [1, -1, 0.5, 1.5, -0.5, 1, 1, -1.5, 0.5, 0.5, -1, 1, 1.5, -0.5, 0.5, 1]),
  ],
});

let folder: string;
let project: Project;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'finn-onnx-'));
  writeFileSync(join(folder, 'own.ts'), text);
  writeFileSync(join(folder, 'finn.config.yaml'), 'plugins: [own.ts]\ntrust: { plugins: [own.ts] }\n');
  ({ project } = loadProject(join(folder, 'recipe.yaml'), {}));
});
afterAll(() => {
  loadPlugins({ ...project, plugins: [] }, { mayRun: false });
  rmSync(folder, { recursive: true });
});

it('models may have ONNX operators of a plug-in: activations become thresholds, others follow their rule', () => {
  expect(() => readModel(network)).toThrow(/onnx\/unknown-operator/);
  loadPlugins(project, { mayRun: false });
  const graph = readModel(network);
  const { parts, laidOut } = divide(graph);
  const vectors = readVectors(graph, {});
  expect(verifyStreamline(graph, parts, vectors, true).vectors).toBeGreaterThan(1);
  const { graph: layers, diagnostics } = toLayers(laidOut.core, { standaloneThresholds: false });
  expect(diagnostics).toEqual([]);
  expect(nodesOf(layers).map((node) => node.op.name)).toEqual(['MVAU', 'Turned', 'MVAU']);
  expect(verifyLower(laidOut, layers, vectors, true).elements).toBeGreaterThan(0);
});
