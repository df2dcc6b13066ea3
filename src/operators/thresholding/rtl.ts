import type { Design, StreamPort } from '../../hdl/design.ts';
import type { Device } from '../../hdl/device.ts';
import { thresholdUnit } from '../../hdl/thresholds.ts';
import { range } from '../../hdl/verilog.ts';
import { log2Ceil } from '../../util/maths.ts';
import { writer } from '../../util/writer.ts';
import type { Layer } from '../operator.ts';
import { optionsOf, type ThresholdingAttrs } from './unit.ts';

/** The threshold unit between two streams: all of it moves on when the output is free or taken. */
export function thresholdingRtl(
  layer: Layer<ThresholdingAttrs>,
  device: Device,
  top: string,
  streams: readonly StreamPort[],
): Design {
  const options = optionsOf(layer, device);
  const unit = thresholdUnit(`${top}_unit`, options);
  const folds = options.table.channels / options.pe;
  const foldBits = Math.max(1, log2Ceil(folds));
  const { depth } = unit;
  const w = writer();
  w.line(`module ${top} (`).indent(() => {
    w.line('input wire ap_clk,').line('input wire ap_rst_n,');
    w.line(`input wire ${range(streams[0]!.width)} s_axis_0_tdata,`);
    w.line('input wire s_axis_0_tvalid,').line('output wire s_axis_0_tready,');
    w.line(`output wire ${range(streams[1]!.width)} m_axis_0_tdata,`);
    w.line('output wire m_axis_0_tvalid,').line('input wire m_axis_0_tready');
  });
  w.line(');').indent(() => {
    w.line(`reg ${range(depth)} valid;`);
    w.line(`wire move = m_axis_0_tready | ~valid[${depth - 1}];`);
    w.line('assign s_axis_0_tready = move;').line(`assign m_axis_0_tvalid = valid[${depth - 1}];`);
    const shifted = depth > 1 ? `{valid[${depth - 2}:0], s_axis_0_tvalid}` : 's_axis_0_tvalid';
    w.line(`always @(posedge ap_clk) if (!ap_rst_n) valid <= ${depth}'d0; else if (move) valid <= ${shifted};`);
    if (folds > 1) {
      w.line(`reg ${range(foldBits)} fold;`);
      w.line(`always @(posedge ap_clk) if (!ap_rst_n) fold <= ${foldBits}'d0;`);
      w.line('else if (move & s_axis_0_tvalid)');
      w.line(`  fold <= fold == ${foldBits}'d${folds - 1} ? ${foldBits}'d0 : fold + ${foldBits}'d1;`);
    } else {
      w.line(`wire ${range(foldBits)} fold = ${foldBits}'d0;`);
    }
    w.line(`${top}_unit unit (`).indent(() => {
      w.line('.clk(ap_clk), .en(move), .fold(fold), .acc(s_axis_0_tdata), .out(m_axis_0_tdata)');
    });
    w.line(');');
  });
  w.line('endmodule');
  const sources = { [`${top}.v`]: w.toString(), [`${top}_unit.v`]: unit.source };
  return { top, sources, memories: unit.memories, streams };
}
