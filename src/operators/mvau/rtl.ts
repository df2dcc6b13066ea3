import type { Design } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { thresholdUnit } from '../../hdl/thresholds.ts';
import { lane } from '../../hdl/verilog.ts';
import { writer } from '../../util/writer.ts';
import { count, results, sums } from './accumulate.ts';
import { control } from './control.ts';
import { dotModules, sharedBits } from './dots.ts';
import type { Mvau } from './layer.ts';
import { depthOf, type Plan, partStage, planOf, sumsAreOutput } from './plan.ts';
import { streamsOf } from './streams.ts';

/** The circuit of an MVAU: one module of control and accumulators, one of a neuron's sum of products, and the threshold unit. */
export function mvauRtl(m: Mvau, device: Device, name: string): Design {
  const plan = planOf(m, device);
  const memories: Record<string, string> = {};
  const sources: Record<string, string> = {};
  const dots = dotModules(m, plan, device, name);
  for (const [module, text] of Object.entries(dots)) sources[`${module}.v`] = text;
  if (plan.thresholds) {
    const unit = thresholdUnit(`${name}_thresholds`, plan.thresholds);
    sources[`${name}_thresholds.v`] = unit.source;
    Object.assign(memories, unit.memories);
  }
  sources[`${name}.v`] = top(m, plan, device, name, memories);
  return { top: name, sources, memories, streams: streamsOf(m) };
}

/** Registers from the beat that completes a result to the output. */
export function mvauDepth(m: Mvau, device: Device): number {
  const plan = planOf(m, device);
  return depthOf(m, plan);
}

function top(m: Mvau, plan: Plan, device: Device, name: string, memories: Record<string, string>): string {
  const { pe } = m;
  const { front, back, partBits } = plan;
  const [input, output] = streamsOf(m) as [ReturnType<typeof streamsOf>[number], ReturnType<typeof streamsOf>[number]];
  const part = partStage(plan);
  const depth = depthOf(m, plan);
  const w = writer();
  w.line(`module ${name} (`).indent(() => {
    w.lines(['input wire ap_clk,', 'input wire ap_rst_n,']);
    w.lines([
      `input wire [${input.width - 1}:0] s_axis_0_tdata,`,
      'input wire s_axis_0_tvalid,',
      'output wire s_axis_0_tready,',
    ]);
    w.lines([
      `output wire [${output.width - 1}:0] m_axis_0_tdata,`,
      'output wire m_axis_0_tvalid,',
      'input wire m_axis_0_tready',
    ]);
  });
  w.line(');').indent(() => {
    // The whole pipeline stands still while a result waits on the output.
    w.line('wire en = m_axis_0_tready | ~m_axis_0_tvalid;');
    control(w, m, plan, device, name, part, memories);
    w.line(`wire [${pe * partBits - 1}:0] p;`);
    if (front === 'constant') {
      const tBits = sharedBits(m, plan);
      const t = tBits > 0 ? ', .t(t)' : '';
      if (tBits > 0) {
        w.line(`wire [${tBits - 1}:0] t;`).line(`${name}_shared shared (.clk(ap_clk), .en(en), .x(x)${t});`);
      }
      for (let i = 0; i < pe; i += 1)
        w.line(`${name}_dot_${i} dot_${i} (.clk(ap_clk), .en(en), .x(x)${t}, .p(${lane('p', i, partBits)}));`);
    } else w.line(`${name}_dot dot (.clk(ap_clk), .en(en), .x(x), .w(w), .p(p));`);
    if (back === 'count') count(w, m, plan, name, part, depth);
    else if (sumsAreOutput(m, plan)) {
      results(w, m, plan, 'p', output.bits);
      w.line(`assign m_axis_0_tvalid = valid_${part};`);
    } else {
      sums(w, m, plan, device, name, part, memories);
    }
  });
  w.line('endmodule');
  return w.toString();
}
