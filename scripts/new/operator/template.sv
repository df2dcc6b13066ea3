// The magnitude of each lane, through one register. A beat taken in cycle t can leave in cycle t + 1.
module template #(
  parameter LANES = 1,
  parameter BITS = 8
) (
  input  logic                  clk,
  input  logic                  rst_n,
  input  logic [LANES*BITS-1:0] s_data,
  input  logic                  s_valid,
  output logic                  s_ready,
  output logic [LANES*BITS-1:0] m_data,
  output logic                  m_valid,
  input  logic                  m_ready
);
  wire move = m_ready | ~m_valid;
  assign s_ready = move;

  always_ff @(posedge clk)
    if (!rst_n) m_valid <= 1'b0;
    else if (move) m_valid <= s_valid;

  generate
    for (genvar i = 0; i < LANES; i = i + 1) begin : lane
      wire [BITS-1:0] x = s_data[i*BITS +: BITS];
      always_ff @(posedge clk)
        if (move) m_data[i*BITS +: BITS] <= x[BITS-1] ? ~x + 1'b1 : x;
    end
  endgenerate
endmodule
