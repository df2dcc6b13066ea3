import { fail, inNetwork } from '../diagnostics/diagnostic.ts';
import type { StreamPort } from '../hdl/design.ts';
import type { Graph, Node, TensorType } from '../ir/graph.ts';
import { nodesOf } from '../ir/traverse.ts';
import { uartFacts } from '../shells/uart/shell.ts';
import { accelerator, dataflow, driverFiles, integerNetwork } from './artifacts.ts';
import { type DriverPort, type HostStep, driverFiles as printDriver } from './driver/driver.ts';
import { hasShell, shellConfig, shellOf } from './shell.ts';
import { buildStep } from './step.ts';

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
      before: hostSteps(split.before),
      after: hostSteps(split.behind),
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

/** The host's part of the network as steps that the driver knows; anything else is refused by name. */
export function hostSteps(graph: Graph | undefined): HostStep[] {
  if (!graph) return [];
  const steps: HostStep[] = [];
  let quantised = false;
  for (const node of nodesOf(graph)) {
    const step = stepOf(node, quantised);
    if (step === 'refuse')
      fail(
        'driver/unsupported',
        `the host computes '${node.origin[0]}' (${node.op.name}), which the Python driver cannot`,
        {
          at: inNetwork(node.origin),
          hint: 'take the node out of the network, or leave `driver` out of `outputs` and compute it yourself',
        },
      );
    if (step === undefined) continue;
    // The driver's quantize gives the integers themselves: the nodes that bring QONNX's result back to them are done with.
    if (step.op === 'quantize') quantised = true;
    steps.push(step);
  }
  return steps;
}

/** Nodes that change no number: streams have no shape, and numpy has one type. */
const silent = new Set(['Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Round']);

function stepOf(node: Node, quantised: boolean): HostStep | undefined | 'refuse' {
  if (silent.has(node.op.name) || quantised) return undefined;
  const parameter = (i: number): Numbers | undefined => {
    const value = node.inputs[i];
    if (value?.kind !== 'constant') return undefined;
    return value.tensor.data.length === 1 ? value.tensor.data[0]! : [...value.tensor.data];
  };
  const second = parameter(1);
  const first = parameter(0);
  const each = (x: Numbers, f: (v: number) => number): Numbers => (typeof x === 'number' ? f(x) : x.map(f));
  switch (node.op.name) {
    case 'Quant':
    case 'IntQuant': {
      const [zeroPoint, bits] = [parameter(2), parameter(3)];
      if (second === undefined || zeroPoint === undefined || typeof bits !== 'number') return 'refuse';
      if (!/^(ROUND|HALF_EVEN)$/.test(String(node.attrs['rounding_mode'] ?? 'ROUND'))) return 'refuse';
      const flag = (name: string, otherwise: number) => Number(node.attrs[name] ?? otherwise) !== 0;
      return { op: 'quantize', scale: second, zeroPoint, bits, signed: flag('signed', 1), narrow: flag('narrow', 0) };
    }
    case 'Mul':
      return { op: 'affine', scale: second ?? first ?? 1, bias: 0 };
    case 'Add':
      return { op: 'affine', scale: 1, bias: second ?? first ?? 0 };
    case 'Sub':
      return second === undefined ? 'refuse' : { op: 'affine', scale: 1, bias: each(second, (v) => -v) };
    case 'Div':
      return second === undefined ? 'refuse' : { op: 'affine', scale: each(second, (v) => 1 / v), bias: 0 };
    default:
      return 'refuse';
  }
}
