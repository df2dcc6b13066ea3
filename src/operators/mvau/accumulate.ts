import type { Device } from '../../hdl/device.ts';
import { romVerilog } from '../../hdl/memory.ts';
import { thresholdPlan } from '../../hdl/threshold-plan.ts';
import { literal } from '../../hdl/threshold-rom.ts';
import { lane, packWords, widened } from '../../hdl/verilog.ts';
import type { Writer } from '../../util/writer.ts';
import type { Mvau } from './layer.ts';
import { type Plan, preloadsAre } from './plan.ts';
import { streamsOf } from './streams.ts';

/** Lanes of the output from the bits of the sums. */
export function results(w: Writer, m: Mvau, plan: Plan, sums: string, bits: number): void {
  for (let i = 0; i < m.pe; i += 1) {
    const low = plan.lowBit === undefined ? '' : `, 1'b${plan.lowBit}`;
    const pad = bits - plan.sumBits - (low ? 1 : 0);
    const top = plan.sumSigned ? `${sums}[${(i + 1) * plan.sumBits - 1}]` : "1'b0";
    const extension = pad > 0 ? `{${pad}{${top}}}, ` : '';
    w.line(`assign ${lane('m_axis_0_tdata', i, bits)} = {${extension}${lane(sums, i, plan.sumBits)}${low}};`);
  }
}

/** Accumulators with a preload; sums or signs to the output register. */
export function sums(
  w: Writer,
  m: Mvau,
  plan: Plan,
  device: Device,
  name: string,
  part: number,
  memories: Record<string, string>,
): void {
  const { pe, nf, sf } = m;
  const n = plan.sumBits;
  const sign = plan.back === 'sign';
  const constant = preloadsAre(m, plan) === 'constants';
  const out = sign ? 1 : n;
  const lut6 = device.family === 'xc7' || device.family === 'xcup';
  w.line(`reg [${pe * out - 1}:0] result;`).line('reg valid_out;');
  const done = sf > 1 ? `valid_${part} & last_${part}` : `valid_${part}`;
  w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid_out <= 1'b0; else if (en) valid_out <= ${done};`);
  w.line('assign m_axis_0_tvalid = valid_out;');
  if (!constant) {
    const words = Array.from({ length: nf }, (_, f) => packWords(plan.preload!.slice(f * pe, (f + 1) * pe), n));
    const shape = { name: 'preloads', module: name, width: pe * n, words, target: 'preload' };
    const read = { clock: 'ap_clk', enable: 'en', address: `fold_${part - 1}` };
    w.lines(romVerilog(device.family, { ...shape, ...read }, false, memories));
  }
  if (constant && sf > 1) w.line(`wire restart = ~ap_rst_n | (en & valid_${part} & last_${part});`);
  for (let i = 0; i < pe; i += 1) {
    const load = constant ? literal(plan.preload![i]!, n) : lane('preload', i, n);
    const p = lane('p', i, plan.partBits);
    if (sf === 1 && nf === 1) {
      const t = plan.least![i]!;
      const never = t >= 2 ** plan.partBits;
      const reached = t <= 0 ? "1'b1" : never ? "1'b0" : `(${p} > ${literal(BigInt(t - 1), plan.partBits)})`;
      w.line(`always @(posedge ap_clk) if (en) result[${i}] <= ${reached};`);
      continue;
    }
    const begin = sf === 1 ? load : constant ? `sum_${i}` : `(first_${part} ? ${load} : sum_${i})`;
    const own = widened(p, plan.partBits, n);
    if (lut6 && begin.includes('?')) {
      // p + begin. Yosys takes what is subtracted from for the carry chain's direct input, which costs a LUT for more than a signal.
      w.line(`wire [${n}:0] added_${i} = {${own}, 1'b0} - {~${begin}, 1'b1};`);
      w.line(`wire unused_low_${i} = &{1'b0, added_${i}[0]};`).line(
        `wire [${n - 1}:0] total_${i} = added_${i}[${n}:1];`,
      );
    } else w.line(`wire [${n - 1}:0] total_${i} = ${begin} + ${own};`);
    if (sign && sf === 1 && n > 1) w.line(`wire unused_${i} = &{1'b0, total_${i}[${n - 2}:0]};`);
    if (sf > 1) {
      w.line(`reg [${n - 1}:0] sum_${i};`);
      if (constant) {
        // The next neuron's beginning comes in with the last sum, by the flip-flops' own set and reset.
        w.line(`always @(posedge ap_clk) if (restart) sum_${i} <= ${load};`);
        w.line(`  else if (en & valid_${part}) sum_${i} <= total_${i};`);
      } else w.line(`always @(posedge ap_clk) if (en & valid_${part}) sum_${i} <= total_${i};`);
    }
    const value = sign ? `~total_${i}[${n - 1}]` : `total_${i}`;
    w.line(`always @(posedge ap_clk) if (en) ${lane('result', i, out)} <= ${value};`);
  }
  if (sign) w.line('assign m_axis_0_tdata = result;');
  else results(w, m, plan, 'result', streamsOf(m)[1]!.bits);
}

/** Plain accumulators and the threshold unit. */
export function count(w: Writer, m: Mvau, plan: Plan, name: string, part: number, depth: number): void {
  const { pe, nf, sf } = m;
  const n = plan.sumBits;
  let stage = part;
  let acc = 'p';
  if (sf > 1) {
    stage += 1;
    acc = 'sums';
    w.line(`reg [${pe * n - 1}:0] sums;`).line(`reg valid_${stage};`);
    w.line(
      `always @(posedge ap_clk) if (!ap_rst_n) valid_${stage} <= 1'b0; else if (en) valid_${stage} <= valid_${part} & last_${part};`,
    );
    for (let i = 0; i < pe; i += 1) {
      const sum = lane('sums', i, n);
      const p = widened(lane('p', i, plan.partBits), plan.partBits, n);
      w.line(`always @(posedge ap_clk) if (en & valid_${part}) begin`);
      w.line(`  if (first_${part}) ${sum} <= ${p}; else ${sum} <= ${sum} + ${p};`).line('end');
    }
  } else if (plan.partBits < n) {
    acc = 'sums';
    w.line(`wire [${pe * n - 1}:0] sums;`);
    for (let i = 0; i < pe; i += 1) {
      w.line(`assign ${lane('sums', i, n)} = ${widened(lane('p', i, plan.partBits), plan.partBits, n)};`);
    }
  }
  for (let k = stage + 1; k <= depth; k += 1) {
    w.line(`reg valid_${k};`);
    w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid_${k} <= 1'b0; else if (en) valid_${k} <= valid_${k - 1};`);
  }
  const fold = nf > 1 ? `fold_${stage}` : "1'b0";
  const start = thresholdPlan(plan.thresholds!).form === 'serial' ? `, .start(valid_${stage})` : '';
  const pins = `.clk(ap_clk), .en(en), .fold(${fold})${start}, .acc(${acc}), .out(m_axis_0_tdata)`;
  w.line(`${name}_thresholds unit (${pins});`);
  w.line(`assign m_axis_0_tvalid = valid_${depth};`);
}
