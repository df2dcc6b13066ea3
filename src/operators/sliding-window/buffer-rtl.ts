import type { Design, StreamPort } from '../../hdl/design.ts';
import { type Memory, memoryText } from '../../hdl/stream-memory.ts';
import { range } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import { type Writer, writer } from '../../util/writer.ts';
import { capacityOf, type Loop, orderOf, spanOf, stepsOf } from './buffer.ts';
import { nestedCounters } from './counters.ts';
import { number, streamModule } from './ports.ts';
import type { Sizes } from './sizes.ts';

/** The widths of the buffer's counters, and their steps. */
export interface BufferPlan {
  readonly loops: readonly Loop[];
  /** Loops inside a window. */
  readonly inside: number;
  readonly capacity: number;
  /** Beats from one read to the next, and from one window to the next, by the number of loops that ended. */
  readonly steps: readonly number[];
  readonly frees: readonly number[];
  /** Bits of `ahead` and `room`, each with a sign. */
  readonly aheadBits: number;
  readonly roomBits: number;
}

export function bufferPlan(s: Sizes): BufferPlan {
  const order = orderOf(s);
  const loops = [...order.inner, ...order.outer];
  const capacity = capacityOf(s);
  const steps = stepsOf(loops, s.inputs);
  const frees = stepsOf(order.outer, s.inputs);
  // Where windows leave out beats, places are free before their beats came.
  const early = Math.max(0, Math.max(...frees) - spanOf(order));
  return {
    ...{ loops, capacity, steps, frees },
    inside: order.inner.length,
    aheadBits: 1 + log2Ceil(Math.max(capacity, ...steps)),
    roomBits: 1 + log2Ceil(capacity + early),
  };
}

/**
 * Beats are written into a circular buffer as they come, and read by nested counters in the order of the windows. `ahead` is the number of
 * beats that are there beyond the one to be read, negative if that one is still to come; `room` is the number of free places less one.
 */
export function bufferRtl(s: Sizes, memory: Memory, top: string, streams: readonly StreamPort[]): Design {
  const plan = bufferPlan(s);
  const address = log2Ceil(memory.depth);
  const w = writer();
  streamModule(w, top, streams, () => {
    w.line(memoryText(memory, 'beats'))
      .line(`reg ${range(memory.width)} beat;`)
      .line('reg valid;');
    w.line(`reg ${range(plan.aheadBits)} ahead;`).line(`reg ${range(plan.roomBits)} room;`);
    w.line(`reg ${range(address)} write, read;`);
    w.line(`assign s_axis_0_tready = ~room[${plan.roomBits - 1}];`);
    w.line('assign m_axis_0_tdata = beat;').line('assign m_axis_0_tvalid = valid;');
    w.line('wire take = s_axis_0_tvalid & s_axis_0_tready;');
    w.line(`wire give = ~ahead[${plan.aheadBits - 1}] & (~valid | m_axis_0_tready);`);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line('if (take) beats[write] <= s_axis_0_tdata;').line('if (give) beat <= beats[read];');
    });
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line("if (!ap_rst_n) valid <= 1'b0;").line("else if (give) valid <= 1'b1;");
      w.line("else if (m_axis_0_tready) valid <= 1'b0;");
    });
    nestedCounters(
      w,
      plan.loops.map(({ count }) => count),
      'give',
    );
    balance(w, plan);
    addresses(w, plan, memory.depth, address);
  });
  return { top, sources: { [`${top}.v`]: w.toString() }, memories: {}, streams };
}

/** The number for the greatest of the ends that are reached, of `bits` bits. */
function choice(numbers: readonly number[], first: number, bits: number): string {
  const [least, ...others] = numbers.map((n) => number(n, bits));
  return (
    others
      .map((text, i) => `end_${first + i} ? ${text} : `)
      .reverse()
      .join('') + least!
  );
}

/** An addition with carry: its lowest bit makes the carry, so that one chain does both. */
function balance(w: Writer, { steps, frees, inside, capacity, aheadBits, roomBits }: BufferPlan): void {
  const idle = (bits: number, value: number): string => number(value, bits);
  const down = choice(
    steps.map((n) => -n),
    0,
    aheadBits,
  );
  w.line(`wire ${range(aheadBits)} used = give ? (${down}) : ${idle(aheadBits, 0)};`);
  w.line(`wire ${range(aheadBits + 1)} ahead_sum = {ahead, 1'b1} + {used, take};`);
  const freed = choice(
    frees.map((n) => n - 1),
    inside,
    roomBits,
  );
  const leaves = inside > 0 ? `give & end_${inside - 1}` : 'give';
  w.line(`wire ${range(roomBits)} freed = ${leaves} ? (${freed}) : ${idle(roomBits, -1)};`);
  w.line(`wire ${range(roomBits + 1)} room_sum = {room, 1'b1} + {freed, ~take};`);
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.line(`ahead <= ap_rst_n ? ahead_sum[${aheadBits}:1] : ${number(-1, aheadBits)};`);
    w.line(`room <= ap_rst_n ? room_sum[${roomBits}:1] : ${number(capacity - 1, roomBits)};`);
  });
  w.line("wire unused = &{1'b0, ahead_sum[0], room_sum[0]};");
}

/** Addresses modulo `depth`: those of a power of two overflow by themselves. */
function addresses(w: Writer, { steps }: BufferPlan, depth: number, bits: number): void {
  const wraps = 2 ** bits !== depth;
  const zero = `${bits}'d0`;
  const step = steps.map((n) => ((n % depth) + depth) % depth);
  if (wraps) {
    // One sum goes over the end of the buffer, the other, less a whole round, is negative before it.
    w.line(`wire ${range(bits)} over = read + (${choice(step, 0, bits)});`);
    w.line(
      `wire ${range(bits + 1)} round = {1'b0, read} + (${choice(
        step.map((n) => n - depth),
        0,
        bits + 1,
      )});`,
    );
  }
  const next = wraps ? `round[${bits}] ? over : round[${bits - 1}:0]` : `read + (${choice(step, 0, bits)})`;
  const after = wraps ? `(write == ${bits}'d${depth - 1}) ? ${zero} : write + ${bits}'d1` : `write + ${bits}'d1`;
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.block('if (!ap_rst_n) begin', 'end else begin', () => void w.lines([`write <= ${zero};`, `read <= ${zero};`]));
    w.indent(() => void w.lines([`if (take) write <= ${after};`, `if (give) read <= ${next};`]));
    w.line('end');
  });
}
