import { all, atLast, type Counter, counters, countOf, within } from '../../hdl/counters.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import { type Memory, memoryText } from '../../hdl/stream-memory.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { rigidStage } from '../../hdl/stream-stage.ts';
import { range } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Writer } from '../../util/writer.ts';
import { nestOf, type UpsampleSizes } from './sizes.ts';

/** Each beat stays in the output register until it has left `across` times. */
export function repeatRtl({ across }: UpsampleSizes, top: string, streams: readonly StreamPort[]): Design {
  const times: Counter = { name: 'times', count: across };
  const first = within(times, 0, 1);
  const source = streamModule(top, streams, (w) => {
    w.lines(rigidStage({ nest: [times], takes: first, gives: "1'b1" }));
    w.line(`reg ${range(streams[1]!.width)} data;`);
    w.line(`always @(posedge ap_clk) if (${first === "1'b1" ? 'move' : 'move & taking'}) data <= s_axis_0_tdata;`);
    w.line('assign m_axis_0_tdata = data;');
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}

/**
 * A row (or a pixel) in a memory, written and read in circles. Only a beat's first reading has to wait for it, and its last
 * reading frees its place: beats that were never read (`fresh`) and places that are taken (`used`) are counted, nothing is compared.
 */
export function rowBufferRtl(s: UpsampleSizes, memory: Memory, top: string, streams: readonly StreamPort[]): Design {
  const at = nestOf(s);
  const bits = log2Ceil(s.kept);
  const source = streamModule(top, streams, (w) => {
    w.line(memoryText(memory, 'kept')).line(`reg ${range(streams[1]!.width)} data;`);
    w.line('reg valid, ready, filled;').line('wire issue;').lines(counters('issue', at.nest));
    w.line(`wire first = ${all(within(at.down, 0, 1), within(at.across, 0, 1))};`);
    w.line('wire there = ~first | filled;').line('wire move = m_axis_0_tready | ~valid;');
    w.line('assign issue = move & there;').line('wire push = s_axis_0_tvalid & ready;');
    w.line('wire read = issue & first;').line(`wire free = ${all('issue', atLast(at.down), atLast(at.across))};`);
    w.line('assign s_axis_0_tready = ready;').line('assign m_axis_0_tvalid = valid;');
    w.line('assign m_axis_0_tdata = data;');
    w.line("always @(posedge ap_clk) if (!ap_rst_n) valid <= 1'b0; else if (move) valid <= there;");
    const write: Counter = { name: 'write', count: s.kept };
    w.lines(counters('push', [write]));
    const address = readAddress(w, s);
    // A beat is read one cycle after it was written at the earliest, never in the same.
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line('if (push) kept[write] <= s_axis_0_tdata;').line(`if (issue) data <= kept[${address}];`);
    });
    const count = bits + 1;
    w.line(`reg ${range(count)} used, fresh;`);
    w.block('always @(posedge ap_clk)', '', () => {
      w.block('if (!ap_rst_n) begin', 'end else begin', () => {
        w.line(`used <= ${count}'d0;`).line(`fresh <= ${count}'d0;`).line("ready <= 1'b1;").line("filled <= 1'b0;");
      });
      w.indent(() => {
        w.line(`if (push & ~free) begin used <= used + ${count}'d1; ready <= used != ${count}'d${s.kept - 1}; end`);
        w.line(`else if (free & ~push) begin used <= used - ${count}'d1; ready <= 1'b1; end`);
        w.line(`if (push & ~read) begin fresh <= fresh + ${count}'d1; filled <= 1'b1; end`);
        w.line(`else if (read & ~push) begin fresh <= fresh - ${count}'d1; filled <= fresh != ${count}'d1; end`);
      });
      w.line('end');
    });
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}

/** Where the next beat is read: a counter of the position, or one of its own that goes back to the pixel's begin. */
function readAddress(w: Writer, s: UpsampleSizes): string {
  const { fold, across, column } = nestOf(s);
  const bits = log2Ceil(s.kept);
  if (column.count === 1) return countOf(fold, bits);
  if (fold.count === 1) return countOf(column, bits);
  const back = `${all(atLast(fold), `~(${atLast(across)})`)}`;
  w.line(`reg ${range(bits)} place;`);
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.line(`if (!ap_rst_n) place <= ${bits}'d0;`).block('else if (issue) begin', 'end', () => {
      w.line(`if (${back}) place <= place - ${bits}'d${s.folds - 1};`);
      w.line(`else place <= place == ${bits}'d${s.kept - 1} ? ${bits}'d0 : place + ${bits}'d1;`);
    });
  });
  return 'place';
}
