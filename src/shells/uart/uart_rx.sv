
// Receives bytes, 8N1, DIV clocks a bit (at least 4), least significant bit first. `sample` is high for one clock for each data bit,
// with the bit in `bit_in`; after the stop bit `valid` (or `bad`, if that was 0) is high for one clock, with the byte in `data`.
module uart_rx #(
  parameter DIV = 104
) (
  input  logic       clk,
  input  logic       rst_n,
  input  logic       rx,
  output logic [7:0] data,
  output logic       valid,
  output logic       bad,
  output logic       sample,
  output logic       bit_in
);
  localparam WIDTH = $clog2(DIV);
  localparam [WIDTH-1:0] BIT = WIDTH'(DIV - 1);
  localparam [WIDTH-1:0] HALF = WIDTH'(DIV / 2 - 1);

  logic [1:0] synchronised;
  logic [WIDTH-1:0] count;
  // Bits to come, the start bit among them: 10 to 1; 0 between bytes.
  logic [3:0] left;
  wire line = synchronised[0];
  wire due = left != 4'd0 && count == '0;

  assign bit_in = line;
  assign sample = due && left != 4'd10 && left != 4'd1;

  always_ff @(posedge clk)
    if (!rst_n) begin
      synchronised <= 2'b11;
      left <= 4'd0;
      valid <= 1'b0;
      bad <= 1'b0;
    end else begin
      synchronised <= {rx, synchronised[1]};
      valid <= due && left == 4'd1 && line;
      bad <= due && left == 4'd1 && !line;
      if (left == 4'd0) begin
        if (!line) left <= 4'd10;
      end else if (due) left <= left == 4'd10 && line ? 4'd0 : left - 4'd1;
    end

  always_ff @(posedge clk) begin
    if (left == 4'd0) count <= HALF;
    else count <= count == '0 ? BIT : count - 1'b1;
    if (sample) data <= {line, data[7:1]};
  end
endmodule
