import type { StreamPort } from '../hdl/design.ts';
import type { TensorType } from '../ir/graph.ts';
import { uartFacts } from '../shells/uart/shell.ts';
import { accelerator, dataflow, driverFiles, integerNetwork } from './artifacts.ts';
import { type DriverPort, driverFiles as printDriver } from './driver/driver.ts';
import { hostProgram } from './driver/translate.ts';
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
      before: split.before && hostProgram(split.before),
      after: split.behind && hostProgram(split.behind),
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
