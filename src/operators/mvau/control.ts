import type { Device } from '../../hdl/device.ts';
import { isBlock, romVerilog } from '../../hdl/memory.ts';
import { packWords } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Writer } from '../../util/writer.ts';
import type { Mvau } from './layer.ts';
import { type Plan, preloadsAre, sumsAreOutput } from './plan.ts';

const counter = (bits: number): string => `reg [${Math.max(1, bits) - 1}:0]`;

/** Counters, input buffer, weight memory; x and w at the heaps, and valid, first, last and fold of every stage that needs them. */
export function control(
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
      // One plane of the code after the other; in a plane the neurons of one synapse side by side, as the heap takes them.
      const codes = Array.from({ length: simd * pe }, (_, at) => {
        const [k, i] = [Math.floor(at / pe), at % pe];
        return plan.weights.encode(m.weights.data[(s * simd + k) * m.mh + n * pe + i]!);
      });
      const planes = Array.from({ length: plan.weights.bits }, (_, plane) =>
        codes.map((code) => (code >> BigInt(plane)) & 1n),
      );
      words.push(packWords(planes.flat(), 1));
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
    w.line(`wire last_0 = (next == ${sfBits}'d0);`);
    if (plan.back === 'count') w.line(`wire first_0 = (next == ${sfBits}'d1);`);
    w.line(`wire [${xBits - 1}:0] x = s_axis_0_tdata;`);
    rom('next', 'move');
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.block('if (!ap_rst_n) begin', 'end', () => void w.lines([`next <= ${sfBits}'d0;`, "primed <= 1'b0;"]));
      w.block('else begin', 'end', () => {
        w.line("primed <= 1'b1;");
        w.line(`if (move) next <= ${wrap('next', sf, sfBits)};`);
      });
    });
    stages(w, part, plan.back === 'count' ? ['valid', 'first', 'last'] : ['valid', 'last']);
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
  // Sums that all begin alike are known when they end, and need not know which they are.
  const wantsFold = plan.back === 'count' || (!sumsAreOutput(m, plan) && preloadsAre(m, plan) === 'words');
  if (wantsFold) w.line(`wire [${nfBits - 1}:0] fold_0 = fold;`);
  if (sf > 1) w.line(`wire last_0 = ${last('beat', sf, sfBits)};`);
  if (sf > 1 && wantsFold) w.line(`wire first_0 = (beat == ${sfBits}'d0);`);
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
    // Yosys would keep short ones in flip-flops.
    const style = device.family === 'ice40' ? 'ram_style = "block", ' : '';
    w.line(`(* ${style}no_rw_check *) reg [${xBits - 1}:0] vector [0:${sf - 1}];`).line(`reg [${xBits - 1}:0] x;`);
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
  stages(w, part, sf === 1 ? ['valid'] : wantsFold ? ['valid', 'first', 'last'] : ['valid', 'last']);
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
