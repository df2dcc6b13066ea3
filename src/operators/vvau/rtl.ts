import type { Design, StreamPort } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { isBlock, romVerilog } from '../../hdl/memory.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { thresholdPlan } from '../../hdl/threshold-plan.ts';
import { literal } from '../../hdl/threshold-rom.ts';
import { thresholdUnit } from '../../hdl/thresholds.ts';
import { lane, packWords, range, widened } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import type { Writer } from '../../util/writer.ts';
import { dotModules } from './dots.ts';
import type { Vvau } from './layer.ts';
import { inLogic, type Plan, planOf } from './plan.ts';

/** The circuit of a VVAU: control, weight memory and accumulators, sums of products, and the threshold unit. */
export function vvauRtl(v: Vvau, device: Device, name: string, streams: readonly StreamPort[]): Design {
  const plan = planOf(v, device);
  const memories: Record<string, string> = {};
  const sources: Record<string, string> = {};
  for (const [module, text] of Object.entries(dotModules(v, plan, device, name))) sources[`${module}.v`] = text;
  if (plan.thresholds) {
    const unit = thresholdUnit(`${name}_thresholds`, plan.thresholds);
    sources[`${name}_thresholds.v`] = unit.source;
    Object.assign(memories, unit.memories);
  }
  sources[`${name}.v`] = streamModule(name, streams, (w) => {
    // The whole pipeline stands still while a result waits on the output.
    w.line('wire en = m_axis_0_tready | ~m_axis_0_tvalid;');
    control(w, v, plan, device, name, memories);
    w.line(`wire ${range(v.pe * plan.partBits)} p;`);
    if (inLogic(v)) {
      for (let c = 0; c < v.pe; c += 1)
        w.line(
          `${name}_dot_${c} dot_${c} (.clk(ap_clk), .en(en), .x(s_axis_0_tdata), .p(${lane('p', c, plan.partBits)}));`,
        );
    } else w.line(`${name}_dot dot (.clk(ap_clk), .en(en), .x(s_axis_0_tdata), .w(weight), .p(p));`);
    if (plan.thresholds) count(w, v, plan, name);
    else sums(w, v, plan, device, name, streams[1]!.bits, memories);
  });
  return { top: name, sources, memories, streams };
}

/** Weight words: of each group and beat, one plane of the code after the other, in a plane all channels of one position side by side. */
function weightWords(v: Vvau, plan: Plan): bigint[] {
  const words: bigint[] = [];
  for (let group = 0; group < v.groups; group += 1)
    for (let beat = 0; beat < v.beats; beat += 1) {
      const codes = Array.from({ length: v.simd * v.pe }, (_, at) => {
        const [p, c] = [beat * v.simd + Math.floor(at / v.pe), group * v.pe + (at % v.pe)];
        return plan.weights.encode(v.weights.data[p * v.channels + c]!);
      });
      const planes = Array.from({ length: plan.weights.bits }, (_, plane) =>
        codes.map((code) => (code >> BigInt(plane)) & 1n),
      );
      words.push(packWords(planes.flat(), 1));
    }
  return words;
}

/** A counter that `step` moves on. */
function counter(w: Writer, name: string, count: number, step: string): void {
  const bits = log2Ceil(count);
  const next = `${name} + ${bits}'d1`;
  w.line(`reg ${range(bits)} ${name};`).line(`always @(posedge ap_clk) if (!ap_rst_n) ${name} <= ${bits}'d0;`);
  const wrapped = 2 ** bits === count ? next : `(${name} == ${bits}'d${count - 1}) ? ${bits}'d0 : ${next}`;
  w.line(`else if (${step}) ${name} <= ${wrapped};`);
}

/** Handshake and counters, the weight memory, and valid, first, last and group of every stage that needs them. */
function control(w: Writer, v: Vvau, plan: Plan, device: Device, name: string, memories: Record<string, string>): void {
  const { groups, beats } = v;
  const { part } = plan;
  if (inLogic(v)) {
    w.line('assign s_axis_0_tready = en;').line('wire valid_0 = s_axis_0_tvalid;');
    delay(w, 'valid', 1, part);
    return;
  }
  // The memory is read one beat ahead, so that the stream needs no register: `next` is the following beat's address.
  w.line('reg primed;').line('always @(posedge ap_clk) primed <= ap_rst_n;');
  w.line('assign s_axis_0_tready = en & primed;').line('wire valid_0 = s_axis_0_tvalid & primed;');
  w.line('wire take = en & valid_0;').line('wire move = ~primed | take;');
  counter(w, 'next', groups * beats, 'move');
  const words = weightWords(v, plan);
  const width = v.pe * v.simd * plan.weights.bits;
  const block = isBlock(device.family, { depth: words.length, width }, v.memory);
  const read = { clock: 'ap_clk', enable: 'move', address: 'next', target: 'weight' };
  w.lines(romVerilog(device.family, { name: 'weights', module: name, width, words, ...read }, block, memories));
  delay(w, 'valid', 1, part);
  let ended = 'take';
  if (beats > 1) {
    const bits = log2Ceil(beats);
    counter(w, 'beat', beats, 'take');
    w.line(`wire first_0 = (beat == ${bits}'d0);`).line(`wire last_0 = (beat == ${bits}'d${beats - 1});`);
    delay(w, 'first', 1, part);
    delay(w, 'last', 1, part);
    ended = 'take & last_0';
  }
  const wanted = groupStage(v, plan);
  if (wanted === undefined) return;
  const bits = log2Ceil(groups);
  counter(w, 'group', groups, ended);
  w.line(`wire ${range(bits)} group_0 = group;`);
  delay(w, 'group', bits, wanted);
}

