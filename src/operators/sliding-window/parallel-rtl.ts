import type { Design, StreamPort } from '../../hdl/design.ts';
import { memoryText } from '../../hdl/stream-memory.ts';
import { concat, lane, range } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import { type Writer, writer } from '../../util/writer.ts';
import { nestedCounters } from './counters.ts';
import type { Delay, ParallelPlan } from './parallel.ts';
import { number, streamModule } from './ports.ts';
import type { Sizes } from './sizes.ts';

/** tap_<i> holds a column of the window, its upper row in the lowest bits; tap_0 has the beat that came last in its lowest row. */
export function parallelRtl(s: Sizes, plan: ParallelPlan, top: string, streams: readonly StreamPort[]): Design {
  const { taps, width, columns, rows } = plan;
  const [high] = s.kernel;
  const column = high * width;
  const w = writer();
  streamModule(w, top, streams, () => {
    w.line('reg valid;').line('assign m_axis_0_tvalid = valid;');
    w.line('assign s_axis_0_tready = ~valid | m_axis_0_tready;');
    w.line('wire take = s_axis_0_tvalid & s_axis_0_tready;');
    w.line(`reg ${range(width)} newest;`).line('always @(posedge ap_clk) if (take) newest <= s_axis_0_tdata;');
    if (rows) w.line(`wire ${range(rows.width)} above;`);
    w.line(`wire ${range(column)} tap_0 = ${rows ? '{newest, above}' : 'newest'};`);
    if (columns) {
      w.line(`wire ${range(columns.width)} older;`);
      for (let i = 1; i < taps; i += 1) w.line(`wire ${range(column)} tap_${i} = ${lane('older', i - 1, column)};`);
      const all = Array.from({ length: taps - 1 }, (_, i) => `tap_${i}`).reverse();
      delayed(w, 'older', columns, concat(all));
    }
    if (rows) delayed(w, 'above', rows, `tap_${taps - 1}[${column - 1}:${width}]`);
    const gives = windowEnds(w, s, plan);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line(`if (!ap_rst_n) valid <= 1'b0;`).line(`else if (take) valid <= ${gives};`);
      w.line("else if (m_axis_0_tready) valid <= 1'b0;");
    });
    w.line(`assign m_axis_0_tdata = ${concat(elements(s, plan).reverse())};`);
    if (s.pixels > 1)
      w.line(`wire unused = &{1'b0, ${Array.from({ length: taps }, (_, i) => `tap_${i}`).join(', ')}};`);
  });
  return { top, sources: { [`${top}.v`]: w.toString() }, memories: {}, streams };
}

/** The positions of one window after the other, as parts of taps. */
function elements({ kernel, dilation, pixels }: Sizes, { taps, width }: ParallelPlan): string[] {
  const part = width / pixels;
  const list: string[] = [];
  for (let window = 0; window < pixels; window += 1) {
    for (let y = 0; y < kernel[0]; y += 1) {
      for (let x = 0; x < kernel[1]; x += 1) {
        const column = window + x * dilation[1];
        const tap = taps - 1 - (pixels > 1 ? Math.floor(column / pixels) : x);
        list.push(`tap_${tap}[${y * width + (pixels > 1 ? column % pixels : 0) * part} +: ${part}]`);
      }
    }
  }
  return list;
}

/** `name` is `value` of some beats before. A memory is read one place ahead of where it is written: its oldest. */
function delayed(w: Writer, name: string, { width, steps, memory }: Delay, value: string): void {
  if (!memory) {
    for (let i = 1; i <= steps; i += 1) {
      w.line(`reg ${range(width)} ${name}_${i};`);
      w.line(`always @(posedge ap_clk) if (take) ${name}_${i} <= ${i > 1 ? `${name}_${i - 1}` : value};`);
    }
    w.line(`assign ${name} = ${name}_${steps};`);
    return;
  }
  const bits = log2Ceil(steps);
  const next =
    2 ** bits === steps ? `${name}_read + ${bits}'d1` : `${name}_last ? ${bits}'d0 : ${name}_read + ${bits}'d1`;
  w.line(memoryText(memory, `${name}_beats`))
    .line(`reg ${range(width)} ${name}_out;`)
    .line(`assign ${name} = ${name}_out;`);
  w.line(`reg ${range(bits)} ${name}_read, ${name}_write;`);
  if (2 ** bits !== steps) w.line(`wire ${name}_last = ${name}_read == ${number(steps - 1, bits)};`);
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.block('if (take) begin', 'end', () => {
      w.line(`${name}_beats[${name}_write] <= ${value};`).line(`${name}_out <= ${name}_beats[${name}_read];`);
    });
  });
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.block('if (!ap_rst_n) begin', 'end', () => {
      w.line(`${name}_read <= ${bits}'d1;`).line(`${name}_write <= ${bits}'d0;`);
    });
    w.block('else if (take) begin', 'end', () => {
      w.line(`${name}_read <= ${next};`).line(`${name}_write <= ${name}_read;`);
    });
  });
}

/** Whether the beat that is being taken completes windows: an expression, with its counters. */
function windowEnds(w: Writer, { stride }: Sizes, { frame, before }: ParallelPlan): string {
  const axes = ([0, 1] as const).filter((axis) => frame[axis + 1]! > 1 && (before[axis] > 0 || stride[1 - axis]! > 1));
  if (axes.length === 0) return "1'b1";
  // Rows only count where windows depend on them.
  const counts = axes.includes(1) ? frame : frame.slice(0, 2);
  const loops = counts.map((count, l) => ({ count, l })).filter(({ count }) => count > 1);
  nestedCounters(
    w,
    loops.map(({ count }) => count),
    'take',
  );
  /** Are all loops inside the one numbered l in `frame` at their ends? */
  const ended = (l: number): string[] => {
    const inside = loops.filter((loop) => loop.l < l).length;
    return inside > 0 ? [`end_${inside - 1}`] : [];
  };
  const conditions = axes.map((axis) => {
    const name = axis === 0 ? 'columns_left' : 'rows_left';
    const [first, step] = [before[axis], stride[1 - axis]!];
    const bits = 1 + log2Ceil(Math.max(first, step - 1));
    const goes = ['take', ...ended(axis + 1)].join(' & ');
    const start = number(-first, bits);
    w.line(`reg ${range(bits)} ${name};`);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line(`if (!ap_rst_n) ${name} <= ${start};`);
      w.block(`else if (${goes}) begin`, 'end', () => {
        const on = `${name}[${bits - 1}] ? ${name} + ${bits}'d1 : ${number(1 - step, bits)}`;
        w.line(`if (${ended(axis + 2).join('')}) ${name} <= ${start};`).line(`else ${name} <= ${on};`);
      });
    });
    return `~${name}[${bits - 1}]`;
  });
  return conditions.join(' & ');
}
