import { runIcepack, runNextpnrIce40 } from '@yowasp/nextpnr-ice40';
import { runYosys } from '@yowasp/yosys';
import { expect, test } from 'vitest';
import { listBoards, loadBoard } from '../../src/config/board.ts';
import { planClock } from '../../src/config/clock.ts';
import { rational } from '../../src/util/rational.ts';

const boards = listBoards().filter((id) => loadBoard(id).bitstream);

// What a data sheet says of pins and PLLs is worth little until place and route has taken it: a loop-back of the UART,
// registered in the clock of the PLL, on the pins of the board.
test.each(boards)('%s: place and route takes its pins and its PLL', async (id) => {
  const board = loadBoard(id);
  const { pll, primitive } = { ...board.clock!.pll!, ...planClock(board.clock!, rational(24n)) };
  const port = { SB_PLL40_PAD: 'PACKAGEPIN', SB_PLL40_CORE: 'REFERENCECLK' }[primitive];
  const ties = [...board.ties];
  const verilog = `module top(input clk, input rx, output reg tx, output led${ties.map(([name]) => `, output ${name}`).join('')});
wire fast;
${primitive} #(.FEEDBACK_PATH("SIMPLE"), .DIVR(${pll!.divr}), .DIVF(${pll!.divf}), .DIVQ(${pll!.divq}),
  .FILTER_RANGE(${pll!.filterRange})) pll(.${port}(clk), .PLLOUTGLOBAL(fast), .RESETB(1'b1), .BYPASS(1'b0));
always @(posedge fast) tx <= rx;
assign led = tx;
${ties.map(([name, value]) => `assign ${name} = ${value};`).join('\n')}
endmodule
`;
  let log = '';
  const options = {
    stdout: () => undefined,
    stderr: (bytes: Uint8Array | null) => {
      if (bytes) log += Buffer.from(bytes).toString();
    },
  };
  const script = 'read_verilog top.v; synth_ice40 -top top -json top.json';
  const netlist = await runYosys(['-q', '-p', script], { 'top.v': verilog }, options);
  const args = [`--${board.device}`, '--package', board.package!, '--pcf', 'top.pcf', '--pcf-allow-unconstrained'];
  const placed = await runNextpnrIce40(
    [...args, '--json', 'top.json', '--asc', 'top.asc'],
    { 'top.json': netlist!['top.json']!, 'top.pcf': board.pins!.text },
    options,
  );
  expect(log).toContain(`constrained 'tx' to bel`);
  const packed = await runIcepack(
    ['top.asc', 'top.bin'],
    { 'top.asc': placed!['top.asc']! },
    { ...options, decodeASCII: false },
  );
  expect((packed!['top.bin'] as Uint8Array).length).toBeGreaterThan(10_000);
});
