import type { Design } from '../../src/hdl/design.ts';

/** Small circuits that the tests of simulators run: right ones, and ones that break AXI-Stream in one way each. */

const ports = (width: number, out: number): string => `  input wire ap_clk,
  input wire ap_rst_n,
  input wire [${width - 1}:0] s_axis_0_tdata,
  input wire s_axis_0_tvalid,
  output wire s_axis_0_tready,
  output wire [${out - 1}:0] m_axis_0_tdata,
  output wire m_axis_0_tvalid,
  input wire m_axis_0_tready`;

const streams = (width: number, out: number, beatsIn: number, beatsOut: number): Design['streams'] => [
  { name: 's_axis_0', direction: 'in', lanes: 1, bits: width, width, beats: beatsIn },
  { name: 'm_axis_0', direction: 'out', lanes: 1, bits: out, width: out, beats: beatsOut },
];

/** A FIFO of 4 beats that adds a constant from a memory image to every beat. */
export function adder(width: number, addend: number): Design {
  const source = `module fifo_core #(parameter W = 8, parameter INIT = "addend.hex") (
${ports(width, width)}
);
  reg [W-1:0] rom [0:0];
  initial $readmemh(INIT, rom);
  reg [W-1:0] mem [0:3];
  reg [2:0] head, tail;
  wire [2:0] level = tail - head;
  assign s_axis_0_tready = ap_rst_n && level != 3'd4;
  assign m_axis_0_tvalid = level != 3'd0;
  assign m_axis_0_tdata = mem[head[1:0]];
  always @(posedge ap_clk)
    if (!ap_rst_n) begin
      head <= 3'd0;
      tail <= 3'd0;
    end else begin
      if (s_axis_0_tvalid && s_axis_0_tready) begin
        mem[tail[1:0]] <= s_axis_0_tdata + rom[0];
        tail <= tail + 3'd1;
      end
      if (m_axis_0_tvalid && m_axis_0_tready) head <= head + 3'd1;
    end
endmodule
`;
  const wires = ['s_axis_0', 'm_axis_0'].flatMap((s) => ['tdata', 'tvalid', 'tready'].map((p) => `${s}_${p}`));
  const all = ['ap_clk', 'ap_rst_n', ...wires].map((name) => `.${name}(${name})`).join(', ');
  const top = `module adder (
${ports(width, width)}
);
  fifo_core #(.W(${width}), .INIT("addend.hex")) fifo_core (${all});
endmodule
`;
  const sources = { 'fifo_core.sv': source, 'adder.sv': top };
  const memories = { 'addend.hex': `${addend.toString(16)}\n` };
  return { top: 'adder', sources, memories, streams: streams(width, width, 1, 1) };
}

/** Beats of 24 bits to three of 8, least significant first. */
export function narrower(): Design {
  const source = `module narrower (
${ports(24, 8)}
);
  reg [23:0] data;
  reg [1:0] left;
  assign s_axis_0_tready = left == 2'd0 || (left == 2'd1 && m_axis_0_tready);
  assign m_axis_0_tvalid = left != 2'd0;
  assign m_axis_0_tdata = data[7:0];
  always @(posedge ap_clk)
    if (!ap_rst_n) left <= 2'd0;
    else if (s_axis_0_tvalid && s_axis_0_tready) begin
      data <= s_axis_0_tdata;
      left <= 2'd3;
    end else if (m_axis_0_tvalid && m_axis_0_tready) begin
      data <= data >> 8;
      left <= left - 2'd1;
    end
endmodule
`;
  return { top: 'narrower', sources: { 'narrower.sv': source }, memories: {}, streams: streams(24, 8, 1, 3) };
}

export type Fault = 'retracts' | 'changes' | 'drops' | 'duplicates' | 'hangs';

/** A register stage of 40 bits with a fault that shows from the fifth beat on. */
export function faulty(fault: Fault): Design {
  const when = "count == 4'd5";
  const effects: Readonly<Record<Fault, string>> = {
    retracts: "if (full && !m_axis_0_tready) full <= 1'b0;",
    changes: 'if (full && !m_axis_0_tready) data <= ~data;',
    drops: `if (s_axis_0_tvalid && s_axis_0_tready && ${when}) full <= 1'b0;`,
    duplicates: `if (full && m_axis_0_tready && ${when}) begin full <= 1'b1; data <= data; count <= 4'd6; end`,
    hangs: `if (${when}) full <= 1'b0;`,
  };
  const ready = fault === 'hangs' ? ` && !(${when})` : fault === 'duplicates' ? ` && !(full && ${when})` : '';
  const source = `module faulty (
${ports(40, 40)}
);
  reg [39:0] data;
  reg full;
  reg [3:0] count;
  assign s_axis_0_tready = (!full || m_axis_0_tready)${ready};
  assign m_axis_0_tvalid = full;
  assign m_axis_0_tdata = data;
  always @(posedge ap_clk)
    if (!ap_rst_n) begin
      full <= 1'b0;
      count <= 4'd0;
    end else begin
      if (m_axis_0_tready) full <= 1'b0;
      if (s_axis_0_tvalid && s_axis_0_tready) begin
        full <= 1'b1;
        data <= s_axis_0_tdata;
        if (count != 4'd15) count <= count + 4'd1;
      end
      ${effects[fault]}
    end
endmodule
`;
  return { top: 'faulty', sources: { 'faulty.sv': source }, memories: {}, streams: streams(40, 40, 1, 1) };
}
