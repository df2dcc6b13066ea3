import type { DataType } from '../ir/datatype.ts';
import { log2Ceil } from '../util/maths.ts';
import type { Writer } from '../util/writer.ts';
import { all } from './counters.ts';
import type { StreamPort } from './design.ts';
import type { Device, Family } from './device.ts';
import { heap } from './heap.ts';
import { streamModule } from './stream-module.ts';
import { romBlocks } from './threshold-rom.ts';
import { concat, lane, range } from './verilog.ts';

/** Where running values wait that are too many for a register. */
export type RunningMemory = 'auto' | 'register' | 'lut' | 'block';

/**
 * The order in which a frame's beats come: rows × columns × folds, folds innermost. Beats of one fold whose row and column lie
 * in the same kernel (kernels lie side by side) are reduced to one; what no whole kernel covers is dropped.
 */
export interface Walk {
  readonly rows: number;
  readonly columns: number;
  readonly kernelRows: number;
  readonly kernelColumns: number;
  readonly folds: number;
}

/** A stream whose elements are reduced on their way: the greatest of them, or their sum. */
export interface Reduction {
  readonly walk: Walk;
  readonly kind: 'max' | 'sum';
  readonly input: DataType;
  /** For each element of an output beat, the places in an input beat of those that are reduced to it: equally many. */
  readonly lanes: readonly (readonly number[])[];
  /** Bits of a running value. */
  readonly bits: number;
  /** What a sum begins with; its inputs count as unsigned bits (of signed types the top bit is inverted). */
  readonly begin: bigint;
  /** Bits of an output element, and the Verilog that declares it from the name of a running value: by itself if left out. */
  readonly outputBits: number;
  readonly outputLines?: (value: string, target: string) => readonly string[];
  /** It is more than wires: it is computed in front of the output register. */
  readonly computed: boolean;
  readonly memory: RunningMemory;
}

const reach = ({ columns, kernelColumns }: Walk): number => Math.floor(columns / kernelColumns);

/** Running values that live at a time, each of `lanes` elements. */
export function runningWords(walk: Walk): number {
  if (walk.kernelRows > 1) return reach(walk) * walk.folds;
  return walk.kernelColumns > 1 ? walk.folds : 1;
}

/** Is there a register between the input and the running values? */
const staged = ({ walk, lanes }: Pick<Reduction, 'walk' | 'lanes'>): boolean =>
  runningWords(walk) > 1 || lanes[0]!.length > 1;

/** Registers from the beat that completes a result to the output. */
export const reductionDepth = (reduction: Pick<Reduction, 'walk' | 'lanes'>): 1 | 2 => (staged(reduction) ? 2 : 1);

/** Does beat `t` of a frame (0 ≤ t < rows · columns · folds) complete a result? */
export function completes(walk: Walk, t: number): boolean {
  const { rows, columns, kernelRows, kernelColumns, folds } = walk;
  const pixel = Math.floor(t / folds);
  const [y, x] = [Math.floor(pixel / columns), pixel % columns];
  const ends = (at: number, kernel: number, size: number): boolean =>
    at % kernel === kernel - 1 && at < Math.floor(size / kernel) * kernel;
  return ends(y, kernelRows, rows) && ends(x, kernelColumns, columns);
}

/** Cycles after which `completes` repeats: whole kernels' rows where a frame has nothing else. */
export function reductionPeriod({ rows, columns, kernelRows, folds }: Walk): number {
  return (rows % kernelRows === 0 ? kernelRows : rows) * columns * folds;
}

/** Up to this many bits, registers cost no more than a memory. */
const registerBits = 64;

/** Where the family's running values lie. ice40 has no memory in LUTs. */
export function runningStyle(r: Reduction, { family }: Device): 'register' | 'distributed' | 'block' {
  const shape = { depth: runningWords(r.walk), width: r.lanes.length * r.bits };
  if (shape.depth === 1 || r.memory === 'register') return 'register';
  if (r.memory !== 'auto') return r.memory === 'block' ? 'block' : 'distributed';
  const bits = shape.depth * shape.width;
  if (family === 'ice40') return bits <= registerBits ? 'register' : 'block';
  return bits >= romBlocks(family, shape) * 9216 ? 'block' : 'distributed';
}

