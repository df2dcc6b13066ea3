
// Sends bytes, 8N1, DIV clocks a bit (at least 2), least significant bit first. A byte is taken where `valid` and `ready` are high.
// `sample` is high for one clock for each data bit, with the bit in `bit_out`; all of them come before `ready` does again.
module uart_tx #(
  parameter DIV = 104
) (
  input  logic       clk,
  input  logic       rst_n,
  input  logic [7:0] data,
  input  logic       valid,
  output logic       ready,
  output logic       tx,
  output logic       sample,
  output logic       bit_out
);
  localparam WIDTH = $clog2(DIV);
  localparam [WIDTH-1:0] BIT = WIDTH'(DIV - 1);

  logic [WIDTH-1:0] count;
  // Bits not yet sent to the end: 10 to 1; 0 between bytes.
  logic [3:0] left;
  logic [8:0] bits;

  assign ready = left == 4'd0;
  assign tx = bits[0];
  assign sample = count == '0 && left > 4'd2;
  assign bit_out = bits[1];

  always_ff @(posedge clk)
    if (!rst_n) begin
      left <= 4'd0;
      bits <= '1;
    end else if (ready) begin
      if (valid) begin
        left <= 4'd10;
        bits <= {data, 1'b0};
      end
    end else if (count == '0) begin
      left <= left - 4'd1;
      bits <= {1'b1, bits[8:1]};
    end

  always_ff @(posedge clk)
    if (ready || count == '0) count <= BIT;
    else count <= count - 1'b1;
endmodule
