import type { Device } from '../../hdl/device.ts';
import { type Counter, type HeapBits, heap } from '../../hdl/heap.ts';
import { concat, lane, range } from '../../hdl/verilog.ts';
import { writer } from '../../util/writer.ts';
import { constantProductBits, productBits } from '../encoding.ts';
import type { Vvau } from './layer.ts';
import { inLogic, type Plan } from './plan.ts';

/** Verilog of the sums of products by module: one for all lanes where weights come from memory, one for each channel where they are constants. */
export function dotModules(v: Vvau, plan: Plan, device: Device, name: string): Record<string, string> {
  if (!inLogic(v)) return { [`${name}_dot`]: memoryDot(v, plan, device, `${name}_dot`) };
  const channels = Array.from({ length: v.channels }, (_, c) => c);
  return Object.fromEntries(
    channels.map((c) => [`${name}_dot_${c}`, constantDot(v, plan, device, `${name}_dot_${c}`, c)]),
  );
}

function counterOf(plan: Plan, device: Device): Counter {
  if (device.family === 'ice40' || device.family === 'ecp5') return '3:2';
  return plan.weights.kind === 'constant' ? '6:3' : plan.weights.kind === 'ternary' ? '3:2' : '3:2+6:3';
}

/** A module of ports clk, en, x, `ports`, and p, the sums of the bits for `lanes` lanes a cycle later, or two where the heap is cut. */
function dotModule(
  module: string,
  xBits: number,
  ports: readonly string[],
  lines: readonly string[],
  bits: readonly HeapBits[],
  lanes: number,
  plan: Plan,
  device: Device,
): string {
  const options = { prefix: 'h', counter: counterOf(plan, device), width: plan.partBits, lanes };
  const made = heap(bits, 0n, plan.cut === undefined ? options : { ...options, cut: plan.cut });
  const w = writer();
  w.line(`module ${module} (`).indent(() => {
    w.lines(['input wire clk,', 'input wire en,', `input wire ${range(xBits)} x,`, ...ports]);
    w.line(`output reg ${range(lanes * plan.partBits)} p`);
  });
  w.line(');').indent(() => {
    w.lines(lines).lines(made.lines);
    w.line(`always @(posedge clk) if (en) p <= ${concat([...made.sums].reverse())};`);
  });
  return w.line('endmodule').toString();
}

function memoryDot(v: Vvau, plan: Plan, device: Device, module: string): string {
  const { bits, invertTop, shift } = plan.input;
  const products = v.simd * v.pe;
  const lines: string[] = [];
  // Bit k of every element, as the weights of one plane lie in memory.
  const u = Array.from({ length: bits }, (_, k) => {
    const all = Array.from({ length: products }, (_element, i) => `x[${i * bits + k}]`);
    const inverted = invertTop && k === bits - 1 ? '~' : '';
    lines.push(`wire ${range(products)} u${k} = ${inverted}${bits === 1 ? 'x' : concat(all.reverse())};`);
    return `u${k}`;
  });
  const planes = Array.from({ length: plan.weights.bits }, (_, k) => lane('w', k, products));
  const all = productBits(plan.weights, u, planes).map(({ expression, column }) => ({
    expression,
    column: column + shift,
    count: v.simd,
  }));
  const ports = [`input wire ${range(products * plan.weights.bits)} w,`];
  return dotModule(module, products * bits, ports, lines, all, v.pe, plan, device);
}

function constantDot(v: Vvau, plan: Plan, device: Device, module: string, channel: number): string {
  const { bits, invertTop, shift } = plan.input;
  const byColumn = new Map<number, string[]>();
  for (let p = 0; p < v.positions; p += 1) {
    const from = (p * v.channels + channel) * bits;
    const u = Array.from({ length: bits }, (_, k) => `${invertTop && k === bits - 1 ? '~' : ''}x[${from + k}]`);
    for (const { expression, column } of constantProductBits(v.weights.data[p * v.channels + channel]!, u))
      byColumn.set(column + shift, [...(byColumn.get(column + shift) ?? []), expression]);
  }
  const all = [...byColumn].map(([column, own]) => ({
    expression: concat([...own].reverse()),
    column,
    count: own.length,
  }));
  const xBits = v.positions * v.channels * bits;
  return dotModule(module, xBits, [], ["wire unused = &{1'b0, x};"], all, 1, plan, device);
}