/** LUTs, registers and block memories of the circuit, as Yosys maps it. */
export function reductionCost(r: Reduction, device: Device): { lut: number; ff: number; bram: number; dsp: number } {
  const { walk, lanes, bits, kind, input } = r;
  const { family } = device;
  const lut4 = family === 'ice40' || family === 'ecp5';
  const width = lanes.length * bits;
  const words = runningWords(walk);
  const inputs = lanes[0]!.length;
  const style = runningStyle(r, device);
  // Greater of two: a carry chain and a multiplexer; of single bits an OR. A sum: its carry chain.
  const step = input.bits === 1 && kind === 'max' ? 0.5 : kind === 'max' ? (lut4 ? 2 : 1.6) : 1;
  const front = kind === 'max' ? (inputs - 1) * bits * step : (inputs - 1) * input.bits * (lut4 ? 1.9 : 1.2);
  const single = walk.kernelRows * walk.kernelColumns === 1;
  const control = controlBits(walk);
  let lut = 4 + 2 * control + lanes.length * (front + (single ? 0 : bits * step));
  const added = kind === 'max' ? bits : partBits(r);
  let ff = 4 + control + width + (staged(r) ? lanes.length * added : 0);
  let bram = 0;
  if (words > 1) {
    ff += (style === 'block' ? 0 : width) + 2 * log2Ceil(words);
    if (walk.folds === 1) lut += width;
    if (style === 'block') bram = romBlocks(family, { depth: words, width });
    else if (style === 'distributed') {
      lut += Math.ceil(width * (lut4 ? 0.5 * Math.ceil(words / 16) : (4 / 3) * Math.ceil(words / 64)));
    } else {
      lut += width * words * 0.9;
      ff += width * words;
    }
  }
  if (r.computed) lut += lanes.length * r.outputBits * 2;
  return { lut: Math.ceil(lut), ff: Math.ceil(ff), bram, dsp: 0 };
}

const controlBits = (walk: Walk): number =>
  [walk.folds, walk.kernelColumns, walk.kernelRows, walk.kernelRows > 1 ? walk.columns : 1]
    .map(log2Ceil)
    .reduce((a, b) => a + b, 0);

/** The circuit: a rigid pipeline that takes a beat in every cycle; `streams` are its input and its output. */
export function reductionVerilog(r: Reduction, device: Device, top: string, streams: readonly StreamPort[]): string {
  return streamModule(top, streams, (w) => {
    w.line('wire en = m_axis_0_tready | ~m_axis_0_tvalid;');
    w.line('assign s_axis_0_tready = en;').line('wire take = en & s_axis_0_tvalid;');
    control(w, r);
    parts(w, r, device.family);
    running(w, r, runningStyle(r, device));
  });
}

/** A counter to `count` that moves on `when`; `last` is its last state. Nothing for a count of 1. */
function counter(w: Writer, name: string, count: number, when: string, restart?: string): string {
  if (count === 1) return "1'b1";
  const bits = log2Ceil(count);
  const last = `(${name} == ${bits}'d${count - 1})`;
  w.line(`reg ${range(bits)} ${name};`);
  w.line(`always @(posedge ap_clk) if (!ap_rst_n) ${name} <= ${bits}'d0;`);
  const wrap = restart === undefined ? last : `(${last} | ${restart})`;
  w.line(`  else if (${when}) ${name} <= ${wrap} ? ${bits}'d0 : ${name} + ${bits}'d1;`);
  return last;
}

