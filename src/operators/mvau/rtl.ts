import type { Design } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { type Counter, type Heap, type HeapBit, heap } from '../../hdl/heap.ts';
import { isBlock, romVerilog } from '../../hdl/memory.ts';
import { literal } from '../../hdl/threshold-rom.ts';
import { thresholdUnit } from '../../hdl/thresholds.ts';
import { lane, packWords } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import { type Writer, writer } from '../../util/writer.ts';
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
    w.line(');').indent(() => void w.lines(sum.lines).line(`always @(posedge clk) if (en) p <= ${sum.sum};`));
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

const counter = (bits: number): string => `reg [${Math.max(1, bits) - 1}:0]`;

/** Counters, input buffer, weight memory; x and w at the heaps, and valid, first, last and fold of every stage that needs them. */
function control(
  w: Writer,
  m: Mvau,
  plan: Plan,
  device: Device,
  name: string,
  part: number,
  memories: Record<string, string>,
): void {
  const { nf, sf, pe, simd } = m;
  const { front } = plan;
  const xBits = simd * plan.input.bits;
  const sfBits = log2Ceil(sf);
  const nfBits = log2Ceil(nf);
  const last = (name: string, count: number, bits: number): string => `(${name} == ${bits}'d${count - 1})`;

  if (front === 'constant') {
    w.lines([
      'assign s_axis_0_tready = en;',
      'wire valid_0 = s_axis_0_tvalid;',
      `wire [${xBits - 1}:0] x = s_axis_0_tdata;`,
    ]);
    stages(w, part, ['valid']);
    return;
  }
  const wordBits = pe * simd * plan.weights.bits;
  const words: bigint[] = [];
  for (let n = 0; n < nf; n += 1) {
    for (let s = 0; s < sf; s += 1) {
      const word: bigint[] = [];
      for (let i = 0; i < pe; i += 1) {
        for (let k = 0; k < simd; k += 1)
          word.push(plan.weights.encode(m.weights.data[(s * simd + k) * m.mh + n * pe + i]!));
      }
      words.push(packWords(word, plan.weights.bits));
    }
  }
  const block = isBlock(device.family, { depth: words.length, width: wordBits }, m.memory);
  const rom = (address: string, enable: string): void => {
    const shape = { name: 'weights', module: name, width: wordBits, words, target: 'w' };
    w.lines(romVerilog(device.family, { ...shape, clock: 'ap_clk', enable, address }, block, memories));
  };

  if (front === 'direct') {
    // The memory is read one step ahead, so that the stream needs no register: `next` is the following step's address.
    w.lines([`${counter(sfBits)} next;`, 'reg primed;']);
    w.lines(['assign s_axis_0_tready = en & primed;', 'wire valid_0 = s_axis_0_tvalid & primed;']);
    w.line('wire move = ~primed | (en & s_axis_0_tvalid);');
    w.line(`wire last_0 = (next == ${sfBits}'d0);`).line(`wire first_0 = (next == ${sfBits}'d1);`);
    w.line(`wire [${xBits - 1}:0] x = s_axis_0_tdata;`);
    rom('next', 'move');
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.block('if (!ap_rst_n) begin', 'end', () => void w.lines([`next <= ${sfBits}'d0;`, "primed <= 1'b0;"]));
      w.block('else begin', 'end', () => {
        w.line("primed <= 1'b1;");
        w.line(`if (move) next <= ${wrap('next', sf, sfBits)};`);
      });
    });
    stages(w, part, ['valid', 'first', 'last']);
    return;
  }

  const linear = sf > 1 && 2 ** sfBits !== sf;
  w.line(`${counter(nfBits)} fold;`);
  if (sf > 1) w.line(`${counter(sfBits)} beat;`);
  if (linear) w.line(`${counter(log2Ceil(nf * sf))} place;`);
  w.line(`wire load = (fold == ${nfBits}'d0);`);
  w.line('assign s_axis_0_tready = en & load;');
  w.line('wire valid_0 = s_axis_0_tvalid | ~load;');
  w.line('wire move = en & valid_0;');
  w.line(`wire [${nfBits - 1}:0] fold_0 = fold;`);
  if (sf > 1) w.line(`wire last_0 = ${last('beat', sf, sfBits)};`).line(`wire first_0 = (beat == ${sfBits}'d0);`);
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.block('if (!ap_rst_n) begin', 'end', () => {
      w.line(`fold <= ${nfBits}'d0;`);
      if (sf > 1) w.line(`beat <= ${sfBits}'d0;`);
      if (linear) w.line(`place <= ${log2Ceil(nf * sf)}'d0;`);
    });
    w.block('else if (move) begin', 'end', () => {
      const next = `fold <= ${wrap('fold', nf, nfBits)};`;
      if (sf > 1) {
        w.line(`beat <= ${wrap('beat', sf, sfBits)};`);
        w.line(`if (last_0) ${next}`);
      } else w.line(next);
      if (linear) w.line(`place <= ${wrap('place', nf * sf, log2Ceil(nf * sf))};`);
    });
  });
  const address = linear ? 'place' : sf > 1 ? '{fold, beat}' : 'fold';
  const addressBits = linear ? log2Ceil(nf * sf) : nfBits + sfBits;
  if (front === 'memory') {
    w.line(`reg [${addressBits - 1}:0] address_1;`).line(`reg [${sfBits - 1}:0] beat_1;`);
    rom('address_1', 'en');
    w.line(`(* no_rw_check *) reg [${xBits - 1}:0] vector [0:${sf - 1}];`).line(`reg [${xBits - 1}:0] x;`);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.line('if (en & load) vector[beat] <= s_axis_0_tdata;');
      w.block('if (en) begin', 'end', () => {
        w.lines([`address_1 <= ${address};`, 'beat_1 <= beat;', 'x <= vector[beat_1];']);
      });
    });
  } else {
    rom(address, 'en');
    if (front === 'hold') {
      w.line(`reg [${xBits - 1}:0] x;`).line('always @(posedge ap_clk) if (en & load) x <= s_axis_0_tdata;');
    } else {
      w.line(`reg [${sf * xBits - 1}:0] ring;`).line(`wire [${xBits - 1}:0] x = ring[${xBits - 1}:0];`);
      const back = `ring[${sf * xBits - 1}:${(sf - 1) * xBits}]`;
      w.line(
        `always @(posedge ap_clk) if (move) ring <= {ring[${(sf - 1) * xBits - 1}:0], load ? s_axis_0_tdata : ${back}};`,
      );
    }
  }
  const wantsFold = plan.back === 'count' || !sumsAreOutput(m, plan);
  stages(w, part, sf > 1 ? ['valid', 'first', 'last'] : ['valid']);
  if (wantsFold) delay(w, 'fold', nfBits, plan.back === 'count' ? part + (sf > 1 ? 1 : 0) : part - 1);
}

