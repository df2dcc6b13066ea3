import type { Design, StreamPort } from '../../hdl/design.ts';
import { extended } from '../../hdl/extend.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { rigidStage } from '../../hdl/stream-stage.ts';
import { range } from '../../hdl/verilog.ts';
import type { Layer } from '../operator.ts';
import type { Positions } from './sizes.ts';

/** Each cycle a beat goes to the output register: one of the input where a pixel is, zeros between. */
export function pixelPaddingRtl(layer: Layer, at: Positions, top: string, streams: readonly StreamPort[]): Design {
  const [from, to] = streams as [StreamPort, StreamPort];
  const pixel = extended('s_axis_0_tdata', from.lanes, layer.inputs[0]!.type.dtype, layer.types[0]!.dtype);
  const source = streamModule(top, streams, (w) => {
    w.lines(rigidStage({ nest: at.nest, takes: at.taking, gives: "1'b1" }));
    w.line(`reg ${range(to.width)} data;`);
    // In this form the zeros are the flip-flops' reset, and cost no LUTs.
    const zeros = at.taking === "1'b1" ? '' : `if (move & ~taking) data <= ${to.width}'d0; else `;
    w.line(`always @(posedge ap_clk) ${zeros}if (move) data <= ${pixel};`);
    w.line('assign m_axis_0_tdata = data;');
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}
