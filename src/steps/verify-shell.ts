import { fail } from '../diagnostics/diagnostic.ts';
import { layersOf } from '../passes/fold/names.ts';
import { hostBeats, message } from '../shells/uart/frames.ts';
import { uartFacts, uartTestbench } from '../shells/uart/shell.ts';
import { compileSimulation, runSimulation, simulatorTools } from '../sim/simulation.ts';
import { accelerator, dataflow, integerNetwork, shellVerdict, vectors } from './artifacts.ts';
import { hasShell, shellConfig, shellOf } from './shell.ts';
import { simulators } from './simulate.ts';
import { buildStep } from './step.ts';
import { indexOf, mismatch } from './verify/compare.ts';
import { beatsOf, elementsOf, trafficOf } from './verify/frames.ts';
import { acceleratorInputs } from './verify/lower.ts';

/** Frames that go through the simulated wires. */
const FRAMES = 2;
/** Simulated with this many clocks a bit, whatever the baud rate: the same circuit, and fewer cycles to wait. */
const CLOCKS_A_BIT = 8;

export const verifyShell = buildStep({
  name: 'verify-shell',
  doc: 'Simulates the whole top with its UART: frames go in and come out over the wires as a host would send them.',
  needs: { accelerator, dataflow, split: integerNetwork, vectors },
  makes: { shellVerdict },
  aside: true,
  cost: () => ({ threads: 1, memory: 1000 }),
  applies: ({ build }) => hasShell(build.target.board),
  config: (settings) => ({ shell: shellConfig(settings), simulator: simulators[settings.recipe.tools.simulation] }),
  tools: ({ recipe }) => simulatorTools(simulators[recipe.tools.simulation]),
  async run({ accelerator: whole, dataflow: graph, split, vectors: given }, { config, call, note }) {
    const shell = shellOf(whole, config.shell);
    const { inputBytes, outputBytes, clockHz } = uartFacts(shell);
    const quick = { ...shell, baud: Math.round(clockHz / CLOCKS_A_BIT), pause: 12 };
    const frames = acceleratorInputs(split, graph, given, FRAMES);
    const { outputs } = trafficOf(graph, frames, 0);
    const [input] = whole.streams.filter(({ direction }) => direction === 'in');
    const [output] = whole.streams.filter(({ direction }) => direction === 'out');
    const requests = frames.map((frame) => message('X', beatsOf([frame], input!)));
    const replies = frames.map(() => outputBytes + 2);
    const due = replies.reduce((a, b) => a + b, 0);
    const bench = uartTestbench(quick, { request: requests.reduce((n, one) => n + one.length, 0), reply: due });
    const compiled = await compileSimulation([bench], config.simulator, call, 'simulation of the UART top');
    // Between a request and its reply the wires are silent for a whole latency, which is never more than all layers' cycles together.
    const idle = 100_000 + [...layersOf(graph).values()].reduce((sum, layer) => sum + layer.op.cycles(layer), 0);
    const inputs = { s_axis_0: hostBeats(requests, replies) };
    const stimulus = { inputs, outputs: { m_axis_0: due }, drain: 1000, idle };
    const [result] = await runSimulation(compiled, [stimulus], call, 'simulation of the UART top');
    const said = result!.streams['m_axis_0']!;
    if (result!.ended !== 'done')
      fail('verify/beats', `after shell: the simulated UART answers ${said.count} bytes where ${due} are due`);
    let elements = 0;
    outputs.forEach((expected, vector) => {
      const reply = said.beats.subarray(vector * (outputBytes + 2), (vector + 1) * (outputBytes + 2));
      const body = reply.subarray(1, -1);
      if (!equal(reply, message('X', body)))
        fail(
          'verify/beats',
          `after shell: reply ${vector} is no answer to an execute request: ${[...reply.subarray(0, 8)].join(' ')} …`,
        );
      const found = elementsOf(body, expected, output!);
      for (let i = 0; i < expected.data.length; i += 1) {
        elements += 1;
        if (found[i] === expected.data[i]) continue;
        mismatch('shell', {
          where: 'the UART top',
          origin: [graph.outputs[0]!.name],
          vector,
          element: indexOf(i, expected.shape),
          expected: expected.data[i]!,
          found: found[i]!,
        });
      }
    });
    note(`${frames.length} frames of ${inputBytes} bytes over the simulated wires, ${result!.cycles} cycles`);
    return { shellVerdict: { stage: 'shell' as const, vectors: frames.length, elements, nearTies: 0 } };
  },
});

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
