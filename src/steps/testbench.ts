import type { Files } from '../engine/artifact.ts';
import type { Design } from '../hdl/design.ts';
import type { Tensor } from '../ir/tensor.ts';
import { testbench } from '../sim/testbench.ts';
import { beatsOf } from './verify/frames.ts';

/** Frames that the delivered testbench sends, at most. */
const FRAMES = 16;

/**
 * A self-checking Verilog testbench of an accelerator with one input and one output, for any simulator:
 * testbench/<top>_tb.v and the beats that it sends and expects, one hex file a stream. `inputs` and `outputs` are frames
 * in the same order.
 */
export function acceleratorTestbench(design: Design, inputs: readonly Tensor[], outputs: readonly Tensor[]): Files {
  const [input] = design.streams.filter(({ direction }) => direction === 'in');
  const [output] = design.streams.filter(({ direction }) => direction === 'out');
  const frames = Math.min(FRAMES, inputs.length);
  const { top, source, data } = testbench(
    design,
    {
      inputs: { [input!.name]: beatsOf(inputs.slice(0, frames), input!) },
      outputs: { [output!.name]: frames * output!.beats },
    },
    { expected: { [output!.name]: beatsOf(outputs.slice(0, frames), output!) } },
  );
  const utf8 = new TextEncoder();
  return Object.fromEntries(
    [[`${top}.v`, source] as const, ...Object.entries(data)].map(([name, text]) => [
      `testbench/${name}`,
      utf8.encode(text),
    ]),
  );
}
