// A queue of exactly DEPTH beats (at least 2) at one beat per cycle, in registers through which beats move towards the output: a LUT and a
// register per bit and beat, and nothing else. A beat taken in cycle t can leave in cycle t + 1. s_ready, m_valid and m_data are registers,
// so nothing passes from m_ready to s_ready.
module stream_registers #(
  parameter WIDTH = 8,
  parameter DEPTH = 2
) (
  input  logic             clk,
  input  logic             rst_n,
  input  logic [WIDTH-1:0] s_data,
  input  logic             s_valid,
  output logic             s_ready,
  output logic [WIDTH-1:0] m_data,
  output logic             m_valid,
  input  logic             m_ready
);
  logic [DEPTH-1:0] used;
  logic [DEPTH*WIDTH-1:0] beats;
  wire push = s_valid & s_ready;
  wire pop = m_valid & m_ready;
  assign s_ready = ~used[DEPTH-1];
  assign m_valid = used[0];
  assign m_data = beats[WIDTH-1:0];

  always_ff @(posedge clk)
    if (!rst_n) used <= '0;
    else if (push & ~pop) used <= {used[DEPTH-2:0], 1'b1};
    else if (pop & ~push) used <= {1'b0, used[DEPTH-1:1]};

  // A free place follows s_data, so that it has the beat when it becomes used.
  generate
    for (genvar i = 0; i < DEPTH; i = i + 1) begin : place
      if (i < DEPTH - 1) begin : inner
        always_ff @(posedge clk)
          if (pop | ~used[i])
            beats[i*WIDTH +: WIDTH] <= used[i+1] ? beats[(i+1)*WIDTH +: WIDTH] : s_data;
      end else begin : first
        always_ff @(posedge clk)
          if (pop | ~used[i]) beats[i*WIDTH +: WIDTH] <= s_data;
      end
    end
  endgenerate
endmodule
