import { type Diagnostic, FinnError } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import type { Graph, Node, TensorType } from '../ir/graph.ts';
import { sizeOf } from '../ir/tensor.ts';
import { nodesOf } from '../ir/traverse.ts';
import { splitBias } from '../passes/clean/split-bias.ts';
import { splitGemm } from '../passes/clean/split-gemm.ts';
import { type Feed, feedInput } from '../passes/clean/surround.ts';
import { isLayer, layersOf } from '../passes/fold/names.ts';
import { divide } from '../passes/lower/divide.ts';
import { toLayers } from '../passes/lower/to-layers.ts';
import { isConstant } from '../passes/streamline/constants.ts';
import type { HostNode } from '../passes/streamline/walk.ts';
import { rational } from '../util/rational.ts';
import { type DiagnosticJson, diagnosticJson } from './diagnostic-json.ts';
import { typeText } from './graph.ts';
import { readAnyModel } from './model-file.ts';
import type { Io } from './session.ts';
import { plural, table } from './table.ts';
import { useTrustedPlugins } from './trusted-plugins.ts';

export interface InspectOptions {
  readonly json?: boolean | undefined;
}

/** What hardware the network would become. */
interface Lowered {
  /** Layer → its operator, ONNX nodes and output. */
  readonly layers: readonly { readonly name: string; readonly nodes: readonly string[]; readonly output: TypeJson }[];
  /** FINN's counts of all layers: op_mac_1bx1b, param_weight_1b, param_threshold_10b. */
  readonly counts: Readonly<Record<string, number>>;
  readonly onHost: readonly HostNode[];
  readonly problems: readonly Diagnostic[];
  /** What was taken for granted because only a recipe says it. */
  readonly assumed?: string;
}