/** The stage at which the group's number is needed; undefined where it is not. */
function groupStage(v: Vvau, plan: Plan): number | undefined {
  if (v.groups === 1) return undefined;
  if (plan.thresholds) return plan.part + (v.beats > 1 ? 1 : 0);
  return sameInGroups(v, plan) ? undefined : plan.part - 1;
}

/** Does every lane begin with the same sum in all groups? */
export const sameInGroups = ({ pe }: Vvau, { preload }: Plan): boolean =>
  preload!.every((begin, c) => begin === preload![c % pe]);

/** A signal of stage 0 at the stages up to `last`. */
function delay(w: Writer, signal: string, bits: number, last: number): void {
  for (let k = 1; k <= last; k += 1) {
    w.line(`reg ${bits > 1 ? `${range(bits)} ` : ''}${signal}_${k};`);
    const reset = signal === 'valid' ? `if (!ap_rst_n) valid_${k} <= 1'b0; else ` : '';
    w.line(`always @(posedge ap_clk) ${reset}if (en) ${signal}_${k} <= ${signal}_${k - 1};`);
  }
}

/** Accumulators that begin with what is constant; the sums are the output. */
function sums(
  w: Writer,
  v: Vvau,
  plan: Plan,
  device: Device,
  name: string,
  outputBits: number,
  memories: Record<string, string>,
): void {
  const { pe, groups, beats } = v;
  const { part, partBits, sumBits: n, preload } = plan;
  const constant = sameInGroups(v, plan);
  if (!constant) {
    const words = Array.from({ length: groups }, (_, g) => packWords(preload!.slice(g * pe, (g + 1) * pe), n));
    const read = { clock: 'ap_clk', enable: 'en', address: `group_${part - 1}`, target: 'preload' };
    const shape = { name: 'preloads', module: name, width: pe * n, words };
    w.lines(romVerilog(device.family, { ...shape, ...read }, false, memories));
  }
  const done = beats > 1 ? `valid_${part} & last_${part}` : `valid_${part}`;
  w.line('reg valid_out;').line('assign m_axis_0_tvalid = valid_out;');
  w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid_out <= 1'b0; else if (en) valid_out <= ${done};`);
  w.line(`reg ${range(pe * n)} sum;`);
  for (let i = 0; i < pe; i += 1) {
    const load = constant ? literal(preload![i]!, n) : lane('preload', i, n);
    const begin = beats > 1 ? `(first_${part} ? ${load} : ${lane('sum', i, n)})` : load;
    const total = `${begin} + ${widened(lane('p', i, partBits), partBits, n)}`;
    w.line(`always @(posedge ap_clk) if (en & valid_${part}) ${lane('sum', i, n)} <= ${total};`);
    const top = plan.sumSigned ? `sum[${(i + 1) * n - 1}]` : "1'b0";
    const own = outputBits > n ? `{{${outputBits - n}{${top}}}, ${lane('sum', i, n)}}` : lane('sum', i, n);
    w.line(`assign ${lane('m_axis_0_tdata', i, outputBits)} = ${own};`);
  }
}

/** Plain accumulators and the threshold unit. */
function count(w: Writer, v: Vvau, plan: Plan, name: string): void {
  const { pe, groups, beats } = v;
  const { part, partBits, sumBits: n, depth } = plan;
  let stage = part;
  if (beats > 1) {
    stage += 1;
    w.line(`reg ${range(pe * n)} sums;`).line(`reg valid_${stage};`);
    w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid_${stage} <= 1'b0;`);
    w.line(`else if (en) valid_${stage} <= valid_${part} & last_${part};`);
    for (let i = 0; i < pe; i += 1) {
      const sum = lane('sums', i, n);
      const own = widened(lane('p', i, partBits), partBits, n);
      w.line(`always @(posedge ap_clk) if (en & valid_${part}) begin`);
      w.line(`  if (first_${part}) ${sum} <= ${own}; else ${sum} <= ${sum} + ${own};`).line('end');
    }
  } else {
    w.line(`wire ${range(pe * n)} sums;`);
    for (let i = 0; i < pe; i += 1)
      w.line(`assign ${lane('sums', i, n)} = ${widened(lane('p', i, partBits), partBits, n)};`);
  }
  for (let k = stage + 1; k <= depth; k += 1)
    w.line(`reg valid_${k};`).line(
      `always @(posedge ap_clk) if (!ap_rst_n) valid_${k} <= 1'b0; else if (en) valid_${k} <= valid_${k - 1};`,
    );
  const group = groups > 1 ? `group_${stage}` : "1'b0";
  const start = thresholdPlan(plan.thresholds!).form === 'serial' ? `, .start(valid_${stage})` : '';
  const pins = `.clk(ap_clk), .en(en), .fold(${group})${start}, .acc(sums), .out(m_axis_0_tdata)`;
  w.line(`${name}_thresholds unit (${pins});`).line(`assign m_axis_0_tvalid = valid_${depth};`);
}
