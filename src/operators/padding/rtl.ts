import type { Design, StreamPort } from '../../hdl/design.ts';
import { extended } from '../../hdl/extend.ts';
import { streamModule } from '../../hdl/stream-module.ts';
import { rigidStage } from '../../hdl/stream-stage.ts';
import { literal } from '../../hdl/threshold-rom.ts';
import { packWords, range } from '../../hdl/verilog.ts';
import { BIPOLAR } from '../../ir/datatype.ts';
import type { Border } from '../border.ts';
import type { Layer } from '../operator.ts';

/**
 * Each cycle a beat goes to the output register: inside, one of the input; outside, the constant. Where constants come first, they
 * wait for the frame's first beat, so that none leaves before there is a frame: the input is a beat ahead, in a register.
 */
export function paddingRtl(
  layer: Layer,
  border: Border,
  value: number,
  top: string,
  streams: readonly StreamPort[],
): Design {
  const [from, to] = streams as [StreamPort, StreamPort];
  const element = layer.types[0]!.dtype === BIPOLAR ? BigInt(value > 0) : BigInt(value);
  const pad = literal(packWords(new Array<bigint>(to.lanes).fill(element), to.bits), to.width);
  const ahead = border.first > 0;
  const takes = ahead ? `(${border.start}) | ((${border.inside}) & ~(${border.lastInside}))` : border.inside;
  const source = streamModule(top, streams, (w) => {
    w.lines(rigidStage({ nest: border.nest, takes, gives: "1'b1" }));
    w.line(`wire inner = ${border.inside};`);
    if (ahead) {
      w.line(`reg ${range(from.width)} held;`);
      w.line('always @(posedge ap_clk) if (s_axis_0_tvalid & s_axis_0_tready) held <= s_axis_0_tdata;');
    }
    const given = ahead ? 'held' : 's_axis_0_tdata';
    const widened = extended(given, from.lanes, layer.inputs[0]!.type.dtype, layer.types[0]!.dtype);
    w.line(`wire ${range(to.width)} pixel = ${widened};`);
    w.line(`reg ${range(to.width)} data;`);
    w.line(`always @(posedge ap_clk) if (move & ~inner) data <= ${pad}; else if (move) data <= pixel;`);
    w.line('assign m_axis_0_tdata = data;');
  });
  return { top, sources: { [`${top}.v`]: source }, memories: {}, streams };
}
