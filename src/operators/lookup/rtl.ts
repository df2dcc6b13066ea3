import { countOf, within } from '../../hdl/counters.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { isBlock, romVerilog } from '../../hdl/memory.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { rigidStage } from '../../hdl/stream-stage.ts';
import { range } from '../../hdl/verilog.ts';
import type { Writer } from '../../util/writer.ts';
import type { Layer } from '../operator.ts';
import type { LookupAttrs } from './attrs.ts';
import { type LookupSizes, sizesOf, wordsOf } from './sizes.ts';

/** Two registers: the number of the row, and the memory's own. */
export function lookupRtl(
  layer: Layer<LookupAttrs>,
  { family }: Device,
  top: string,
  streams: readonly StreamPort[],
): Design {
  const s = sizesOf(layer);
  const memories: Record<string, string> = {};
  const source = streamModule(top, streams, (w) => {
    const takes = within(s.fold, 0, 1);
    w.lines(rigidStage({ nest: [s.fold], takes, gives: "1'b1", depth: 2 }));
    if (s.rowBits > 0) rowNumber(w, s, takes === "1'b1" ? 'move' : 'move & taking');
    else w.line("wire unused = &{1'b0, s_axis_0_tdata};");
    if (s.foldBits > 0) {
      w.line(`reg ${range(s.foldBits)} part;`);
      w.line(`always @(posedge ap_clk) if (move) part <= ${countOf(s.fold, s.foldBits)};`);
    }
    const parts = [...(s.rowBits > 0 ? ['row'] : []), ...(s.foldBits > 0 ? ['part'] : [])];
    if (!s.rowFirst) parts.reverse();
    const rom = {
      name: 'rows',
      module: top,
      width: s.shape.width,
      words: wordsOf(layer),
      clock: 'ap_clk',
      enable: 'move',
      address: parts.length > 1 ? `{${parts.join(', ')}}` : (parts[0] ?? "1'b0"),
      target: 'word',
    };
    w.lines(romVerilog(family, rom, isBlock(family, s.shape, layer.attrs.memory), memories));
    w.line('assign m_axis_0_tdata = word;');
  });
  return { top, sources: { [`${top}.v`]: source }, memories, streams };
}

/** Register `row`: the index, those below 0 counted from the end, held to the rows that there are. */
function rowNumber(w: Writer, s: LookupSizes, enable: string): void {
  const { index, rowBits, rows } = s;
  const beyond = index.max > rows - 1;
  const bits = Math.max(index.bits, rowBits) + (index.signed ? 1 : 0);
  const more = bits - index.bits;
  const sign = index.signed ? `s_axis_0_tdata[${index.bits - 1}]` : "1'b0";
  w.line(`reg ${range(rowBits)} row;`);
  w.line(`wire ${range(bits)} given = ${more > 0 ? `{{${more}{${sign}}}, s_axis_0_tdata}` : 's_axis_0_tdata'};`);
  if (index.signed) w.line(`wire ${range(bits)} index = ${sign} ? given + ${bits}'d${rows} : given;`);
  else w.line(`wire ${range(bits)} index = given;`);
  const last = `${rowBits}'d${rows - 1}`;
  const below = index.min < -rows ? `index[${bits - 1}] ? ${rowBits}'d0 : ` : '';
  const above = beyond ? `index > ${bits}'d${rows - 1} ? ${last} : ` : '';
  w.line(`always @(posedge ap_clk) if (${enable}) row <= ${below}${above}index[${rowBits - 1}:0];`);
  if (!beyond && bits > rowBits) w.line(`wire unused = &{1'b0, index[${bits - 1}:${rowBits}]};`);
}