const wrap = (name: string, count: number, bits: number): string =>
  2 ** bits === count
    ? `${name} + ${bits}'d1`
    : `(${name} == ${bits}'d${count - 1}) ? ${bits}'d0 : ${name} + ${bits}'d1`;

/** The control bits of stages 1 … last. */
function stages(w: Writer, last: number, signals: readonly string[]): void {
  for (const signal of signals) {
    for (let k = 1; k <= last; k += 1) {
      w.line(`reg ${signal}_${k};`);
      if (signal === 'valid') {
        w.line(
          `always @(posedge ap_clk) if (!ap_rst_n) valid_${k} <= 1'b0; else if (en) valid_${k} <= valid_${k - 1};`,
        );
      } else w.line(`always @(posedge ap_clk) if (en) ${signal}_${k} <= ${signal}_${k - 1};`);
    }
  }
}

function delay(w: Writer, signal: string, bits: number, last: number): void {
  for (let k = 1; k <= last; k += 1) {
    w.line(`reg [${bits - 1}:0] ${signal}_${k};`);
    w.line(`always @(posedge ap_clk) if (en) ${signal}_${k} <= ${signal}_${k - 1};`);
  }
}

/** Lanes of the output from the bits of the sums. */
function results(w: Writer, m: Mvau, plan: Plan, sums: string, bits: number): void {
  for (let i = 0; i < m.pe; i += 1) {
    const low = plan.lowBit === undefined ? '' : `, 1'b${plan.lowBit}`;
    const pad = bits - plan.sumBits - (low ? 1 : 0);
    const top = plan.sumSigned ? `${sums}[${(i + 1) * plan.sumBits - 1}]` : "1'b0";
    const extension = pad > 0 ? `{${pad}{${top}}}, ` : '';
    w.line(`assign ${lane('m_axis_0_tdata', i, bits)} = {${extension}${lane(sums, i, plan.sumBits)}${low}};`);
  }
}

