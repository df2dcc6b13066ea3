import type { Device } from '../../hdl/device.ts';
import { type Counter, heap } from '../../hdl/heap.ts';
import { rowSum } from '../../hdl/rows.ts';
import { concat, lane } from '../../hdl/verilog.ts';
import { type Writer, writer } from '../../util/writer.ts';
import { constantProductBits, inputBits, productBits, productRows } from '../encoding.ts';
import type { Mvau } from './layer.ts';
import { heapConstants, type Plan, sumsAreOutput } from './plan.ts';
import { tripleLines, unrolled } from './unrolled.ts';

function counterOf(plan: Plan, device: Device): Counter {
  if (device.family === 'ice40' || device.family === 'ecp5') return '3:2';
  return plan.weights.kind === 'constant' ? '6:3' : plan.weights.kind === 'ternary' ? '3:2' : '3:2+6:3';
}

/** Verilog of the sums of products by module: one for all neurons where weights come from memory, one for each where they are constants. */
export function dotModules(m: Mvau, plan: Plan, device: Device, name: string): Record<string, string> {
  const constant = sumsAreOutput(m, plan) ? plan.preload : undefined;
  if (plan.form === 'rows') return rowDot(m, plan, `${name}_dot`, constant?.[0] ?? 0n);
  if (plan.front !== 'constant')
    return { [`${name}_dot`]: memoryDot(m, plan, device, `${name}_dot`, constant?.[0] ?? 0n) };
  if (plan.levels !== undefined) return unrolledDots(m, plan, name);
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

/** Rows that follow each other before sums are joined: a longer chain is smaller and slower. */
export const rowsInChain = 4;

/** A module of one neuron, and one with all of them. */
function rowDot(m: Mvau, plan: Plan, module: string, constant: bigint): Record<string, string> {
  const { pe, simd } = m;
  const { bits, invertTop } = plan.input;
  const n = plan.weights.bits;
  const one = writer();
  one.line(`module ${module}_neuron (`).indent(() => {
    one.lines(['input wire clk,', 'input wire en,', `input wire [${simd * bits - 1}:0] x,`]);
    one.line(`input wire [${simd * n - 1}:0] w,`).line(`output reg [${plan.partBits - 1}:0] p`);
  });
  one.line(');').indent(() => {
    const rows = Array.from({ length: simd }, (_, i) => {
      const value = invertTop ? `${lane('x', i, bits)} ^ ${bits}'d${2 ** (bits - 1)}` : lane('x', i, bits);
      one.line(`wire [${bits - 1}:0] u${i} = ${value};`);
      const planes = Array.from({ length: n }, (_, k) => `w[${i * n + k}]`);
      return productRows(plan.weights, `u${i}`, bits, planes);
    }).flat();
    const options = { prefix: 'r', width: plan.partBits, group: rowsInChain, cut: plan.cut !== undefined };
    const { lines, sum } = rowSum(rows, constant, options);
    one.lines(lines).line(`always @(posedge clk) if (en) p <= ${sum};`);
  });
  const all = writer();
  const products = simd * pe;
  all.line(`module ${module} (`).indent(() => {
    all.lines(['input wire clk,', 'input wire en,', `input wire [${simd * bits - 1}:0] x,`]);
    all.line(`input wire [${products * n - 1}:0] w,`).line(`output wire [${pe * plan.partBits - 1}:0] p`);
  });
  all.line(');').indent(() => {
    for (let i = 0; i < pe; i += 1) {
      const own = Array.from(
        { length: simd * n },
        (_, at) => `w[${(at % n) * products + Math.floor(at / n) * pe + i}]`,
      );
      const pins = `.clk(clk), .en(en), .x(x), .w(${concat(own.reverse())}), .p(${lane('p', i, plan.partBits)})`;
      all.line(`${module}_neuron neuron_${i} (${pins});`);
    }
  });
  return {
    [`${module}_neuron`]: one.line('endmodule').toString(),
    [module]: all.line('endmodule').toString(),
  };
}

function constantDot(m: Mvau, plan: Plan, device: Device, module: string, neuron: number, constant: bigint): string {
  const byColumn = new Map<number, string[]>();
  for (let i = 0; i < m.mw; i += 1)
    for (const { expression, column } of constantProductBits(
      m.weights.data[i * m.mh + neuron]!,
      inputBits(plan.input, i),
    )) {
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

/** The shared full adders, and a module of each neuron's other counters. */
function unrolledDots(m: Mvau, plan: Plan, name: string): Record<string, string> {
  const { heaps, shared, levels } = unrolled(m, plan, heapConstants(m, plan));
  const { bits } = plan.input;
  const xBits = m.simd * bits;
  const tBits = sharedBits(m, plan);
  const modules: Record<string, string> = {};
  const ports = (w: Writer, module: string, more: readonly string[]): Writer =>
    w.line(`module ${module} (`).indent(() => {
      w.lines(['input wire clk,', 'input wire en,', `input wire [${xBits - 1}:0] x,`, ...more]);
    });
  if (tBits > 0) {
    const w = writer();
    ports(w, `${name}_shared`, [`output reg [${tBits - 1}:0] t`])
      .line(');')
      .indent(() => {
        w.line("wire unused = &{1'b0, x};").lines(tripleLines(shared, (item) => inputBits(plan.input, item)));
      });
    modules[`${name}_shared`] = w.line('endmodule').toString();
  }
  heaps.forEach((heap, j) => {
    const w = writer();
    const out = `output wire [${plan.partBits - 1}:0] p`;
    ports(w, `${name}_dot_${j}`, tBits > 0 ? [`input wire [${tBits - 1}:0] t,`, out] : [out]);
    w.line(');').indent(() => {
      w.line(`wire unused = &{1'b0, x${tBits > 0 ? ', t' : ''}};`).lines(heap.lines);
      // Smaller sums wait for the others.
      const waits = levels - heap.levels;
      let from = heap.sums[0]!;
      for (let k = 0; k <= waits; k += 1) {
        w.line(`reg [${plan.partBits - 1}:0] p${k};`).line(`always @(posedge clk) if (en) p${k} <= ${from};`);
        from = `p${k}`;
      }
      w.line(`assign p = ${from};`);
    });
    modules[`${name}_dot_${j}`] = w.line('endmodule').toString();
  });
  return modules;
}

/** Bits that come out of the shared full adders. */
export const sharedBits = (m: Mvau, plan: Plan): number =>
  plan.levels === undefined ? 0 : 2 * plan.input.bits * unrolled(m, plan, heapConstants(m, plan)).shared.triples.length;
