import type { Design } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { type Counter, type Heap, type HeapBit, heap } from '../../hdl/heap.ts';
import { thresholdUnit } from '../../hdl/thresholds.ts';
import { lane } from '../../hdl/verilog.ts';
import { writer } from '../../util/writer.ts';
import { count, results, sums } from './accumulate.ts';
import { control } from './control.ts';
import { constantProductBits, productBits } from './encoding.ts';
import type { Mvau } from './layer.ts';
import { depthOf, frontDepth, type Plan, planOf, sumsAreOutput } from './plan.ts';
import { streamsOf } from './streams.ts';

/** The circuit of an MVAU: one module of control and accumulators, one of a neuron's sum of products, and the threshold unit. */
export function mvauRtl(m: Mvau, device: Device, name: string): Design {
  const plan = planOf(m, device);
  const memories: Record<string, string> = {};
  const sources: Record<string, string> = {};
  const dots = dotModules(m, plan, device, name);
  for (const [module, text] of Object.entries(dots.sources)) sources[`${module}.v`] = text;
  if (plan.thresholds) {
    const unit = thresholdUnit(`${name}_thresholds`, plan.thresholds);
    sources[`${name}_thresholds.v`] = unit.source;
    Object.assign(memories, unit.memories);
  }
  sources[`${name}.v`] = top(m, plan, device, name, dots.depth, memories);
  return { top: name, sources, memories, streams: streamsOf(m) };
}

/** Registers from the beat that completes a result to the output. */
export function mvauDepth(m: Mvau, device: Device): number {
  const plan = planOf(m, device);
  return depthOf(m, plan, 0);
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
function dotModules(
  m: Mvau,
  plan: Plan,
  device: Device,
  name: string,
): { sources: Record<string, string>; depth: number } {
  const counter = counterOf(plan, device);
  const shift = plan.input.shift;
  const xBits = m.simd * plan.input.bits;
  const shifted = (list: readonly HeapBit[]): HeapBit[] =>
    list.map(({ bit, column }) => ({ bit, column: column + shift }));
  const make = (module: string, bits: readonly HeapBit[], constant: bigint, wBits: number): [string, Heap] => {
    const sum = heap(shifted(bits), constant, { prefix: 'h', counter, width: plan.partBits });
    const w = writer();
    w.line(`module ${module} (`).indent(() => {
      w.lines(['input wire clk,', 'input wire en,', `input wire [${xBits - 1}:0] x,`]);
      if (wBits > 0) w.line(`input wire [${wBits - 1}:0] w,`);
      w.line(`output reg [${plan.partBits - 1}:0] p`);
    });
    const idle = wBits === 0 ? ["wire unused = &{1'b0, x};"] : [];
    w.line(');').indent(
      () => void w.lines([...idle, ...sum.lines]).line(`always @(posedge clk) if (en) p <= ${sum.sum};`),
    );
    w.line('endmodule');
    return [w.toString(), sum];
  };
  const direct = sumsAreOutput(m, plan);
  if (plan.front !== 'constant') {
    const code = plan.weights;
    const bits = Array.from({ length: m.simd }, (_, i) => i).flatMap((i) =>
      productBits(code, inputBits(plan, i), (bit) => `w[${i * code.bits + bit}]`),
    );
    const [text, sum] = make(`${name}_dot`, bits, direct ? plan.preload![0]! : 0n, m.simd * code.bits);
    return { sources: { [`${name}_dot`]: text }, depth: sum.depth };
  }
  const sources: Record<string, string> = {};
  let depth = 0;
  for (let j = 0; j < m.mh; j += 1) {
    const bits = Array.from({ length: m.mw }, (_, i) => i).flatMap((i) =>
      constantProductBits(m.weights.data[i * m.mh + j]!, inputBits(plan, i)),
    );
    const [text, sum] = make(`${name}_dot_${j}`, bits, direct ? plan.preload![j]! : 0n, 0);
    sources[`${name}_dot_${j}`] = text;
    depth = sum.depth;
  }
  return { sources, depth };
}

function top(
  m: Mvau,
  plan: Plan,
  device: Device,
  name: string,
  heapDepth: number,
  memories: Record<string, string>,
): string {
  const { pe } = m;
  const { front, back, partBits } = plan;
  const [input, output] = streamsOf(m) as [ReturnType<typeof streamsOf>[number], ReturnType<typeof streamsOf>[number]];
  const part = frontDepth(front) + heapDepth + 1;
  const depth = depthOf(m, plan, heapDepth);
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
    for (let i = 0; i < pe; i += 1) {
      const module = front === 'constant' ? `${name}_dot_${i}` : `${name}_dot`;
      const weights = front === 'constant' ? '' : `.w(${lane('w', i, m.simd * plan.weights.bits)}), `;
      w.line(`${module} dot_${i} (.clk(ap_clk), .en(en), .x(x), ${weights}.p(${lane('p', i, partBits)}));`);
    }
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
