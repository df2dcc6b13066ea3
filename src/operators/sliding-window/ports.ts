import type { StreamPort } from '../../hdl/design.ts';
import { range } from '../../hdl/verilog.ts';
import type { Writer } from '../../util/writer.ts';

/** A number of `bits` bits, two's complement. */
export function number(value: number, bits: number): string {
  const modulus = 2 ** bits;
  return `${bits}'d${((value % modulus) + modulus) % modulus}`;
}

/** A module of one input and one output stream. */
export function streamModule(w: Writer, top: string, streams: readonly StreamPort[], body: () => void): void {
  w.line(`module ${top} (`).indent(() => {
    w.line('input wire ap_clk,').line('input wire ap_rst_n,');
    w.line(`input wire ${range(streams[0]!.width)} s_axis_0_tdata,`);
    w.line('input wire s_axis_0_tvalid,').line('output wire s_axis_0_tready,');
    w.line(`output wire ${range(streams[1]!.width)} m_axis_0_tdata,`);
    w.line('output wire m_axis_0_tvalid,').line('input wire m_axis_0_tready');
  });
  w.line(');').indent(body).line('endmodule');
}