interface TypeJson {
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** `finn inspect`: 0 for every model that can be read, whether it can be lowered or not. */
export async function inspect(path: string, { json }: InspectOptions, io: Io): Promise<number> {
  useTrustedPlugins(path, io);
  const graph = readAnyModel(path);
  const nodes = nodesOf(graph);
  const ops = histogram(nodes.map(({ op }) => (op.domain === '' ? op.name : `${op.domain}:${op.name}`)));
  const datatypes = histogram(nodes.flatMap(({ types }) => types.map(({ dtype }) => dtype.name)));
  const { parameters, macs } = work(nodes);
  const lowered = lower(graph);
  if (json) {
    io.out(
      JSON.stringify({
        model: graph.name,
        inputs: graph.inputs.map(({ name, type }) => ({ name, ...typeJson(type) })),
        outputs: graph.outputs.map(({ name, value }) => ({ name, ...typeJson(value.type) })),
        ops,
        datatypes,
        parameters,
        macs,
        nodes: nodes.map(({ op, origin, types }) => ({ op: op.name, nodes: origin, outputs: types.map(typeJson) })),
        layers: lowered.layers,
        counts: lowered.counts,
        onHost: lowered.onHost,
        ...(lowered.assumed !== undefined && { assumed: lowered.assumed }),
        problems: lowered.problems.map((problem): DiagnosticJson => diagnosticJson(problem)),
      }),
    );
    return 0;
  }
  const { inputs, outputs } = graph;
  const lines = [
    `${path}${graph.name === '' ? '' : ` (${graph.name})`}: ${plural(nodes.length, 'node')}`,
    ...table(
      ['', 'NAME', 'TYPE'],
      [
        ...inputs.map(({ name, type }) => ['input', name, typeText(type)]),
        ...outputs.map(({ name, value }) => ['output', name, typeText(value.type)]),
      ],
    ),
    '',
    `${plural(parameters, 'parameter')}, ${plural(macs, 'MAC')} a frame`,
    `operators  ${listed(ops)}`,
    `datatypes  ${listed(datatypes)}`,
    ...loweredLines(lowered),
  ];
  for (const line of lines) io.out(line);
  for (const problem of lowered.problems) io.out(render(problem, { color: io.color && io.terminal }));
  return 0;
}

function loweredLines({ layers, counts, onHost, problems, assumed: said }: Lowered): string[] {
  const rows = layers.map(({ name, nodes, output }) => [
    name,
    `${output.datatype} ${output.shape.join('×')}`,
    nodes.join(', '),
  ]);
  return [
    ...(said === undefined ? [] : ['', `as with a recipe that says that ${said}:`]),
    ...(rows.length > 0 ? ['', ...table(['LAYER', 'OUTPUT', 'FROM'], rows)] : []),
    ...(Object.keys(counts).length > 0 ? [`counts  ${listed(counts)}`] : []),
    ...(onHost.length > 0
      ? [
          '',
          'on the host:',
          ...onHost.map((one) => `  ${one.node} (${one.op}), ${one.side} the accelerator: ${one.reason}`),
        ]
      : []),
    '',
    problems.length === 0
      ? 'every node becomes a hardware layer'
      : `does not become hardware: ${plural(problems.length, 'problem')}`,
  ];
}

/** The network as hardware; a model that has layers already is taken as it is. */
function lower(graph: Graph): Lowered {
  if (nodesOf(graph).some(isLayer)) return { ...layersIn(graph), onHost: [], problems: [] };
  const asItIs = lowerFed(graph);
  const [first, ...others] = graph.inputs;
  if (asItIs.problems.length === 0 || !first || others.length > 0 || first.type.dtype.integer) return asItIs;
  // Most networks leave it to the recipe to say what their real input is made of.
  return { ...lowerFed(graph, assumed), assumed: `${first.name} is made of ${assumed.datatype}` };
}

const assumed: Feed = { datatype: 'UINT8', scale: [rational(1n)] };

function lowerFed(graph: Graph, feed?: Feed): Lowered {
  try {
    const simple = splitBias(splitGemm(graph));
    const {
      parts: { onHost },
      laidOut,
    } = divide(feed ? feedInput(simple, feed) : simple);
    const { graph: made, diagnostics } = toLayers(laidOut.core, { standaloneThresholds: false });
    return { ...layersIn(made), onHost, problems: diagnostics };
  } catch (cause) {
    if (!(cause instanceof FinnError)) throw cause;
    return { layers: [], counts: {}, onHost: [], problems: cause.diagnostics };
  }
}

function layersIn(graph: Graph): Pick<Lowered, 'layers' | 'counts'> {
  const layers = [...layersOf(graph)];
  const counts: Record<string, number> = {};
  for (const [, layer] of layers)
    for (const [key, n] of Object.entries(layer.op.counts?.(layer) ?? {})) counts[key] = (counts[key] ?? 0) + n;
  return {
    layers: layers.map(([name, { origin, types }]) => ({ name, nodes: origin, output: typeJson(types[0]!) })),
    counts,
  };
}

/** Operators whose second input is a weight, and how often each weight is used for one element of the output. */
const products = new Set(['MatMul', 'Gemm', 'MatMulInteger', 'XnorPopcountMatMul', 'MVAU']);

/** Weights of matrix products and convolutions, and their multiply-accumulates in one frame. */
function work(nodes: readonly Node[]): { parameters: number; macs: number } {
  let parameters = 0;
  let macs = 0;
  for (const { op, inputs, types } of nodes) {
    const [a, b] = inputs;
    if (!a || !b) continue;
    const weight = isConstant(b) ? b : isConstant(a) ? a : undefined;
    const result = sizeOf(types[0]!.shape);
    if (products.has(op.name)) {
      if (weight) parameters += sizeOf(weight.type.shape);
      // Each element of a vector meets each output of its row.
      macs += result * (a.type.shape.at(-1) ?? 1);
    } else if (op.name === 'Conv' || op.name === 'ConvTranspose') {
      parameters += sizeOf(b.type.shape);
      const kernel = sizeOf(b.type.shape.slice(1));
      macs += kernel * (op.name === 'Conv' ? result : sizeOf(a.type.shape));
    }
  }
  return { parameters, macs };
}

function histogram(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ') || 'none';
const typeJson = ({ dtype, shape }: TensorType): TypeJson => ({ datatype: dtype.name, shape });
