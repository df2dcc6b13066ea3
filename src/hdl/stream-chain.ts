import { writer } from '../util/writer.ts';
import { range } from './verilog.ts';

/** A library module with ports clk, rst_n, s_data/valid/ready and m_data/valid/ready; `module` has its parameters. */
export interface StreamStage {
  readonly module: string;
  /** Bits of m_data. */
  readonly width: number;
}

/** A module `top` with streams s_axis_0 (`width` bits) and m_axis_0 and the stages one behind the other. */
export function streamChain(top: string, stages: readonly StreamStage[], width: number): string {
  const w = writer();
  w.line(`module ${top} (`).indent(() => {
    w.line('input wire ap_clk,').line('input wire ap_rst_n,');
    w.line(`input wire ${range(width)} s_axis_0_tdata,`);
    w.line('input wire s_axis_0_tvalid,').line('output wire s_axis_0_tready,');
    w.line(`output wire ${range(stages.at(-1)!.width)} m_axis_0_tdata,`);
    w.line('output wire m_axis_0_tvalid,').line('input wire m_axis_0_tready');
  });
  w.line(');').indent(() => {
    stages.forEach(({ module, width: bits }, i) => {
      const last = i === stages.length - 1;
      const [from, to] = [i === 0 ? 's_axis_0_t' : `stage_${i - 1}_`, last ? 'm_axis_0_t' : `stage_${i}_`];
      if (!last) w.line(`wire ${range(bits)} ${to}data;`).line(`wire ${to}valid, ${to}ready;`);
      w.line(`${module} stage_${i} (`).indent(() => {
        w.line('.clk(ap_clk), .rst_n(ap_rst_n),');
        w.line(`.s_data(${from}data), .s_valid(${from}valid), .s_ready(${from}ready),`);
        w.line(`.m_data(${to}data), .m_valid(${to}valid), .m_ready(${to}ready)`);
      });
      w.line(');');
    });
  });
  return w.line('endmodule').toString();
}
