import { readFileSync } from 'node:fs';
import type { ClockPlan } from '../../config/clock.ts';
import { fail } from '../../diagnostics/diagnostic.ts';
import type { Design, StreamPort } from '../../hdl/design.ts';
import type { Family } from '../../hdl/device.ts';
import { type Rational, showRational, toNumber } from '../../util/rational.ts';
import { clockSource } from './clock.ts';

/** What the UART shell is told of the board, the recipe and the accelerator. */
export interface UartShell {
  /** One stream in, s_axis_0, and one out, m_axis_0, of whole bytes. */
  readonly accelerator: Design;
  /** How the accelerator's clock is made: `planClock` of config/clock.ts. */
  readonly clock: ClockPlan;
  readonly family: Family;
  readonly baud: number;
  /** First 4 bytes of what identifies the build, as a number of 32 bits: the host checks that it speaks to the circuit it was made for. */
  readonly id: number;
  /** Ports beside clk, rx and tx that the board's pins file has; `led` is driven, `ties` are constant. */
  readonly led?: boolean;
  readonly ties?: Readonly<Record<string, 0 | 1>>;
  /** Clocks, as a power of two, after which a request that pauses is given up; by default 50 to 100 ms. */
  readonly pause?: number;
}

/** What the host must know to speak to the circuit; goes into the driver. */
export interface UartFacts {
  readonly baud: number;
  readonly clockHz: number;
  readonly id: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** The largest difference between the baud rate and the nearest one that the clock can be divided to. */
const tolerance = 0.02;
export const protocolVersion = 1;

const files = ['uart_rx', 'uart_tx', 'uart_shell'] as const;
const text = (name: string): string => readFileSync(new URL(`./${name}.sv`, import.meta.url), 'utf8');

/** Clocks of a bit; FinnError `uart/baud` where the clock cannot be divided to the baud rate within 2 %. */
export function divider(clock: Rational, baud: number): number {
  const hertz = toNumber(clock) * 1e6;
  const clocks = Math.round(hertz / baud);
  if (clocks >= 4 && Math.abs(hertz / clocks / baud - 1) <= tolerance) return clocks;
  const near = [Math.max(4, Math.floor(hertz / baud)), Math.max(4, Math.ceil(hertz / baud))];
  const rates = [...new Set(near)].map((count) => String(Math.round(hertz / count)));
  return fail('uart/baud', `a clock of ${showRational(clock)} MHz cannot be divided to ${baud} baud`, {
    hint: `the nearest rates are ${rates.join(' and ')}; 2 % beside one of them is near enough`,
  });
}

/** Baud rate, clock and sizes for the host. */
export function uartFacts({ accelerator, clock, baud, id }: UartShell): UartFacts {
  const { input, output } = streams(accelerator);
  return {
    baud,
    clockHz: Math.round(toNumber(clock.mhz) * 1e6),
    id,
    inputBytes: (input.width / 8) * input.beats,
    outputBytes: (output.width / 8) * output.beats,
  };
}

/**
 * The accelerator between a board's pins: ports clk, rx, tx, and led and the ties where the board has them; no streams
 * are left. In the variant 'simulation' everything is the same but the PLL, which is a wire.
 */
export function uartShell(shell: UartShell, variant: 'board' | 'simulation' = 'board'): Design {
  const { accelerator, clock } = shell;
  const clockText = variant === 'simulation' ? text('clock_pass') : clockSource(clock, shell.family);
  return {
    top: 'finn_uart_top',
    sources: {
      ...accelerator.sources,
      ...Object.fromEntries(files.map((name) => [`${name}.sv`, text(name)])),
      'accelerator_clock.sv': clockText,
      'finn_uart_top.sv': topText(shell),
    },
    memories: accelerator.memories,
    streams: [],
  };
}

/**
 * The simulated top with a UART at the host's end of its wires, as a circuit that src/sim can run. s_axis_0 takes what
 * the host sends: a byte below, and above it how many bytes (modulo 256) the host must have received before it sends that
 * one. m_axis_0 gives what it receives. `request` and `reply` are the beats of the two.
 */
export function uartTestbench(shell: UartShell, bytes: { readonly request: number; readonly reply: number }): Design {
  const top = uartShell(shell, 'simulation');
  return {
    ...top,
    top: 'finn_uart_bench',
    sources: { ...top.sources, 'finn_uart_bench.sv': benchText(divider(shell.clock.mhz, shell.baud)) },
    streams: [
      { name: 's_axis_0', direction: 'in', lanes: 1, bits: 16, width: 16, beats: bytes.request },
      { name: 'm_axis_0', direction: 'out', lanes: 1, bits: 8, width: 8, beats: bytes.reply },
    ],
  };
}

/** Ports of the top that a pins file must place. */
export const uartPins = ({ led = false, ties = {} }: UartShell): string[] => [
  'clk',
  'rx',
  'tx',
  ...(led ? ['led'] : []),
  ...Object.keys(ties),
];

function streams({ streams: all, top }: Design): { input: StreamPort; output: StreamPort } {
  const [input, output] = [all.find(({ name }) => name === 's_axis_0'), all.find(({ name }) => name === 'm_axis_0')];
  if (all.length !== 2 || !input || !output || input.width % 8 !== 0 || output.width % 8 !== 0) {
    const found = all.map(({ name, width }) => `${name} (${width} bits)`).join(', ');
    return fail('uart/streams', `the UART shell takes one input and one output of whole bytes; ${top} has ${found}`, {
      hint: 'a network with one input and one output',
    });
  }
  return { input, output };
}

function identity(facts: UartFacts): bigint {
  const words = [facts.id, facts.inputBytes, facts.outputBytes, facts.clockHz];
  return words.reduce((all, word, i) => all | (BigInt(word >>> 0) << BigInt(8 + 32 * i)), BigInt(protocolVersion));
}

function topText(shell: UartShell): string {
  const { accelerator, clock, baud, led = false, ties = {} } = shell;
  const { input, output } = streams(accelerator);
  const facts = uartFacts(shell);
  const pause = shell.pause ?? Math.max(1, Math.ceil(Math.log2(facts.clockHz * 0.05)));
  const ports = ['  input  logic clk', '  input  logic rx', '  output logic tx'];
  if (led) ports.push('  output logic led');
  for (const tie of Object.keys(ties)) ports.push(`  output logic ${tie}`);
  return `
// ${accelerator.top} behind a UART of ${baud} baud, 8N1, at ${showRational(clock.mhz)} MHz.
module finn_uart_top (
${ports.join(',\n')}
);
  wire ap_clk, locked;
  accelerator_clock clock (.clk(clk), .out(ap_clk), .locked(locked));

  // Reset until 8 clocks after the PLL is steady.
  reg [1:0] steady = 2'b00;
  reg [3:0] age = 4'd0;
  wire ap_rst_n = age[3];
  always @(posedge ap_clk) begin
    steady <= {locked, steady[1]};
    if (!steady[0]) age <= 4'd0;
    else if (!age[3]) age <= age + 4'd1;
  end

  wire [${input.width - 1}:0] in_data;
  wire [${output.width - 1}:0] out_data;
  wire in_valid, in_ready, out_valid, out_ready${led ? '' : ', led'};
  uart_shell #(
    .DIV(${divider(clock.mhz, baud)}),
    .IN_BEAT(${input.width / 8}),
    .IN_FRAME(${facts.inputBytes}),
    .OUT_BEAT(${output.width / 8}),
    .OUT_FRAME(${facts.outputBytes}),
    .PAUSE(${pause}),
    .IDENTITY_BYTES(17),
    .IDENTITY(136'h${identity(facts).toString(16).padStart(34, '0')})
  ) shell (
    .clk(ap_clk), .rst_n(ap_rst_n), .rx(rx), .tx(tx), .led(led),
    .s_data(in_data), .s_valid(in_valid), .s_ready(in_ready),
    .m_data(out_data), .m_valid(out_valid), .m_ready(out_ready)
  );
  ${accelerator.top} accelerator (
    .ap_clk(ap_clk), .ap_rst_n(ap_rst_n),
    .s_axis_0_tdata(in_data), .s_axis_0_tvalid(in_valid), .s_axis_0_tready(in_ready),
    .m_axis_0_tdata(out_data), .m_axis_0_tvalid(out_valid), .m_axis_0_tready(out_ready)
  );
${Object.entries(ties)
  .map(([name, value]) => `  assign ${name} = 1'b${value};\n`)
  .join('')}endmodule
`;
}

function benchText(div: number): string {
  return `
// finn_uart_top, which has its own reset, with a UART at the other end of its wires.
module finn_uart_bench (
  input  logic        ap_clk,
  input  logic        ap_rst_n,
  input  logic [15:0] s_axis_0_tdata,
  input  logic        s_axis_0_tvalid,
  output logic        s_axis_0_tready,
  output logic [7:0]  m_axis_0_tdata,
  output logic        m_axis_0_tvalid,
  input  logic        m_axis_0_tready
);
  wire to_board, from_board, valid, ready;
  wire [7:0] data;
  // Bytes received, modulo 256, and clocks until the top is out of reset.
  logic [7:0] seen;
  logic [5:0] age;
  wire go = age[5] && seen == s_axis_0_tdata[15:8];
  assign s_axis_0_tready = ready && go;
  uart_tx #(.DIV(${div})) host_tx (
    .clk(ap_clk), .rst_n(ap_rst_n), .data(s_axis_0_tdata[7:0]), .valid(s_axis_0_tvalid && go), .ready(ready),
    .tx(to_board), .sample(), .bit_out()
  );
  finn_uart_top board (.clk(ap_clk), .rx(to_board), .tx(from_board));
  uart_rx #(.DIV(${div})) host_rx (
    .clk(ap_clk), .rst_n(ap_rst_n), .rx(from_board), .data(data), .valid(valid), .bad(), .sample(), .bit_in()
  );
  // A byte waits here for as long as the next one takes to come.
  always_ff @(posedge ap_clk)
    if (!ap_rst_n) begin
      m_axis_0_tvalid <= 1'b0;
      seen <= 8'd0;
      age <= 6'd0;
    end else begin
      if (!age[5]) age <= age + 6'd1;
      if (valid) seen <= seen + 8'd1;
      if (valid) m_axis_0_tvalid <= 1'b1;
      else if (m_axis_0_tready) m_axis_0_tvalid <= 1'b0;
    end
  always_ff @(posedge ap_clk) if (valid) m_axis_0_tdata <= data;
endmodule
`;
}
