// One beat of RATIO * WIDTH bits becomes RATIO (at least 2), the least significant bits first. A beat leaves in every cycle; the first
// part is there in the cycle after the wide beat.
module stream_narrow #(
  parameter WIDTH = 8,
  parameter RATIO = 2
) (
  input  logic                   clk,
  input  logic                   rst_n,
  input  logic [RATIO*WIDTH-1:0] s_data,
  input  logic                   s_valid,
  output logic                   s_ready,
  output logic [WIDTH-1:0]       m_data,
  output logic                   m_valid,
  input  logic                   m_ready
);
  localparam COUNT = $clog2(RATIO);
  localparam [COUNT-1:0] LAST = COUNT'(RATIO - 1);
  logic [COUNT-1:0] count;
  logic [RATIO*WIDTH-1:0] parts;
  logic full;
  wire last = count == LAST;
  wire take = s_valid & s_ready;
  assign s_ready = ~full | (m_ready & last);
  assign m_valid = full;
  assign m_data = parts[WIDTH-1:0];

  always_ff @(posedge clk)
    if (take) parts <= s_data;
    else if (m_ready) parts <= {parts[WIDTH-1:0], parts[RATIO*WIDTH-1:WIDTH]};

  always_ff @(posedge clk)
    if (!rst_n) begin
      count <= '0;
      full <= 1'b0;
    end else begin
      if (full & m_ready) count <= last ? '0 : count + 1'b1;
      if (take) full <= 1'b1;
      else if (m_ready & last) full <= 1'b0;
    end
endmodule
