// A queue of exactly DEPTH beats (2 to 32768) at one beat per cycle. s_ready, m_valid and m_data come from registers;
// s_ready does not depend on m_ready. STYLE "register": beats move from register to register towards the output, which
// costs a LUT per bit and beat and nothing else; a beat taken in cycle t can leave in cycle t + 1. STYLE "distributed" or "block": a memory
// of DEPTH - 1 beats before the output register, DEPTH at least 3; a beat taken in cycle t can leave in cycle t + 2.
module stream_fifo #(
  parameter WIDTH = 8,
  parameter DEPTH = 2,
  parameter STYLE = "register"
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
  generate
    if (STYLE == "register") begin : registers
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
    end else begin : memory
      localparam PLACES = DEPTH - 1;
      localparam ADDRESS = PLACES > 1 ? $clog2(PLACES) : 1;
      localparam [ADDRESS-1:0] LAST = ADDRESS'(PLACES - 1);
      localparam COUNT = $clog2(PLACES + 1);
      localparam [COUNT-1:0] FULL = COUNT'(PLACES);
      (* ram_style = STYLE *) logic [WIDTH-1:0] beats [0:PLACES-1];
      logic [ADDRESS-1:0] write_address, read_address;
      logic [COUNT-1:0] stored;
      logic filled, ready, valid;
      logic [WIDTH-1:0] read_data;
      wire push = s_valid & ready;
      wire read = filled & (~valid | m_ready);
      assign s_ready = ready;
      assign m_valid = valid;
      assign m_data = read_data;

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
    end
  endgenerate
endmodule
