// RATIO beats of WIDTH bits become one, the first in the least significant bits. A beat can be taken in every cycle; the wide beat
// is there in the cycle after its last part.
module stream_widen #(
  parameter WIDTH = 8,
  parameter RATIO = 2
) (
  input  logic                   clk,
  input  logic                   rst_n,
  input  logic [WIDTH-1:0]       s_data,
  input  logic                   s_valid,
  output logic                   s_ready,
  output logic [RATIO*WIDTH-1:0] m_data,
  output logic                   m_valid,
  input  logic                   m_ready
);
  localparam COUNT = RATIO > 1 ? $clog2(RATIO) : 1;
  localparam [COUNT-1:0] LAST = COUNT'(RATIO - 1);
  logic [COUNT-1:0] count;
  logic [RATIO*WIDTH-1:0] parts;
  logic full;
  wire take = s_valid & s_ready;
  assign s_ready = ~full | m_ready;
  assign m_valid = full;
  assign m_data = parts;

  generate
    if (RATIO > 1) begin : shift
      always_ff @(posedge clk) if (take) parts <= {s_data, parts[RATIO*WIDTH-1:WIDTH]};
    end else begin : hold
      always_ff @(posedge clk) if (take) parts <= s_data;
    end
  endgenerate

  always_ff @(posedge clk)
    if (!rst_n) begin
      count <= '0;
      full <= 1'b0;
    end else begin
      if (take) count <= count == LAST ? '0 : count + 1'b1;
      if (take) full <= count == LAST;
      else if (m_ready) full <= 1'b0;
    end
endmodule
