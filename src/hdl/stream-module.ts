import { type Writer, writer } from '../util/writer.ts';
import type { StreamPort } from './design.ts';
import { range } from './verilog.ts';

/** A module `top` with clock, reset and the ports of its streams; `body` prints what is inside. */
export function streamModule(top: string, streams: readonly StreamPort[], body: (w: Writer) => void): string {
  const w = writer();
  w.line(`module ${top} (`).indent(() => {
    w.line('input wire ap_clk,').line('input wire ap_rst_n,');
    streams.forEach(({ name, direction, width }, i) => {
      const [data, back] = direction === 'in' ? ['input', 'output'] : ['output', 'input'];
      w.line(`${data} wire ${range(width)} ${name}_tdata,`).line(`${data} wire ${name}_tvalid,`);
      w.line(`${back} wire ${name}_tready${i < streams.length - 1 ? ',' : ''}`);
    });
  });
  return w
    .line(');')
    .indent(() => body(w))
    .line('endmodule')
    .toString();
}

/**
 * Control of a rigid pipeline of `depth` registers from streams that are taken together to m_axis_0: declares `take` (a beat
 * of each is there) and `move` (the pipeline moves on: what it holds at its end leaves, or is nothing).
 */
export function pipelineControl(w: Writer, streams: readonly StreamPort[], depth: number): void {
  const inputs = streams.filter(({ direction }) => direction === 'in').map(({ name }) => name);
  const last = depth - 1;
  w.line(`reg ${range(depth)} valid;`).line(`wire move = m_axis_0_tready | ~valid[${last}];`);
  w.line(`wire take = ${inputs.map((name) => `${name}_tvalid`).join(' & ')};`);
  for (const name of inputs) {
    const others = inputs.filter((other) => other !== name).map((other) => `${other}_tvalid`);
    w.line(`assign ${name}_tready = ${['move', ...others].join(' & ')};`);
  }
  w.line(`assign m_axis_0_tvalid = valid[${last}];`);
  const next = depth > 1 ? `{valid[${last - 1}:0], take}` : 'take';
  w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid <= ${depth}'d0; else if (move) valid <= ${next};`);
}

/** Declares a counter of 0 … count − 1 that steps when `step` is 1, and <name>_last; with a count of 1 there is none. */
export function counter(w: Writer, name: string, count: number, bits: number, step: string): void {
  w.line(`reg ${range(bits)} ${name};`).line(`wire ${name}_last = ${name} == ${bits}'d${count - 1};`);
  w.line(`always @(posedge ap_clk) if (!ap_rst_n) ${name} <= ${bits}'d0;`);
  w.line(`else if (${step}) ${name} <= ${name}_last ? ${bits}'d0 : ${name} + ${bits}'d1;`);
}
