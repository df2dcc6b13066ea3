import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FinnError } from '../diagnostics/diagnostic.ts';
import { toNumber } from '../util/rational.ts';
import { listBoards, loadBoard } from './board.ts';

const folder = mkdtempSync(join(tmpdir(), 'finn-board-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is wrong with a board file of this text. */
function wrong(text: string, files: Record<string, string> = {}): string[] {
  for (const [name, content] of Object.entries({ ...files, 'b.yaml': text }))
    writeFileSync(join(folder, name), content);
  try {
    loadBoard(join(folder, 'b.yaml'));
    return [];
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(FinnError);
    return (thrown as FinnError).diagnostics.map(({ code, message }) => `${code}: ${message.replaceAll(folder, '.')}`);
  }
}

describe.each(listBoards())('%s', (id) => {
  const board = loadBoard(id);
  test('is whole', () => {
    expect(board.id).toBe(id);
    expect(board.resources.lut).toBeGreaterThan(0);
    expect(board.text).toMatch(/^source: .*(Data Sheet|DS\d+)/m);
  });
  test('says how its clock comes about, if it goes to a bitstream', () => {
    if (!board.bitstream) return;
    expect(board.clock?.pll).toBeDefined();
    expect(board.pins?.ports.get('clk')).toBe(board.clock?.pin);
    expect(board.program).toContain('$bitstream');
    expect(board.shell).toBe('uart');
  });
});

test('the boards of the issue are all there', () => {
  expect(listBoards()).toEqual([
    'arty-a7-100t',
    'ice40-hx8k-b-evn',
    'icebreaker',
    'kv260',
    'pynq-z1',
    'pynq-z2',
    'rfsoc2x2',
    'tinyfpga-bx',
    'u200',
    'u250',
    'u280',
    'u50',
    'u55c',
    'ultra96',
    'ulx3s-85f',
    'upduino-3',
    'zcu102',
    'zcu104',
  ]);
  expect(listBoards().filter((id) => loadBoard(id).bitstream)).toEqual([
    'ice40-hx8k-b-evn',
    'icebreaker',
    'tinyfpga-bx',
    'ulx3s-85f',
    'upduino-3',
  ]);
});

test('icebreaker', () => {
  const board = loadBoard('icebreaker');
  expect(toNumber(board.clock!.mhz)).toBe(12);
  expect(Object.fromEntries(board.pins!.ports)).toEqual({ clk: '35', rx: '6', tx: '9', led: '37' });
  expect(board.resources).toEqual({ lut: 5280, ff: 5280, bram: 30, dsp: 8, spram: 4 });
});

const whole = `name: X
family: ice40
part: up5k-sg48
toolchain: yosys-nextpnr
device: up5k
package: sg48
clock: { pin: 35, mhz: 12 }
resources: { lut: 1, ff: 1, bram: 1, dsp: 0 }
shell: uart
pins: b.pcf
`;
const pins = 'set_io clk 35 # the clock\n# set_io led 1\nset_io -nowarn rx 6\nset_io tx 9\n';

test('a board of one’s own needs its file and its pins', () => {
  expect(wrong(whole, { 'b.pcf': pins })).toEqual([]);
  expect(wrong(whole.replace('b.pcf', 'gone.pcf'))).toEqual([
    'board/wrong: cannot read the pins file ./gone.pcf: no such file',
  ]);
});

test('everything that contradicts is said at once', () => {
  const text = whole
    .replace('device: up5k\n', '')
    .replace('pin: 35', 'pin: 20')
    .replace('shell: uart\n', 'ties: { cs: 1 }\n');
  expect(wrong(text, { 'b.pcf': pins.replace('set_io tx 9\n', '') })).toEqual([
    'board/wrong: toolchain yosys-nextpnr needs device',
    'board/wrong: toolchain yosys-nextpnr needs shell',
    'board/wrong: b.pcf has no port `tx`',
    'board/wrong: b.pcf has no port `cs`',
    'board/wrong: the clock is at pin 20 here and at pin 35 in b.pcf',
  ]);
});

test('the pins of an ECP5 board are in a .lpf', () => {
  const board = loadBoard('ulx3s-85f');
  expect(Object.fromEntries(board.pins!.ports)).toEqual({ clk: 'G2', rx: 'M1', tx: 'L4', led: 'B2', wifi_gpio0: 'L2' });
  expect(board.clock!.pll!.primitive).toBe('EHXPLLL');
});

test('families and their tools go together', () => {
  const pll =
    'pll: { output: { min_mhz: 1, max_mhz: 2 }, vco: { min_mhz: 1, max_mhz: 9 }, pfd: { min_mhz: 1, max_mhz: 9 }, primitive: EHXPLLL }';
  expect(wrong(whole.replace('mhz: 12', `mhz: 12, ${pll}`), { 'b.pcf': pins })).toEqual([
    'board/wrong: EHXPLLL is no PLL of ice40',
  ]);
  expect(wrong(whole.replace('ice40', 'xc7'), { 'b.pcf': pins })).toEqual([
    'board/wrong: toolchain yosys-nextpnr goes with the families ice40 and ecp5, not with xc7',
  ]);
});

test('regions add up, ranges are ranges, rates are rates', () => {
  const region = '{ lut: 1, ff: 1, bram: 0, dsp: 0 }';
  expect(wrong(`${whole}regions: [${region}, ${region}]\n`, { 'b.pcf': pins })).toEqual([
    'board/wrong: the regions have 2 lut together, the device 1',
    'board/wrong: the regions have 2 ff together, the device 1',
    'board/wrong: the regions have 0 bram together, the device 1',
  ]);
  const pll =
    'pll: { output: { min_mhz: 2, max_mhz: 1 }, vco: { min_mhz: 1/0, max_mhz: 9 }, pfd: { min_mhz: 1, max_mhz: 9 } }';
  expect(wrong(whole.replace('mhz: 12', `mhz: 12, ${pll}`), { 'b.pcf': pins })).toEqual([
    'board/wrong: min_mhz 2 is above max_mhz 1',
    'board/wrong: "1/0" is no rate in MHz',
  ]);
});

test('the schema is asked first', () => {
  expect(wrong('name: X\nfamily: ice50\n')).toEqual([
    'config/missing-key: the file lacks the key `part`',
    'config/missing-key: the file lacks the key `toolchain`',
    'config/missing-key: the file lacks the key `resources`',
    'config/wrong-value: `family` is "ice50"',
  ]);
});
