import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import type { StreamPort } from '../hdl/design.ts';
import type { Graph, Node, TensorType } from '../ir/graph.ts';
import { sizeOf } from '../ir/tensor.ts';
import { nodesOf } from '../ir/traverse.ts';
import { uartFacts } from '../shells/uart/shell.ts';
import { accelerator, dataflow, driverFiles, integerNetwork } from './artifacts.ts';
import { type DriverPort, type HostStep, driverFiles as printDriver } from './driver/driver.ts';
import { hasShell, shellConfig, shellOf } from './shell.ts';
import { buildStep } from './step.ts';
import { indexOf } from './verify/compare.ts';

export const driver = buildStep({
  name: 'driver',
  doc: 'The Python driver: packing, the UART, and what of the network stays on the host.',
  needs: { accelerator, dataflow, split: integerNetwork },
  makes: { driverFiles },
  applies: ({ build }) => hasShell(build.target.board),
  config: shellConfig,
  async run({ accelerator: whole, dataflow: graph, split }, { config }) {
    const [input] = whole.streams.filter(({ direction }) => direction === 'in');
    const [output] = whole.streams.filter(({ direction }) => direction === 'out');
    const made = printDriver({
      input: portOf(graph.inputs[0]!.type, input!),
      output: portOf(graph.outputs[0]!.value.type, output!),
      uart: uartFacts(shellOf(whole, config)),
      before: hostSteps(split.before, 'before'),
      after: hostSteps(split.behind, 'after'),
    });
    return { driverFiles: Object.fromEntries(Object.entries(made).map(([path, bytes]) => [`driver/${path}`, bytes])) };
  },
});

const portOf = ({ dtype, shape }: TensorType, { bits, beats, lanes }: StreamPort): DriverPort => ({
  datatype: dtype.name,
  bits,
  normal: shape,
  folded: [1, beats, lanes],
});

type Numbers = number | readonly number[];

/**
 * The host's part of the network as steps that the driver knows; anything else is refused by name. Before the
 * accelerator a quantiser gives the integers that it is fed; behind it, as in the network, the reals that they stand for.
 */
export function hostSteps(graph: Graph | undefined, side: 'before' | 'after'): HostStep[] {
  if (!graph) return [];
  const steps: HostStep[] = [];
  for (const node of nodesOf(graph)) {
    const made = stepsOf(node);
    if (made === 'refuse')
      fail(
        'driver/unsupported',
        `the host computes '${node.origin[0]}' (${node.op.name}), which the Python driver cannot`,
        {
          at: inNetwork(node.origin),
          hint: 'take the node out of the network, or leave `driver` out of `outputs` and compute it yourself',
        },
      );
    const [quantize] = made;
    if (side === 'before' && quantize?.op === 'quantize') {
      // What follows only brings the network's reals back to these integers.
      steps.push(quantize);
      break;
    }
    steps.push(...made);
  }
  return steps;
}

/** Nodes that change no number: the driver computes on flat frames, and in one type. */
const silent = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/** The numbers of a constant: one, or one for each element of the node's output (row-major). */
function numbersOf(node: Node, position: number): Numbers | undefined {
  const value = node.inputs[position];
  if (value?.kind !== 'constant') return undefined;
  const { data, shape } = value.tensor;
  if (data.length === 1) return data[0]!;
  const frame = node.types[0]!.shape;
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return Array.from({ length: sizeOf(frame) }, (_, flat) => {
    const index = indexOf(flat, frame).slice(frame.length - shape.length);
    return data[index.reduce((at, i, axis) => at + (shape[axis] === 1 ? 0 : i * strides[axis]!), 0)]!;
  });
}

const each = (x: Numbers, f: (v: number) => number): Numbers => (typeof x === 'number' ? f(x) : x.map(f));

function stepsOf(node: Node): readonly HostStep[] | 'refuse' {
  if (silent.has(node.op.name)) return [];
  const [first, second] = [numbersOf(node, 0), numbersOf(node, 1)];
  const other = second ?? first;
  switch (node.op.name) {
    case 'Cast':
      // To an integer type it would cut fractions off.
      return node.types[0]!.dtype.integer && !node.inputs[0]!.type.dtype.integer ? 'refuse' : [];
    case 'Quant':
    case 'IntQuant': {
      const [zeroPoint, bits] = [numbersOf(node, 2), numbersOf(node, 3)];
      if (second === undefined || zeroPoint === undefined || typeof bits !== 'number') return 'refuse';
      if (!/^(ROUND|HALF_EVEN)$/.test(String(node.attrs['rounding_mode'] ?? 'ROUND'))) return 'refuse';
      const flag = (name: string, otherwise: number) => Number(node.attrs[name] ?? otherwise) !== 0;
      return [
        { op: 'quantize', scale: second, zeroPoint, bits, signed: flag('signed', 1), narrow: flag('narrow', 0) },
        { op: 'affine', scale: 1, bias: each(zeroPoint, (v) => -v) },
        { op: 'affine', scale: second, bias: 0 },
      ];
    }
    case 'Mul':
      return other === undefined ? 'refuse' : [{ op: 'affine', scale: other, bias: 0 }];
    case 'Add':
      return other === undefined ? 'refuse' : [{ op: 'affine', scale: 1, bias: other }];
    case 'Sub':
      if (second !== undefined) return [{ op: 'affine', scale: 1, bias: each(second, (v) => -v) }];
      return first === undefined ? 'refuse' : [{ op: 'affine', scale: -1, bias: first }];
    case 'Div':
      return second === undefined ? 'refuse' : [{ op: 'divide', by: second }];
    default:
      return 'refuse';
  }
}
