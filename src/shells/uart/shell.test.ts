import { beforeAll, describe, expect, test } from 'vitest';
import type { BoardClock } from '../../config/board.ts';
import { planClock } from '../../config/clock.ts';
import { FinnError } from '../../diagnostics/diagnostic.ts';
import type { Design } from '../../hdl/design.ts';
import { testCall } from '../../sim/direct.ts';
import { type CompiledSimulation, compileSimulation, runSimulation } from '../../sim/simulation.ts';
import { parseRational } from '../../util/rational.ts';
import { crc8, hostBeats, message } from './frames.ts';
import { divider, type UartShell, uartFacts, uartPins, uartShell, uartTestbench } from './shell.ts';

/** Gives back each beat of `bytes` bytes plus 1, three cycles a beat, one place deep. */
const addsOne = (bytes: number, beats: number): Design => ({
  top: `adds_one_${bytes}`,
  sources: {
    'adds_one.sv': `
module adds_one_${bytes} (
  input logic ap_clk, input logic ap_rst_n,
  input logic [${8 * bytes - 1}:0] s_axis_0_tdata, input logic s_axis_0_tvalid, output logic s_axis_0_tready,
  output logic [${8 * bytes - 1}:0] m_axis_0_tdata, output logic m_axis_0_tvalid, input logic m_axis_0_tready
);
  logic [1:0] wait_for;
  assign s_axis_0_tready = wait_for == 2'd0 && !m_axis_0_tvalid;
  always_ff @(posedge ap_clk)
    if (!ap_rst_n) begin
      wait_for <= 2'd0;
      m_axis_0_tvalid <= 1'b0;
    end else if (s_axis_0_tvalid && s_axis_0_tready) wait_for <= 2'd1;
    else if (wait_for == 2'd1) begin
      wait_for <= 2'd0;
      m_axis_0_tvalid <= 1'b1;
    end else if (m_axis_0_tready) m_axis_0_tvalid <= 1'b0;
  always_ff @(posedge ap_clk) if (s_axis_0_tvalid && s_axis_0_tready) m_axis_0_tdata <= s_axis_0_tdata + 1'b1;
endmodule
`,
  },
  memories: {},
  streams: [
    { name: 's_axis_0', direction: 'in', lanes: bytes, bits: 8, width: 8 * bytes, beats },
    { name: 'm_axis_0', direction: 'out', lanes: bytes, bits: 8, width: 8 * bytes, beats },
  ],
});

const mhz = (text: string) => parseRational(text)!;
const range = (min: string, max: string) => ({ min: mhz(min), max: mhz(max) });
const icebreaker: BoardClock = {
  mhz: mhz('12'),
  pll: { output: range('16', '275'), vco: range('533', '1066'), pfd: range('10', '133'), primitive: 'SB_PLL40_PAD' },
};
const shellOf = (bytes: number, beats: number, baud: number, pause = 11): UartShell => ({
  accelerator: addsOne(bytes, beats),
  clock: planClock(icebreaker, mhz('12'))!,
  family: 'ice40',
  baud,
  id: 0xdeadbeef,
  pause,
});

const shells = [shellOf(2, 3, 3_000_000), shellOf(1, 1, 1_000_000), shellOf(5, 20, 2_000_000, 14)];
const call = testCall();
let compiled: CompiledSimulation;