/** Of the beat on the input: does it begin a result (`first`), end one (`last`), lie in a whole kernel (`counts`); and `place`. */
function control(w: Writer, r: Reduction): void {
  const { rows, columns, kernelRows, kernelColumns, folds } = r.walk;
  const wide = kernelRows > 1;
  const pixel = all('take', counter(w, 'fold', folds, 'take'));
  const over = columns % kernelColumns;
  // Where columns or rows are left over, a count of all of them says so; otherwise that of the kernels does.
  let [rowEnd, inside] = ["1'b1", "1'b1"];
  if (over > 0) {
    rowEnd = counter(w, 'column', columns, pixel);
    inside = `(column < ${log2Ceil(columns)}'d${columns - over})`;
  }
  const lastColumn = counter(w, 'kernel_column', kernelColumns, pixel, over > 0 ? rowEnd : undefined);
  if (wide && over === 0) rowEnd = all(lastColumn, counter(w, 'window', reach(r.walk), all(pixel, lastColumn)));
  const row = all(pixel, rowEnd);
  const left = rows % kernelRows;
  let frameEnd: string | undefined;
  let rowInside = "1'b1";
  if (left > 0) {
    frameEnd = counter(w, 'row', rows, row);
    rowInside = `(row < ${log2Ceil(rows)}'d${rows - left})`;
  }
  const lastRow = counter(w, 'kernel_row', kernelRows, row, frameEnd);
  const zero = (name: string, count: number): string => (count === 1 ? "1'b1" : `(${name} == ${log2Ceil(count)}'d0)`);
  w.line(`wire counts = ${all(inside)};`);
  w.line(`wire first = ${all(zero('kernel_row', kernelRows), zero('kernel_column', kernelColumns))};`);
  w.line(`wire last = ${all(lastRow, lastColumn, inside, rowInside)};`);
  const words = runningWords(r.walk);
  if (words === 1) return;
  if (!wide) {
    w.line(`wire ${range(log2Ceil(words))} place = fold;`);
    return;
  }
  const bits = log2Ceil(words);
  const lastFold = folds === 1 ? "1'b1" : `(fold == ${log2Ceil(folds)}'d${folds - 1})`;
  const back = kernelColumns === 1 ? "1'b0" : `(${all(lastFold)} & ~${lastColumn})`;
  w.line(`reg ${range(bits)} place;`);
  w.line(`always @(posedge ap_clk) if (!ap_rst_n) place <= ${bits}'d0;`);
  w.line(`  else if (${all('take', inside)}) begin`);
  w.line(`    if (${back}) place <= place - ${bits}'d${folds - 1};`);
  w.line(`    else place <= (place == ${bits}'d${words - 1}) ? ${bits}'d0 : place + ${bits}'d1;`).line('  end');
}

/** `part`: of each lane, what a beat adds to its running value; with a register behind it where there is one. */
function parts(w: Writer, r: Reduction, family: Family): void {
  const { lanes, input, bits, kind } = r;
  const width = kind === 'max' ? bits : partBits(r);
  const element = (place: number): string => lane('s_axis_0_tdata', place, input.bits);
  const whole = range(lanes.length * width);
  if (kind === 'max') {
    const tops = lanes.map((places, i) => greatest(w, places.map(element), r, `part_${i}`));
    w.line(`wire ${whole} now = ${concat([...tops].reverse())};`);
  } else {
    const inverted = (k: number): string => (input.signed && input.bits > 1 && k === input.bits - 1 ? '~' : '');
    const columns = Array.from({ length: input.bits }, (_, k) => {
      const bit = (place: number): string => `${inverted(k)}s_axis_0_tdata[${place * input.bits + k}]`;
      const texts = lanes[0]!.flatMap((_place, p) => lanes.map((places) => bit(places[p]!)));
      return { expression: concat([...texts].reverse()), column: k, count: lanes[0]!.length };
    });
    const counter = family === 'ice40' || family === 'ecp5' ? '3:2' : '6:3';
    const { lines, sums } = heap(columns, 0n, { prefix: 'h', counter, width, lanes: lanes.length });
    w.lines(lines).line(`wire ${whole} now = ${concat([...sums].reverse())};`);
  }
  if (!staged(r)) {
    w.line(`wire ${whole} part = now;`);
    w.line('wire valid_part = s_axis_0_tvalid;');
    w.line('wire first_part = first;').line('wire last_part = last;').line('wire counts_part = counts;');
    return;
  }
  w.line(`reg ${whole} part;`).line('reg valid_part, first_part, last_part, counts_part;');
  w.line("always @(posedge ap_clk) if (!ap_rst_n) valid_part <= 1'b0; else if (en) valid_part <= s_axis_0_tvalid;");
  w.block('always @(posedge ap_clk) if (en) begin', 'end', () => {
    w.lines(['part <= now;', 'first_part <= first;', 'last_part <= last;', 'counts_part <= counts;']);
  });
}

/** Bits of what one beat adds to a sum. */
const partBits = ({ lanes, input, bits }: Reduction): number =>
  Math.min(bits, log2Ceil(lanes[0]!.length * (2 ** input.bits - 1) + 1));

/** The greater of two expressions of `bits` bits. */
function greater(a: string, b: string, { input }: Reduction): string {
  if (input.bits === 1) return `${a} | ${b}`;
  const signed = (x: string): string => (input.signed ? `$signed(${x})` : x);
  return `(${signed(a)} > ${signed(b)}) ? ${a} : ${b}`;
}

/** The greatest of some elements, by halves. */
function greatest(w: Writer, texts: readonly string[], r: Reduction, name: string): string {
  if (texts.length === 1) return texts[0]!;
  const half = Math.ceil(texts.length / 2);
  const a = greatest(w, texts.slice(0, half), r, `${name}_0`);
  const b = greatest(w, texts.slice(half), r, `${name}_1`);
  w.line(`wire ${range(r.bits)} ${name} = ${greater(a, b, r)};`);
  return name;
}

