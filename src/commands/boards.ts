import { type Board, listBoards, loadBoard } from '../config/board.ts';
import { toNumber } from '../util/rational.ts';
import type { Io } from './session.ts';
import { table } from './table.ts';

export interface BoardsOptions {
  readonly json?: boolean | undefined;
}

/** `finn boards`: the boards that come with finn, or all about one of them (a name or the path of a board file). */
export async function boards(name: string | undefined, { json }: BoardsOptions, io: Io): Promise<number> {
  if (name !== undefined) {
    const board = loadBoard(name);
    if (json) io.out(JSON.stringify(boardJson(board)));
    else for (const line of about(board)) io.out(line);
    return 0;
  }
  const all = listBoards().map((id) => loadBoard(id));
  if (json) {
    io.out(JSON.stringify(all.map(boardJson)));
    return 0;
  }
  const rows = all.map((board) => [
    board.id,
    board.name,
    board.family,
    board.part,
    String(board.resources.lut),
    String(board.resources.bram ?? 0),
    String(board.resources.dsp ?? 0),
    board.bitstream ? 'bitstream' : 'synthesis',
  ]);
  const heading = ['BOARD', 'NAME', 'FAMILY', 'PART', 'LUT', 'BRAM', 'DSP', 'UP TO'];
  for (const line of table(heading, rows, ['left', 'left', 'left', 'left', 'right', 'right', 'right'])) io.out(line);
  return 0;
}

const boardJson = (board: Board): Record<string, unknown> => ({
  board: board.id,
  name: board.name,
  family: board.family,
  part: board.part,
  toolchain: board.toolchain,
  resources: board.resources,
  ...(board.regions.length > 0 && { regions: board.regions }),
  ...(board.clock && { clock_mhz: toNumber(board.clock.mhz) }),
  ...(board.shell && { shell: board.shell }),
  ...(board.program && { program: board.program }),
  bitstream: board.bitstream,
});

function about(board: Board): string[] {
  const { clock, pins } = board;
  const list = (of: object): string =>
    Object.entries(of)
      .map(([key, n]) => `${key} ${n}`)
      .join(', ');
  const rows: [string, string][] = [
    ['part', `${board.part} (${board.family})`],
    ['tools', board.toolchain],
    ['builds', board.bitstream ? 'up to a bitstream' : 'up to synthesis of each layer'],
    ['resources', list(board.resources)],
    ...board.regions.map((region, i): [string, string] => [`region ${i}`, list(region)]),
  ];
  if (clock) {
    const made = clock.pll && `, ${toNumber(clock.pll.output.min)} to ${toNumber(clock.pll.output.max)} MHz by its PLL`;
    rows.push(['clock', `${toNumber(clock.mhz)} MHz${made ?? ''}`]);
  }
  if (board.shell) rows.push(['shell', board.shell]);
  if (pins) rows.push(['pins', [...pins.ports].map(([port, pin]) => `${port} ${pin}`).join(', ')]);
  if (board.memoryPorts.length > 0)
    rows.push(['memory', board.memoryPorts.map(({ name, bits }) => `${name} (${bits} bits)`).join(', ')]);
  if (board.program) rows.push(['program', board.program.join(' ')]);
  return table([board.id, board.name], rows);
}
