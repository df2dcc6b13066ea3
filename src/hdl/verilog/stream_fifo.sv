// A queue of exactly DEPTH beats (4 or more) at one beat per cycle: a memory of STYLE "distributed", "block" or "ultra" before an output
// register. A beat taken in cycle t can leave in cycle t + 2. s_ready and m_valid are registers, so nothing passes from m_ready to s_ready.
module stream_fifo #(
  parameter WIDTH = 8,
  parameter DEPTH = 16,
  // Its use in an attribute does not count for the lint.
  /* verilator lint_off UNUSEDPARAM */
  parameter STYLE = "block"
  /* verilator lint_on UNUSEDPARAM */
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
  localparam PLACES = DEPTH - 1;
  localparam ADDRESS = PLACES > 1 ? $clog2(PLACES) : 1;
  localparam [ADDRESS-1:0] LAST = ADDRESS'(PLACES - 1);
  localparam COUNT = $clog2(PLACES + 1);
  localparam [COUNT-1:0] FULL = COUNT'(PLACES);
  (* ram_style = STYLE, no_rw_check *) logic [WIDTH-1:0] beats [0:PLACES-1];
  logic [ADDRESS-1:0] write_address, read_address;
  logic [COUNT-1:0] stored;
  logic filled, ready, valid;
  logic [WIDTH-1:0] read_data;
  wire push = s_valid & ready;
  wire read = filled & (~valid | m_ready);
  assign s_ready = ready;
  assign m_valid = valid;
  assign m_data = read_data;

  // A beat is read one cycle after it was written at the earliest, never in the same.
  always_ff @(posedge clk) begin
    if (push) beats[write_address] <= s_data;
    if (read) read_data <= beats[read_address];
  end

  // filled is stored != 0 and ready is stored != PLACES, kept as registers.
  always_ff @(posedge clk)
    if (!rst_n) begin
      write_address <= '0;
      read_address <= '0;
      stored <= '0;
      filled <= 1'b0;
      ready <= 1'b1;
      valid <= 1'b0;
    end else begin
      if (push) write_address <= write_address == LAST ? '0 : write_address + 1'b1;
      if (read) read_address <= read_address == LAST ? '0 : read_address + 1'b1;
      if (push & ~read) begin
        stored <= stored + 1'b1;
        filled <= 1'b1;
        ready <= stored != FULL - 1'b1;
      end else if (read & ~push) begin
        stored <= stored - 1'b1;
        filled <= stored != COUNT'(1);
        ready <= 1'b1;
      end
      if (read) valid <= 1'b1;
      else if (m_ready) valid <= 1'b0;
    end
endmodule