/** Accumulators with a preload; sums or signs to the output register. */
function sums(
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
  const constant = nf === 1;
  const out = sign ? 1 : n;
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
  for (let i = 0; i < pe; i += 1) {
    const load = constant ? literal(plan.preload![i]!, n) : lane('preload', i, n);
    const p = lane('p', i, plan.partBits);
    if (sf === 1 && constant) {
      const t = plan.least![i]!;
      const never = t >= 2 ** plan.partBits;
      const reached = t <= 0 ? "1'b1" : never ? "1'b0" : `(${p} > ${literal(BigInt(t - 1), plan.partBits)})`;
      w.line(`always @(posedge ap_clk) if (en) result[${i}] <= ${reached};`);
      continue;
    }
    const begin = sf === 1 ? load : constant ? `sum_${i}` : `(first_${part} ? ${load} : sum_${i})`;
    w.line(`wire [${n - 1}:0] total_${i} = ${begin} + ${p};`);
    if (sf > 1) {
      w.line(`reg [${n - 1}:0] sum_${i};`);
      if (constant) {
        // The next neuron's beginning comes in with the last sum, by the flip-flops' own set and reset.
        w.line(`always @(posedge ap_clk) if (!ap_rst_n) sum_${i} <= ${load};`);
        w.line(`  else if (en & valid_${part}) sum_${i} <= last_${part} ? ${load} : total_${i};`);
      } else w.line(`always @(posedge ap_clk) if (en & valid_${part}) sum_${i} <= total_${i};`);
    }
    const value = sign ? `~total_${i}[${n - 1}]` : `total_${i}`;
    w.line(`always @(posedge ap_clk) if (en) ${lane('result', i, out)} <= ${value};`);
  }
  if (sign) w.line('assign m_axis_0_tdata = result;');
  else results(w, m, plan, 'result', streamsOf(m)[1]!.bits);
}

/** Plain accumulators and the threshold unit. */
function count(w: Writer, m: Mvau, plan: Plan, name: string, part: number, depth: number): void {
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
      const p = lane('p', i, plan.partBits);
      w.line(`always @(posedge ap_clk) if (en & valid_${part}) begin`);
      w.line(`  if (first_${part}) ${sum} <= ${p}; else ${sum} <= ${sum} + ${p};`).line('end');
    }
  } else if (plan.partBits < n) {
    acc = 'sums';
    w.line(`wire [${pe * n - 1}:0] sums;`);
    for (let i = 0; i < pe; i += 1) w.line(`assign ${lane('sums', i, n)} = ${lane('p', i, plan.partBits)};`);
  }
  for (let k = stage + 1; k <= depth; k += 1) {
    w.line(`reg valid_${k};`);
    w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid_${k} <= 1'b0; else if (en) valid_${k} <= valid_${k - 1};`);
  }
  const fold = nf > 1 ? `fold_${stage}` : "1'b0";
  w.line(`${name}_thresholds unit (.clk(ap_clk), .en(en), .fold(${fold}), .acc(${acc}), .out(m_axis_0_tdata));`);
  w.line(`assign m_axis_0_tvalid = valid_${depth};`);
}