/** The running values, in a register or a memory, and the output register. */
function running(w: Writer, r: Reduction, style: 'register' | 'distributed' | 'block'): void {
  const { walk, lanes, bits, kind } = r;
  const width = lanes.length * bits;
  const words = runningWords(walk);
  const alone = walk.kernelRows * walk.kernelColumns === 1;
  const added = kind === 'max' ? bits : partBits(r);
  // Where results are what runs, one register is both.
  const shared = !r.computed && words === 1;
  w.line(`wire ${range(width)} value;`);
  if (alone) w.line("wire unused = &{1'b0, take, first_part};");
  w.line('wire update = en & valid_part & counts_part;');
  if (words > 1) {
    const address = log2Ceil(words);
    const attribute = style === 'register' ? 'ram_style = "logic"' : `ram_style = "${style}", no_rw_check`;
    // A value is read again after two beats at the earliest; the next beat of the same place takes it from the register.
    w.line(`(* ${attribute} *) reg ${range(width)} memory [0:${words - 1}];`);
    w.line(`reg ${range(width)} stored;`).line(`reg ${range(address)} place_part;`);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line('if (update) memory[place_part] <= value;');
      w.line('if (en) stored <= memory[place];').line('if (en) place_part <= place;');
    });
  }
  const next = words > 1 && walk.folds === 1 && walk.kernelColumns > 1;
  if (!alone && (words === 1 || next)) {
    w.line(`reg ${range(width)} latest;`).line('always @(posedge ap_clk) if (update) latest <= value;');
  }
  let base = words > 1 ? 'stored' : 'latest';
  if (next) {
    const zero = `(kernel_column == ${log2Ceil(walk.kernelColumns)}'d0)`;
    w.line('reg fresh;').line(`always @(posedge ap_clk) if (en) fresh <= ${zero};`);
    w.line(`wire ${range(width)} previous = fresh ? stored : latest;`);
    base = 'previous';
  }
  lanes.forEach((_, i) => {
    const [now, old, out] = [lane('part', i, added), lane(base, i, bits), lane('value', i, bits)];
    const wide = added < bits ? `{${bits - added}'d0, ${now}}` : now;
    const begin = `${bits}'d${BigInt.asUintN(bits, r.begin)}`;
    if (kind === 'sum') w.line(`assign ${out} = ${alone ? begin : `(first_part ? ${begin} : ${old})`} + ${wide};`);
    else if (alone) w.line(`assign ${out} = ${now};`);
    else if (r.input.bits === 1) w.line(`assign ${out} = ${now} | (${old} & ~first_part);`);
    else {
      const signed = (x: string): string => (r.input.signed ? `$signed(${x})` : x);
      w.line(`assign ${out} = (first_part | (${signed(now)} > ${signed(old)})) ? ${now} : ${old};`);
    }
  });
  output(w, r, shared && !alone ? 'latest' : undefined);
}

/** The output: the register of running values itself, or one of its own. */
function output(w: Writer, r: Reduction, held: string | undefined): void {
  const { lanes, bits, outputBits } = r;
  w.line('reg valid_out;').line('assign m_axis_0_tvalid = valid_out;');
  w.line(
    "always @(posedge ap_clk) if (!ap_rst_n) valid_out <= 1'b0; else if (en) valid_out <= valid_part & last_part;",
  );
  const elements = (from: string): string => {
    const names = lanes.map((_, i) => {
      if (!r.outputLines) return lane(from, i, bits);
      w.line(`wire ${range(bits)} ${from}_${i} = ${lane(from, i, bits)};`);
      w.lines(r.outputLines(`${from}_${i}`, `element_${i}`));
      return `element_${i}`;
    });
    return concat(names.reverse());
  };
  if (held) {
    const out = elements(held);
    w.line(`assign m_axis_0_tdata = ${out};`);
    return;
  }
  if (r.computed) {
    w.line(`reg ${range(lanes.length * outputBits)} result;`);
    const next = elements('value');
    w.line(`always @(posedge ap_clk) if (update) result <= ${next};`).line('assign m_axis_0_tdata = result;');
    return;
  }
  w.line(`reg ${range(lanes.length * bits)} result;`).line('always @(posedge ap_clk) if (update) result <= value;');
  const out = elements('result');
  w.line(`assign m_axis_0_tdata = ${out};`);
}
