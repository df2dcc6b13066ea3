import { all, atLast, type Counter, counters, within } from '../../hdl/counters.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import { type Memory, memoryText } from '../../hdl/stream-memory.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { rigidStage } from '../../hdl/stream-stage.ts';
import { range } from '../../hdl/verilog.ts';
import { log2Ceil, sum } from '../../util/maths.ts';
import type { Writer } from '../../util/writer.ts';
import { type BlockSizes, placesOf } from './sizes.ts';

/** Beats go as they come. */
export function passRtl(top: string, streams: readonly StreamPort[]): Design {
  const source = streamModule(top, streams, (w) => {
    w.lines(rigidStage({ nest: [], takes: "1'b1", gives: "1'b1" }));
    w.line(`reg ${range(streams[1]!.width)} data;`);
    w.line('always @(posedge ap_clk) if (move) data <= s_axis_0_tdata;').line('assign m_axis_0_tdata = data;');
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}

/** Counters of the side where beats come, and of that where they go. */
export interface BlockNests {
  readonly put: { readonly nest: readonly Counter[]; readonly part: Counter };
  readonly get: { readonly nest: readonly Counter[]; readonly part: Counter };
}

export function nestsOf({ block, segment, width }: BlockSizes): BlockNests {
  const part = { name: 'part', count: block };
  const line = { name: 'line', count: block };
  return {
    put: { nest: [{ name: 'beat', count: segment }, part], part },
    get: { nest: [{ name: 'place', count: width * segment }, line], part: line },
  };
}

/**
 * A queue for each row of the block, one behind the other in one memory: only one is written in a cycle and one read. Their
 * addresses stand in line, the current queue's first, and turn when the next one's turn comes.
 */
export function queuesRtl(s: BlockSizes, memory: Memory, top: string, streams: readonly StreamPort[]): Design {
  const places = placesOf(s);
  const { put, get } = nestsOf(s);
  const source = streamModule(top, streams, (w) => {
    w.line(memoryText(memory, 'kept'))
      .line(`reg ${range(streams[1]!.width)} data;`)
      .line('reg valid;');
    w.line('wire push, issue;').lines(counters('push', put.nest)).lines(counters('issue', get.nest));
    for (const [i] of places.entries()) w.line(`reg room_${i}, some_${i};`);
    const chosen = (flag: string, part: Counter): string =>
      places.map((_, i) => `${within(part, i, i + 1)} & ${flag}_${i}`).join(' | ');
    w.line(`wire there = ${chosen('some', get.part)};`).line('wire move = m_axis_0_tready | ~valid;');
    w.line('assign issue = move & there;').line(`assign s_axis_0_tready = ${chosen('room', put.part)};`);
    w.line('assign push = s_axis_0_tvalid & s_axis_0_tready;').line('assign m_axis_0_tvalid = valid;');
    w.line('assign m_axis_0_tdata = data;');
    w.line("always @(posedge ap_clk) if (!ap_rst_n) valid <= 1'b0; else if (move) valid <= there;");
    turning(w, 'write', 'push', places, put.part, all(...put.nest.slice(0, -1).map(atLast)));
    turning(w, 'read', 'issue', places, get.part, all(...get.nest.slice(0, -1).map(atLast)));
    // A beat is read one cycle after it was written at the earliest, never in the same.
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line('if (push) kept[write_0] <= s_axis_0_tdata;').line('if (issue) data <= kept[read_0];');
    });
    places.forEach((count, i) => {
      occupancy(w, i, count, within(put.part, i, i + 1), within(get.part, i, i + 1));
    });
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}

/** Addresses `name`_0, `name`_1 … of the current queue and those that follow it in turn. */
function turning(w: Writer, name: string, step: string, places: readonly number[], part: Counter, turn: string): void {
  const bits = log2Ceil(sum(places));
  const number = (n: number): string => `${bits}'d${n}`;
  const begins = places.map((_, i) => sum(places.slice(0, i)));
  const select = (of: (i: number) => number): string =>
    places
      .slice(0, -1)
      .reduceRight(
        (rest, _, i) => `${within(part, i, i + 1)} ? ${number(of(i))} : ${rest}`,
        number(of(places.length - 1)),
      );
  const names = places.map((_, i) => `${name}_${i}`);
  w.line(`reg ${range(bits)} ${names.join(', ')};`);
  w.line(`wire ${range(bits)} ${name}_first = ${select((i) => begins[i]!)};`);
  w.line(`wire ${range(bits)} ${name}_last = ${select((i) => begins[i]! + places[i]! - 1)};`);
  w.line(`wire ${range(bits)} ${name}_next = ${name}_0 == ${name}_last ? ${name}_first : ${name}_0 + ${number(1)};`);
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.line(`if (!ap_rst_n) begin ${names.map((one, i) => `${one} <= ${number(begins[i]!)};`).join(' ')} end`);
    const turned = names.map((one, i) => `${one} <= ${names[i + 1] ?? `${name}_next`};`).join(' ');
    if (turn === "1'b1") w.line(`else if (${step}) begin ${turned} end`);
    else w.line(`else if (${step}) begin if (${turn}) begin ${turned} end else ${name}_0 <= ${name}_next; end`);
  });
}

/** Counts the beats of queue i of `count` places: is there room for one, is there one? */
function occupancy(w: Writer, i: number, count: number, writing: string, reading: string): void {
  const bits = log2Ceil(count + 1);
  const [used, room, some] = [`used_${i}`, `room_${i}`, `some_${i}`];
  const number = (n: number): string => `${bits}'d${n}`;
  w.line(`wire in_${i} = ${all('push', writing)};`).line(`wire out_${i} = ${all('issue', reading)};`);
  w.line(`reg ${range(bits)} ${used};`);
  w.block('always @(posedge ap_clk)', '', () => {
    w.line(`if (!ap_rst_n) begin ${used} <= ${number(0)}; ${room} <= 1'b1; ${some} <= 1'b0; end`);
    w.line(`else if (in_${i} & ~out_${i}) begin`);
    w.line(`  ${used} <= ${used} + ${number(1)}; ${room} <= ${used} != ${number(count - 1)}; ${some} <= 1'b1;`);
    w.line(`end else if (out_${i} & ~in_${i}) begin`);
    w.line(`  ${used} <= ${used} - ${number(1)}; ${some} <= ${used} != ${number(1)}; ${room} <= 1'b1;`);
    w.line('end');
  });
}
