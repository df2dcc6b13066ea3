
// Runs an accelerator by requests over a UART (docs/uart-protocol.md). One request is worked on at a time. A frame is kept in a
// block RAM until its checksum is known to be right, so that the accelerator never sees a part of a frame.
module uart_shell #(
  // Clocks a bit.
  parameter DIV = 104,
  // Bytes of a beat and of a frame, at the accelerator's input and output.
  parameter IN_BEAT = 1,
  parameter IN_FRAME = 1,
  parameter OUT_BEAT = 1,
  parameter OUT_FRAME = 1,
  // A request that pauses for 2^PAUSE clocks is given up.
  parameter PAUSE = 20,
  // The reply to `I`, first byte in the least significant bits.
  parameter IDENTITY_BYTES = 17,
  parameter [8*IDENTITY_BYTES-1:0] IDENTITY = '0
) (
  input  logic                 clk,
  input  logic                 rst_n,
  input  logic                 rx,
  output logic                 tx,
  output logic                 led,
  output logic [8*IN_BEAT-1:0] s_data,
  output logic                 s_valid,
  input  logic                 s_ready,
  input  logic [8*OUT_BEAT-1:0] m_data,
  input  logic                 m_valid,
  output logic                 m_ready
);
  localparam IN_BITS = 8 * IN_BEAT;
  localparam FRAME_ADDRESS = IN_FRAME > 1 ? $clog2(IN_FRAME) : 1;
  localparam IN_WIDTH = $clog2(IN_FRAME + IN_BEAT + 1);
  localparam LONGEST = OUT_FRAME > IDENTITY_BYTES ? OUT_FRAME : IDENTITY_BYTES;
  localparam OUT_WIDTH = $clog2(LONGEST + OUT_BEAT + 1);
  localparam IN_LANE = IN_BEAT > 1 ? $clog2(IN_BEAT) : 1;
  localparam OUT_LANE = OUT_BEAT > 1 ? $clog2(OUT_BEAT) : 1;

  // Letters of the protocol: what a request asks for, or what is wrong with it.
  localparam [1:0] IDENTIFY = 2'd0, EXECUTE = 2'd1, TEST = 2'd2, ERROR = 2'd3;
  localparam [31:0] LETTERS = {8'h45, 8'h54, 8'h58, 8'h49};

  localparam [3:0]
    COMMAND = 4'd0,  // a request's first byte is due
    PAYLOAD = 4'd1,
    CHECK = 4'd2,    // its checksum is due
    REFUSE = 4'd3,   // it is wrong: wait until the line is quiet
    MEASURE = 4'd4,  // `T` runs
    LETTER = 4'd5,   // a reply's first byte is to be sent
    BODY = 4'd6,
    CLOSE = 4'd7,    // its checksum is to be sent
    FINISH = 4'd8;   // the checksum is on its way
  logic [3:0] state;
  logic [1:0] letter;

  // The line, and the checksum over what passes on it: CRC-8, x^8 + x^5 + x^4 + 1, least significant bit first, from 255.
  // A request with its checksum leaves 0.
  logic [7:0] rx_data, tx_data, crc;
  logic rx_valid, rx_bad, rx_sample, rx_bit, tx_valid, tx_ready, tx_sample, tx_bit;
  uart_rx #(.DIV(DIV)) receiver (
    .clk(clk), .rst_n(rst_n), .rx(rx), .data(rx_data), .valid(rx_valid), .bad(rx_bad), .sample(rx_sample), .bit_in(rx_bit)
  );
  uart_tx #(.DIV(DIV)) transmitter (
    .clk(clk), .rst_n(rst_n), .data(tx_data), .valid(tx_valid), .ready(tx_ready), .tx(tx), .sample(tx_sample), .bit_out(tx_bit)
  );
  wire replying = state == LETTER || state == BODY || state == CLOSE || state == FINISH;
  wire step = replying ? tx_sample : rx_sample;
  wire crc_in = crc[0] ^ (replying ? tx_bit : rx_bit);
  wire restart = (state == LETTER && tx_ready) || (state == FINISH && tx_ready);
  always_ff @(posedge clk)
    if (!rst_n || restart) crc <= 8'hff;
    else if (step) crc <= {1'b0, crc[7:1]} ^ (crc_in ? 8'h8c : 8'h00);

  // The frame, as bytes.
  (* ram_style = "block" *) logic [7:0] frame [0:IN_FRAME-1];
  logic [7:0] frame_byte;
  logic [IN_WIDTH-1:0] in_index;
  wire [IN_WIDTH-1:0] in_next = in_index + (letter == TEST ? IN_WIDTH'(IN_BEAT) : IN_WIDTH'(1));
  wire store = state == PAYLOAD && rx_valid && letter == EXECUTE;
  always_ff @(posedge clk) begin
    if (store) frame[in_index[FRAME_ADDRESS-1:0]] <= rx_data;
    frame_byte <= frame[in_index[FRAME_ADDRESS-1:0]];
  end

  // Frames are played to the accelerator beat by beat: as many as `to_play` says (0 as 256), in `T` all beats like the last one.
  localparam [1:0] REST = 2'd0, READ = 2'd1, SHIFT = 2'd2, OFFER = 2'd3;
  logic [1:0] play;
  logic [7:0] to_play, to_see;
  logic [IN_LANE-1:0] in_lane;
  wire accepted = rx_valid && state == CHECK && crc == 8'h00;
  wire start = accepted && letter != IDENTIFY;
  wire in_last = in_next == IN_WIDTH'(IN_FRAME);
  assign s_valid = play == OFFER;
  always_ff @(posedge clk)
    if (!rst_n) begin
      play <= REST;
      in_index <= '0;
      in_lane <= '0;
    end else begin
      if (start) play <= letter == TEST ? OFFER : READ;
      case (play)
        READ: play <= SHIFT;
        SHIFT: begin
          in_lane <= in_lane == IN_LANE'(IN_BEAT - 1) ? '0 : in_lane + 1'b1;
          play <= in_lane == IN_LANE'(IN_BEAT - 1) ? OFFER : READ;
        end
        OFFER: if (s_ready) begin
          if (letter == TEST) play <= in_last && to_play == 8'd1 ? REST : OFFER;
          else play <= in_index == '0 ? REST : READ;
        end
        default: ;
      endcase
      // A frame's last byte brings the index back to 0, on the way in as on the way out.
      if (store || play == SHIFT || (s_valid && s_ready && letter == TEST)) in_index <= in_last ? '0 : in_next;
      else if (state == COMMAND) in_index <= '0;
    end
  always_ff @(posedge clk) begin
    if (play == SHIFT) s_data <= IN_BITS'({frame_byte, s_data} >> 8);
    if (state == PAYLOAD && rx_valid) to_play <= rx_data;
    else if (s_valid && s_ready && in_last) to_play <= to_play - 8'd1;
  end

  // Clocks since the last byte of a request, hence of `T` from its end; what it counts stands still for the reply.
  logic [31:0] timer;
  always_ff @(posedge clk)
    if (!replying) begin
      if (state == COMMAND || rx_valid || rx_bad) timer <= '0;
      else timer <= timer + 1'b1;
    end

  // Replies.
  logic [OUT_WIDTH-1:0] out_index, out_last;
  logic [OUT_LANE-1:0] out_lane;
  wire measuring = state == MEASURE;
  wire sent = tx_valid && tx_ready && state == BODY;
  wire out_step = sent || (measuring && m_valid);
  wire [OUT_WIDTH-1:0] out_next = out_index + (measuring ? OUT_WIDTH'(OUT_BEAT) : OUT_WIDTH'(1));
  wire out_end = out_next == out_last;
  wire [1:0] quarter = out_index[1:0];
  wire beat_end = out_lane == OUT_LANE'(OUT_BEAT - 1);
  always_comb
    case (letter)
      IDENTIFY: out_last = OUT_WIDTH'(IDENTITY_BYTES);
      TEST: out_last = measuring ? OUT_WIDTH'(OUT_FRAME) : OUT_WIDTH'(4);
      default: out_last = OUT_WIDTH'(OUT_FRAME);
    endcase
  always_comb
    if (state == LETTER) tx_data = LETTERS[8*letter +: 8];
    else if (state == CLOSE) tx_data = crc;
    else
      case (letter)
        IDENTIFY: tx_data = IDENTITY[8*out_index +: 8];
        TEST: tx_data = timer[8*quarter +: 8];
        default: tx_data = m_data[8*out_lane +: 8];
      endcase
  assign tx_valid = state == LETTER || state == CLOSE || (state == BODY && (letter != EXECUTE || m_valid));
  assign m_ready = measuring || (sent && letter == EXECUTE && beat_end);

  always_ff @(posedge clk) begin
    if (state == COMMAND) begin
      out_index <= '0;
      out_lane <= '0;
    end else if (out_step) begin
      out_index <= out_end ? '0 : out_next;
      if (!measuring) out_lane <= beat_end ? '0 : out_lane + 1'b1;
    end
    if (state == CHECK) to_see <= to_play;
    else if (measuring && m_valid && out_end) to_see <= to_see - 8'd1;
  end

  always_ff @(posedge clk)
    if (!rst_n) begin
      state <= COMMAND;
      letter <= IDENTIFY;
      led <= 1'b0;
    end else
      case (state)
        COMMAND: begin
          if (rx_valid) begin
            letter <= rx_data == LETTERS[7:0] ? IDENTIFY : rx_data == LETTERS[15:8] ? EXECUTE : TEST;
            case (rx_data)
              LETTERS[7:0]: state <= CHECK;
              LETTERS[15:8], LETTERS[23:16]: state <= PAYLOAD;
              default: state <= REFUSE;
            endcase
          end
          if (rx_bad) state <= REFUSE;
        end
        PAYLOAD: begin
          if (rx_valid && (letter == TEST || in_last)) state <= CHECK;
          if (rx_bad) state <= REFUSE;
          if (timer[PAUSE]) state <= REFUSE;
        end
        CHECK: begin
          if (rx_valid) state <= crc != 8'h00 ? REFUSE : letter == TEST ? MEASURE : LETTER;
          if (rx_bad || timer[PAUSE]) state <= REFUSE;
        end
        REFUSE: begin
          letter <= ERROR;
          if (timer[PAUSE]) state <= LETTER;
        end
        MEASURE: if (m_valid && out_end && to_see == 8'd1) state <= LETTER;
        LETTER: if (tx_ready) state <= letter == ERROR ? CLOSE : BODY;
        BODY: if (sent && out_end) state <= CLOSE;
        CLOSE: if (tx_ready) state <= FINISH;
        default: if (tx_ready && play == REST) begin
          state <= COMMAND;
          led <= ~led;
        end
      endcase
endmodule
