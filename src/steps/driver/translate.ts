import { fail, inNetwork } from '../../diagnostics/diagnostic.ts';
import type { Graph, Node, Op, Value } from '../../ir/graph.ts';
import { nodesOf } from '../../ir/traverse.ts';
import { finn, onnx, qonnx } from '../../passes/ops.ts';
import * as activation from './activation.ts';
import * as arithmetic from './arithmetic.ts';
import { inTurn, one } from './arithmetic.ts';
import { movement, reshape, transpose } from './movement.ts';
import { averagePool, maxPool } from './pooling.ts';
import { type HostProgram, type HostRule, HostWriter, type Operand } from './program.ts';
import * as quantisers from './quantisers.ts';
import { along, mean, reduce, spatialAxes, topK } from './reductions.ts';
import { siteOf } from './site.ts';

/** Functions of host_part.py that an operation of ONNX is by itself. */
const direct: Readonly<Record<string, string>> = {
  ...{ Add: 'add', Sub: 'sub', Mul: 'mul', Pow: 'pow', Where: 'where' },
  ...{ Equal: 'equal', Less: 'less', LessOrEqual: 'less_equal', Greater: 'greater', GreaterOrEqual: 'greater_equal' },
  ...{ And: 'and', Or: 'or', Xor: 'xor', Not: 'not' },
  ...{ Relu: 'relu', Neg: 'neg', Abs: 'abs', Sign: 'sign', Floor: 'floor', Ceil: 'ceil', Round: 'round' },
  ...{ Exp: 'exp', Log: 'log', Sqrt: 'sqrt', Reciprocal: 'reciprocal', Sin: 'sin', Cos: 'cos' },
  ...{ Tanh: 'tanh', Erf: 'erf', Sigmoid: 'sigmoid', Softplus: 'softplus' },
};

const rules: ReadonlyMap<Op, HostRule> = new Map<Op, HostRule>([
  ...Object.entries(direct).map(([name, op]): [Op, HostRule] => [onnx(name), one(op)]),
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Dropout'].map((name): [Op, HostRule] => [
    onnx(name),
    reshape,
  ]),
  ...['Gather', 'Slice', 'Split', 'Pad', 'Tile', 'Expand', 'Concat', 'Resize', 'DepthToSpace', 'SpaceToDepth'].map(
    (name): [Op, HostRule] => [onnx(name), movement],
  ),
  ...['DepthToSpace', 'InsertPixels'].map((name): [Op, HostRule] => [finn(name), movement]),
  [qonnx('Im2Col'), movement],
  [onnx('Transpose'), transpose],
  [onnx('Cast'), arithmetic.cast],
  [onnx('Div'), arithmetic.divide],
  [onnx('Min'), inTurn('min')],
  [onnx('Max'), inTurn('max')],
  [onnx('Clip'), arithmetic.clip],
  [onnx('HardTanh'), arithmetic.hardTanh],
  [onnx('HardSigmoid'), arithmetic.hardSigmoid],
  [onnx('LeakyRelu'), arithmetic.leaky],
  [onnx('PRelu'), arithmetic.leaky],
  [onnx('Mod'), (node, reads, writer) => one(node.attrs['fmod'] ? 'fmod' : 'mod')(node, reads, writer)],
  [onnx('Softsign'), activation.softsign],
  [onnx('Mish'), activation.mish],
  [onnx('HardSwish'), activation.hardSwish],
  [onnx('Gelu'), activation.gelu],
  [onnx('Elu'), activation.elu],
  [onnx('Celu'), activation.celu],
  [onnx('Selu'), activation.selu],
  [onnx('ThresholdedRelu'), activation.thresholdedRelu],
  [onnx('BatchNormalization'), arithmetic.batchNormalization],
  [onnx('MatMul'), arithmetic.matMul],
  [onnx('Gemm'), arithmetic.gemm],
  [onnx('ReduceSum'), reduce('sum')],
  [onnx('ReduceMax'), reduce('most')],
  [onnx('ReduceMin'), reduce('least')],
  [onnx('ReduceProd'), reduce('product')],
  [onnx('ReduceMean'), mean()],
  [onnx('GlobalAveragePool'), mean(spatialAxes)],
  [onnx('GlobalMaxPool'), reduce('most', spatialAxes)],
  [onnx('MaxPool'), maxPool],
  [onnx('AveragePool'), averagePool],
  [onnx('Softmax'), along('softmax', -1)],
  [onnx('LogSoftmax'), along('log_softmax', -1)],
  [onnx('ArgMax'), along('arg_max', 0)],
  [onnx('ArgMin'), along('arg_min', 0)],
  [onnx('TopK'), topK],
  [qonnx('Quant'), quantisers.quant],
  [qonnx('IntQuant'), quantisers.quant],
  [qonnx('BipolarQuant'), quantisers.bipolarQuant],
  [qonnx('Trunc'), quantisers.trunc],
  [qonnx('MultiThreshold'), quantisers.multiThreshold],
  [onnx('QuantizeLinear'), quantisers.quantizeLinear],
  [onnx('DequantizeLinear'), quantisers.dequantizeLinear],
]);

/** Fails because the driver cannot compute the node. */
function refuse(node: Node): never {
  const { outputs } = siteOf(node).context;
  return fail(
    'driver/unsupported',
    `the host computes '${node.origin[0]}' (${node.op.name}${outputs > 1 ? ` with ${outputs} outputs` : ''}), which the Python driver cannot`,
    {
      at: inNetwork(node.origin),
      hint: 'take the node out of the network, or leave `driver` out of `outputs` and compute it yourself',
    },
  );
}

/** The host's part of the network as a program of the driver; a node that it cannot compute is refused by name. */
export function hostProgram(graph: Graph): HostProgram {
  const [input, ...others] = graph.inputs;
  const [result, ...more] = graph.outputs;
  if (!input || !result || others.length > 0 || more.length > 0) {
    const names = [...graph.inputs, ...graph.outputs].map(({ name }) => `'${name}'`);
    return fail('driver/unsupported', `the host's part has inputs and outputs ${names.join(', ')}`, {
      hint: 'the Python driver knows networks of one input and one output; leave `driver` out of `outputs`',
    });
  }
  const writer = new HostWriter(input.type);
  const values = new Map<Node, readonly Operand[]>();
  const read = (value: Value): Operand => {
    if (value.kind === 'constant') return value.tensor;
    return value.kind === 'input' ? 0 : values.get(value.node)![value.index]!;
  };
  for (const node of nodesOf(graph)) {
    const reads = node.inputs.map((value) => value && read(value));
    values.set(node, known(node, reads) ?? rules.get(node.op)?.(node, reads, writer) ?? refuse(node));
  }
  const last = read(result.value);
  if (typeof last === 'number') return writer.done(last);
  return fail('driver/unsupported', `the network's output '${result.name}' does not depend on its input`, {
    hint: 'there is nothing to compute: take the output out of the network',
  });
}

/** What a node makes of constants alone. */
function known(node: Node, reads: readonly (Operand | undefined)[]): readonly Operand[] | undefined {
  const constants = reads.flatMap((read) => (typeof read === 'number' ? [] : [read]));
  if (constants.length < reads.length) return undefined;
  return node.op.evaluate(constants, node.attrs, {
    origin: node.origin,
    outputs: node.types.length,
    types: node.types,
  });
}
