import type { Design, StreamPort } from '../../hdl/design.ts';
import { lane, range } from '../../hdl/verilog.ts';
import { BIPOLAR } from '../../ir/datatype.ts';
import { log2Ceil } from '../../util/maths.ts';
import { type Writer, writer } from '../../util/writer.ts';
import type { Layer } from '../operator.ts';
import { type LabelSelectAttrs, type LabelSelectSizes, sizesOf } from './sizes.ts';

/**
 * Each lane keeps its largest elements with the numbers of their beats, sorted; a new element pushes down those that it exceeds.
 * After the last beat the lists are copied, and give the largest of their heads k times, while the next vector comes in.
 */
export function labelSelectRtl(layer: Layer<LabelSelectAttrs>, top: string, streams: readonly StreamPort[]): Design {
  const s = sizesOf(layer);
  const { dtype } = layer.inputs[0]!.type;
  const w = writer();
  w.line(`module ${top} (`).indent(() => {
    w.line('input wire ap_clk,').line('input wire ap_rst_n,');
    w.line(`input wire ${range(streams[0]!.width)} s_axis_0_tdata,`);
    w.line('input wire s_axis_0_tvalid,').line('output wire s_axis_0_tready,');
    w.line(`output wire ${range(s.labelBits)} m_axis_0_tdata,`);
    w.line('output wire m_axis_0_tvalid,').line('input wire m_axis_0_tready');
  });
  w.line(');').indent(() => {
    control(w, s);
    for (let p = 0; p < s.pe; p += 1) w.line(`wire won_${p};`);
    for (let p = 0; p < s.pe; p += 1) keep(w, s, p, dtype.signed && dtype !== BIPOLAR);
    choose(w, s);
  });
  w.line('endmodule');
  return { top, sources: { [`${top}.v`]: w.toString() }, memories: {}, streams };
}

/** beat: number of the beat in its vector. left: labels still to be given. */
function control(w: Writer, { k, folds, placeBits, labelBits }: LabelSelectSizes): void {
  const leftBits = log2Ceil(k + 1);
  w.line(`reg ${range(placeBits)} beat;`);
  w.line(`reg ${range(leftBits)} left;`);
  w.line(`reg ${range(labelBits)} label;`).line('reg valid;');
  w.line(`wire first = beat == ${placeBits}'d0;`).line(`wire last = beat == ${placeBits}'d${folds - 1};`);
  w.line(`wire busy = left != ${leftBits}'d0;`);
  w.line('wire give = busy & (~valid | m_axis_0_tready);');
  w.line(`assign s_axis_0_tready = ~last | ~busy | (give & left == ${leftBits}'d1);`);
  w.line('wire take = s_axis_0_tvalid & s_axis_0_tready;');
  w.line('assign m_axis_0_tdata = label;').line('assign m_axis_0_tvalid = valid;');
  w.block('always @(posedge ap_clk) begin', 'end', () => {
    w.block('if (!ap_rst_n) begin', 'end else begin', () => {
      w.line(`beat <= ${placeBits}'d0;`).line(`left <= ${leftBits}'d0;`).line("valid <= 1'b0;");
    });
    w.indent(() => {
      w.line(`if (take) beat <= last ? ${placeBits}'d0 : beat + ${placeBits}'d1;`);
      w.line(`if (take & last) left <= ${leftBits}'d${k};`);
      w.line(`else if (give) left <= left - ${leftBits}'d1;`);
      w.line("if (give) valid <= 1'b1;").line("else if (m_axis_0_tready) valid <= 1'b0;");
    });
    w.line('end');
  });
}

