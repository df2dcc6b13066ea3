import type { Design } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { type Counter, heap } from '../../hdl/heap.ts';
import { thresholdUnit } from '../../hdl/thresholds.ts';
import { concat, lane } from '../../hdl/verilog.ts';
import { writer } from '../../util/writer.ts';
import { count, results, sums } from './accumulate.ts';
import { control } from './control.ts';
import { constantProductBits, productBits } from './encoding.ts';
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

function counterOf(plan: Plan, device: Device): Counter {
  if (device.family === 'ice40' || device.family === 'ecp5') return '3:2';
  return plan.weights.kind === 'constant' ? '6:3' : plan.weights.kind === 'ternary' ? '3:2' : '3:2+6:3';
}

/** Unsigned bits of input lane i, as expressions. */
function inputBits(plan: Plan, i: number): string[] {
  const { bits, invertTop } = plan.input;
  return Array.from({ length: bits }, (_, k) => `${invertTop && k === bits - 1 ? '~' : ''}x[${i * bits + k}]`);
}

/** One module for all neurons where weights come from memory, one for each where they are constants. */
function dotModules(m: Mvau, plan: Plan, device: Device, name: string): Record<string, string> {
  const constant = sumsAreOutput(m, plan) ? plan.preload : undefined;
  if (plan.front !== 'constant')
    return { [`${name}_dot`]: memoryDot(m, plan, device, `${name}_dot`, constant?.[0] ?? 0n) };
  const neurons = Array.from({ length: m.mh }, (_, j) => j);
  return Object.fromEntries(
    neurons.map((j) => [`${name}_dot_${j}`, constantDot(m, plan, device, `${name}_dot_${j}`, j, constant?.[j] ?? 0n)]),
  );
}

function memoryDot(m: Mvau, plan: Plan, device: Device, module: string, constant: bigint): string {
  const { pe, simd } = m;
  const { bits, invertTop, shift } = plan.input;
  const products = simd * pe;
  const w = writer();
  w.line(`module ${module} (`).indent(() => {
    w.lines(['input wire clk,', 'input wire en,', `input wire [${simd * bits - 1}:0] x,`]);
    w.line(`input wire [${products * plan.weights.bits - 1}:0] w,`).line(`output reg [${pe * plan.partBits - 1}:0] p`);
  });
  w.line(');').indent(() => {
    // Bit k of every input, once for each neuron: as the weights lie in memory.
    const u = Array.from({ length: bits }, (_, k) => {
      const lanes = Array.from({ length: simd }, (_, i) =>
        pe > 1 ? `{${pe}{x[${i * bits + k}]}}` : `x[${i * bits + k}]`,
      );
      const whole = bits === 1 && pe === 1 ? 'x' : `{${lanes.reverse().join(', ')}}`;
      w.line(`wire [${products - 1}:0] u${k} = ${invertTop && k === bits - 1 ? '~' : ''}${whole};`);
      return `u${k}`;
    });
    const planes = Array.from({ length: plan.weights.bits }, (_, k) => lane('w', k, products));
    const all = productBits(plan.weights, u, planes).map(({ expression, column }) => ({
      expression,
      column: column + shift,
      count: simd,
    }));
    const { lines, sums } = heap(all, constant, {
      prefix: 'h',
      counter: counterOf(plan, device),
      width: plan.partBits,
      lanes: pe,
      ...(plan.cut !== undefined && { cut: plan.cut }),
    });
    w.lines(lines);
    w.line(`always @(posedge clk) if (en) p <= ${concat([...sums].reverse())};`);
  });
  return w.line('endmodule').toString();
}

function constantDot(m: Mvau, plan: Plan, device: Device, module: string, neuron: number, constant: bigint): string {
  const byColumn = new Map<number, string[]>();
  for (let i = 0; i < m.mw; i += 1)
    for (const { expression, column } of constantProductBits(m.weights.data[i * m.mh + neuron]!, inputBits(plan, i))) {
      const at = column + plan.input.shift;
      byColumn.set(at, [...(byColumn.get(at) ?? []), expression]);
    }
  const all = [...byColumn].map(([column, bits]) => ({
    expression: concat([...bits].reverse()),
    column,
    count: bits.length,
  }));
  const options = {
    prefix: 'h',
    counter: counterOf(plan, device),
    width: plan.partBits,
    lanes: 1,
    ...(plan.cut !== undefined && { cut: plan.cut }),
  };
  const { lines, sums } = heap(all, constant, options);
  const w = writer();
  w.line(`module ${module} (`).indent(() => {
    w.lines(['input wire clk,', 'input wire en,', `input wire [${m.simd * plan.input.bits - 1}:0] x,`]);
    w.line(`output reg [${plan.partBits - 1}:0] p`);
  });
  w.line(');').indent(() => {
    w.line("wire unused = &{1'b0, x};").lines(lines).line(`always @(posedge clk) if (en) p <= ${sums[0]};`);
  });
  return w.line('endmodule').toString();
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
      for (let i = 0; i < pe; i += 1)
        w.line(`${name}_dot_${i} dot_${i} (.clk(ap_clk), .en(en), .x(x), .p(${lane('p', i, partBits)}));`);
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