/** What the top answers to messages sent one after the other; `replies` are the lengths that are due. */
async function converse(dut: number, messages: readonly Uint8Array[], replies: readonly number[]): Promise<number[]> {
  const due = replies.reduce((a, b) => a + b, 0);
  const stimulus = { dut, inputs: { s_axis_0: hostBeats(messages, replies) }, outputs: { m_axis_0: due }, drain: 4000 };
  const [result] = await runSimulation(compiled, [stimulus], call);
  expect(result!.ended).toBe('done');
  expect(result!.streams['m_axis_0']!.count).toBe(due);
  return [...result!.streams['m_axis_0']!.beats];
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const error = [...message('E')];

describe('the simulated top', () => {
  beforeAll(async () => {
    compiled = await compileSimulation(
      shells.map((shell) => uartTestbench(shell, { request: 1, reply: 1 })),
      'cxxrtl',
      call,
    );
  }, 120_000);

  test('the examples of docs/uart-protocol.md', () => {
    expect(Buffer.from(message('I')).toString('hex')).toBe('49ef');
    expect(error).toEqual([0x45, 0x4c]);
  });

  test('says what it is', async () => {
    const le = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
    const expected = (input: number, output: number) =>
      message('I', bytes(1, ...le(0xdeadbeef), ...le(input), ...le(output), ...le(12_000_000)));
    expect(await converse(0, [message('I')], [19])).toEqual([...expected(6, 6)]);
    expect(await converse(2, [message('I')], [19])).toEqual([...expected(100, 100)]);
  });

  test('runs frames, first byte lowest', async () => {
    const frames = [bytes(1, 2, 3, 4, 255, 0), bytes(255, 255, 0, 0, 9, 9)];
    const replies = [bytes(2, 2, 4, 4, 0, 1), bytes(0, 0, 1, 0, 10, 9)];
    const said = await converse(
      0,
      frames.map((frame) => message('X', frame)),
      [8, 8],
    );
    expect(said).toEqual(replies.flatMap((reply) => [...message('X', reply)]));
    expect(await converse(1, [message('X', bytes(41))], [3])).toEqual([...message('X', bytes(42))]);
  });

  test('keeps a frame of many beats in order', async () => {
    const frame = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) & 127);
    const reply = frame.map((byte, i) => (i % 5 === 0 ? byte + 1 : byte));
    expect(await converse(2, [message('X', frame)], [102])).toEqual([...message('X', reply)]);
  });

  test('refuses a wrong checksum and goes on', async () => {
    const frame = message('X', bytes(1, 2, 3, 4, 5, 6));
    const wrong = frame.with(3, 77);
    expect(await converse(0, [wrong, frame], [2, 8])).toEqual([...error, ...message('X', bytes(2, 2, 4, 4, 6, 6))]);
  });

  test('notices a byte too few, and a byte too many, and goes on', async () => {
    const frame = message('X', bytes(1, 2, 3, 4, 5, 6));
    const reply = [...message('X', bytes(2, 2, 4, 4, 6, 6))];
    expect(await converse(0, [frame.slice(0, 4), frame], [2, 8])).toEqual([...error, ...reply]);
    const doubled = bytes(...frame.slice(0, 3), ...frame.slice(2));
    expect(await converse(0, [doubled, frame], [2, 8])).toEqual([...error, ...reply]);
  });

  test('refuses an unknown letter', async () => {
    expect(await converse(0, [message('Q', bytes(1, 2)), message('I')], [2, 19])).toEqual([
      ...error,
      ...(await converse(0, [message('I')], [19])),
    ]);
  });

  test('measures the interval, and frames work after it', async () => {
    const cycles = async (frames: number): Promise<number> => {
      const said = await converse(0, [message('T', bytes(frames)), message('X', bytes(1, 2, 3, 4, 5, 6))], [6, 8]);
      expect(said.slice(6)).toEqual([...message('X', bytes(2, 2, 4, 4, 6, 6))]);
      expect(crc8(Uint8Array.from(said.slice(0, 6)))).toBe(0);
      return said[1]! + said[2]! * 256 + said[3]! * 65536;
    };
    // Three cycles a beat, three beats a frame.
    expect((await cycles(100)) - (await cycles(20))).toBe(80 * 9);
    expect((await cycles(0)) - (await cycles(1))).toBe(255 * 9);
  });
});

describe('the top for a board', () => {
  test('has the PLL of the plan, and differs from the simulation in the clock only', () => {
    const shell = { ...shells[0]!, clock: planClock(icebreaker, mhz('24'))!, led: true };
    const board = uartShell(shell);
    const simulated = uartShell(shell, 'simulation');
    const changed = Object.keys(board.sources).filter((name) => board.sources[name] !== simulated.sources[name]);
    expect(changed).toEqual(['accelerator_clock.sv']);
    // What icepll -i 12 -o 24 says: DIVR 0, DIVF 63, DIVQ 5, FILTER_RANGE 1.
    expect(shell.clock.pll).toMatchObject({ divr: 0, divf: 63, divq: 5, filterRange: 1 });
    expect(board.sources['accelerator_clock.sv']).toMatch(/SB_PLL40_PAD[^;]*DIVF\(7'd63\)[^;]*PACKAGEPIN\(clk\)/);
    expect(uartPins(shell)).toEqual(['clk', 'rx', 'tx', 'led']);
  });

  test('has the PLL of an ECP5', () => {
    const ulx3s: BoardClock = {
      mhz: mhz('25'),
      pll: { output: range('3.125', '400'), vco: range('400', '800'), pfd: range('10', '400'), primitive: 'EHXPLLL' },
    };
    const made = (text: string): string =>
      uartShell({ ...shells[0]!, family: 'ecp5', baud: 195_312, clock: planClock(ulx3s, mhz(text))! }).sources[
        'accelerator_clock.sv'
      ]!;
    // 25 MHz · 16 / 8
    expect(made('50')).toMatch(/EHXPLLL[^;]*CLKI_DIV\(1\)[^;]*CLKOS_DIV\(8\)[^;]*CLKI\(clk\)[^;]*CLKOS\(fast\)/);
    expect(made('50')).toContain('assign out = fast;');
    expect(made('25')).toContain('assign out = clk;');
    expect(made('3.125/2')).toMatch(/EHXPLLL[\s\S]*assign out = count\[0\];/);
    expect(made('3.125/2')).not.toContain('SB_GB');
  });

  test('divides a clock that the PLL cannot make', () => {
    const text = uartShell({ ...shells[0]!, baud: 500_000, clock: planClock(icebreaker, mhz('6'))! }).sources;
    expect(text['accelerator_clock.sv']).toContain('SB_GB');
    expect(text['accelerator_clock.sv']).not.toContain('SB_PLL40');
  });

  test('refuses a baud rate that the clock cannot make', () => {
    expect(divider(mhz('24'), 115_200)).toBe(208);
    expect(() => divider(mhz('12'), 5_000_000)).toThrow(FinnError);
    expect(() => divider(mhz('12'), 2_700_000)).toThrow('2700000 baud');
  });

  test('refuses streams that are no whole bytes', () => {
    const odd = { ...addsOne(1, 1), streams: addsOne(1, 1).streams.map((stream) => ({ ...stream, width: 5 })) };
    expect(() => uartFacts({ ...shells[0]!, accelerator: odd })).toThrow('whole bytes');
  });
});