/** The sorted list of lane p, value_<p>_<i> and place_<p>_<i>, and its copy, out_value_… with out_there_… where a list can run dry. */
function keep(w: Writer, s: LabelSelectSizes, p: number, signed: boolean): void {
  const { bits, placeBits, entries, folds } = s;
  const element = lane('s_axis_0_tdata', p, bits);
  // With the sign inverted, two's complement numbers are ordered like unsigned ones.
  const mask = signed ? ` ^ ${bits}'h${(1n << BigInt(bits - 1)).toString(16)}` : '';
  w.line(`wire ${range(bits)} new_${p} = ${element}${mask};`);
  for (let i = 0; i < entries; i += 1) {
    w.line(`reg ${range(bits)} value_${p}_${i}, out_value_${p}_${i};`);
    w.line(`reg ${range(placeBits)} place_${p}_${i}, out_place_${p}_${i};`);
    // Before beat i + 1 this record is empty.
    const empty = i === 0 ? 'first' : `beat <= ${placeBits}'d${i}`;
    const exceeds = `new_${p} > value_${p}_${i}`;
    w.line(`wire above_${p}_${i} = ${i >= folds - 1 && i > 0 ? "1'b1" : `(${empty}) | (${exceeds})`};`);
    const under = i > 0 ? `above_${p}_${i - 1} ? value_${p}_${i - 1} : new_${p}` : `new_${p}`;
    const underPlace = i > 0 ? `above_${p}_${i - 1} ? place_${p}_${i - 1} : beat` : 'beat';
    w.line(`wire ${range(bits)} next_value_${p}_${i} = above_${p}_${i} ? (${under}) : value_${p}_${i};`);
    w.line(`wire ${range(placeBits)} next_place_${p}_${i} = above_${p}_${i} ? (${underPlace}) : place_${p}_${i};`);
    w.block('always @(posedge ap_clk) begin', 'end', () => {
      w.block('if (take) begin', 'end', () => {
        w.line(`value_${p}_${i} <= next_value_${p}_${i};`).line(`place_${p}_${i} <= next_place_${p}_${i};`);
      });
      w.block('if (take & last) begin', 'end', () => {
        w.line(`out_value_${p}_${i} <= next_value_${p}_${i};`).line(`out_place_${p}_${i} <= next_place_${p}_${i};`);
      });
      if (i < entries - 1) {
        w.block(`else if (won_${p} & give) begin`, 'end', () => {
          w.line(`out_value_${p}_${i} <= out_value_${p}_${i + 1};`).line(
            `out_place_${p}_${i} <= out_place_${p}_${i + 1};`,
          );
        });
      }
    });
  }
}

/** The largest head of all lanes, by a tree; of equal ones that of the lower place, then of the lower lane. */
function choose(w: Writer, s: LabelSelectSizes): void {
  const { pe, bits, placeBits, entries, k, labelBits } = s;
  // A lane that saw fewer elements than labels are given can run dry.
  const dry = pe > 1 && entries < k;
  const key = bits + placeBits + (dry ? 1 : 0);
  const laneBits = Math.max(1, log2Ceil(pe));
  let level: { key: string; lane: string }[] = [];
  for (let p = 0; p < pe; p += 1) {
    if (dry) {
      w.line(`reg ${range(entries)} there_${p};`);
      const popped = entries > 1 ? `there_${p} >> 1` : "1'b0";
      w.line(`always @(posedge ap_clk) if (take & last) there_${p} <= {${entries}{1'b1}};`);
      w.line(`else if (won_${p} & give) there_${p} <= ${popped};`);
    }
    const parts = [...(dry ? [`there_${p}[0]`] : []), `out_value_${p}_0`, `~out_place_${p}_0`];
    if (pe > 1) w.line(`wire ${range(key)} key_0_${p} = {${parts.join(', ')}};`);
    level.push({ key: `key_0_${p}`, lane: `${laneBits}'d${p}` });
  }
  for (let depth = 1; level.length > 1; depth += 1) {
    const above: typeof level = [];
    for (let i = 0; i + 1 < level.length; i += 2) {
      const [a, b] = [level[i]!, level[i + 1]!];
      const name = `${depth}_${i / 2}`;
      w.line(`wire right_${name} = ${b.key} > ${a.key};`);
      if (level.length > 2) w.line(`wire ${range(key)} key_${name} = right_${name} ? ${b.key} : ${a.key};`);
      w.line(`wire ${range(laneBits)} lane_${name} = right_${name} ? ${b.lane} : ${a.lane};`);
      above.push({ key: `key_${name}`, lane: `lane_${name}` });
    }
    if (level.length % 2 === 1) above.push(level.at(-1)!);
    level = above;
  }
  const winner = level[0]!.lane;
  for (let p = 0; p < pe; p += 1) w.line(`assign won_${p} = ${pe > 1 ? `${winner} == ${laneBits}'d${p}` : "1'b1"};`);
  const places = Array.from({ length: pe }, (_, p) => `({${placeBits}{won_${p}}} & out_place_${p}_0)`);
  w.line(`wire ${range(placeBits)} place = ${pe > 1 ? places.join(' | ') : 'out_place_0_0'};`);
  const wide = (text: string, width: number): string =>
    labelBits > width ? `{${labelBits - width}'d0, ${text}}` : text;
  const label =
    pe > 1 ? `${wide('place', placeBits)} * ${labelBits}'d${pe} + ${wide(winner, laneBits)}` : wide('place', placeBits);
  w.line(`always @(posedge ap_clk) if (give) label <= ${label};`);
  const unused = pe > 1 ? [] : ['out_value_0_0', ...(entries > 1 ? [] : ['won_0'])];
  if (unused.length > 0) w.line(`wire unused = &{1'b0, ${unused.join(', ')}};`);
}
