import type { ClockPlan } from '../../config/clock.ts';
import type { Ecp5Pll, Ice40Pll } from '../../config/pll.ts';
import type { Family } from '../../hdl/device.ts';
import { showRational } from '../../util/rational.ts';

/**
 * Verilog of the module accelerator_clock (clk in; out and locked out): the accelerator's clock from the board's by the
 * plan, a PLL or none, then a divider or none.
 */
export function clockSource({ mhz, pll, divide }: ClockPlan, family: Family): string {
  const source = pll ? 'fast' : 'clk';
  const loop = pll
    ? `  wire fast;\n${pll.primitive === 'EHXPLLL' ? ecp5Pll(pll) : ice40Pll(pll)}`
    : "  assign locked = 1'b1;\n";
  return `
// The accelerator's clock: ${showRational(mhz)} MHz.
module accelerator_clock (
  input  logic clk,
  output logic out,
  output logic locked
);
${loop}${divide === 1 ? `  assign out = ${source};\n` : divider(source, Math.log2(divide), family)}endmodule
`;
}

/** A counter of `bits` bits, its last one the clock. nextpnr-ecp5 puts clocks on global nets by itself. */
const divider = (source: string, bits: number, family: Family): string => `  reg [${bits - 1}:0] count = 0;
  always @(posedge ${source}) count <= count + 1'b1;
${
  family === 'ice40'
    ? `  SB_GB buffer (.USER_SIGNAL_TO_GLOBAL_BUFFER(count[${bits - 1}]), .GLOBAL_BUFFER_OUTPUT(out));\n`
    : `  assign out = count[${bits - 1}];\n`
}`;

const ice40Pll = ({ primitive, divr, divf, divq, filterRange }: Ice40Pll): string => `  ${primitive} #(
    .FEEDBACK_PATH("SIMPLE"),
    .DIVR(4'd${divr}),
    .DIVF(7'd${divf}),
    .DIVQ(3'd${divq}),
    .FILTER_RANGE(3'd${filterRange})
  ) pll (.${primitive === 'SB_PLL40_PAD' ? 'PACKAGEPIN' : 'REFERENCECLK'}(clk), .PLLOUTGLOBAL(fast), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0));
`;

/** The attributes are those of the loop's charge pump and filter that Project Trellis' ecppll gives every PLL. */
const ecp5Pll = ({ input, looped, output }: Ecp5Pll): string => `  wire looped;
  (* ICP_CURRENT="12", LPF_RESISTOR="8", MFG_ENABLE_FILTEROPAMP="1", MFG_GMCREF_SEL="2" *)
  EHXPLLL #(
    .PLLRST_ENA("DISABLED"),
    .INTFB_WAKE("DISABLED"),
    .STDBY_ENABLE("DISABLED"),
    .DPHASE_SOURCE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"),
    .OUTDIVIDER_MUXB("DIVB"),
    .OUTDIVIDER_MUXC("DIVC"),
    .OUTDIVIDER_MUXD("DIVD"),
    .CLKI_DIV(${input}),
    .CLKFB_DIV(1),
    .FEEDBK_PATH("CLKOP"),
    .CLKOP_ENABLE("ENABLED"),
    .CLKOP_DIV(${looped}),
    .CLKOP_CPHASE(${looped - 1}),
    .CLKOP_FPHASE(0),
    .CLKOS_ENABLE("ENABLED"),
    .CLKOS_DIV(${output}),
    .CLKOS_CPHASE(${output - 1}),
    .CLKOS_FPHASE(0)
  ) pll (
    .CLKI(clk), .CLKFB(looped), .CLKOP(looped), .CLKOS(fast), .LOCK(locked),
    .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1),
    .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0), .ENCLKOS(1'b0)
  );
`;
