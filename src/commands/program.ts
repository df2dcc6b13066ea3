import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bitstreamName, listBoards, loadBoard } from '../config/board.ts';
import { loadProject } from '../config/project.ts';
import { error, fail } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { LocalExecutor } from '../engine/executors/local.ts';
import { removeTree } from '../util/files.ts';
import { sha256 } from '../util/hash.ts';
import type { Io } from './session.ts';

export interface ProgramOptions {
  /** Name or file of the board, where it is not one that comes with finn. */
  readonly board?: string | undefined;
  /** The command of a board file that does not come with finn may run. */
  readonly allowRun?: boolean | undefined;
}

/** `finn program`: hands a build's bitstream to the board's own programmer; 1 if that fails, 3 if it is not there. */
export async function program(folder: string, options: ProgramOptions, io: Io): Promise<number> {
  const board = loadBoard(options.board ?? boardOf(folder));
  const image = bitstreamName(board.family);
  const path = join(folder, 'bitfile', image);
  if (!existsSync(path))
    fail('cli/file', `${path}: there is no such file`, {
      hint: board.bitstream ? 'build it to its end first' : `finn makes no bitstreams for ${board.id}`,
    });
  if (!board.program)
    fail('cli/usage', `board ${board.id} says no command that programs it`, { hint: '`program:` in its board file' });
  const [command, ...args] = board.program;
  const { project } = loadProject(join(folder, 'build.json'));
  if (!listBoards().includes(options.board ?? board.id)) {
    const words = board.program.join(' ').replaceAll('$bitstream', path);
    if (!options.allowRun && !project.trusts(board.path))
      fail('trust/run', `${board.path} wants to run \`${words}\``, {
        hint: 'read what it does, then pass --allow-run, or name the file under `trust: run:` in finn.config.yaml',
      });
    io.err(`${board.path} runs \`${words}\``);
  }
  const bytes = readFileSync(path);
  checkMade(folder, `bitfile/${image}`, bytes);
  const executor = new LocalExecutor({ paths: Object.fromEntries(project.tools) });
  const directory = mkdtempSync(join(tmpdir(), 'finn-program-'));
  try {
    const { exit } = await executor.execute(
      {
        tool: {
          name: command!,
          // Programmers have no common way to say their version.
          program: { kind: 'native', command: command!, version: { args: [], pattern: /^/ } },
          log: [],
        },
        args: args.map((word) => word.replaceAll('$bitstream', image)),
        files: { [image]: bytes },
        outputs: {},
        label: `programming ${board.id}`,
      },
      { signal: io.signal, onLine: io.out, directory, step: 'program', key: '' },
    );
    if (exit === 0) return 0;
    io.err(render(error('tool/failed', `${command} ended with status ${exit}`), { color: io.color }));
    return 1;
  } finally {
    removeTree(directory);
    await executor.close();
  }
}

/** Fails where a file of a build is not the one that its manifest tells of. */
function checkMade(folder: string, name: string, bytes: Uint8Array): void {
  const path = join(folder, 'build.json');
  if (!existsSync(path)) return;
  const { files } = JSON.parse(readFileSync(path, 'utf8')) as { files?: Record<string, { sha256?: unknown }> };
  const made = files?.[name]?.sha256;
  if (made === undefined || made === sha256(bytes)) return;
  fail('cli/file', `${join(folder, name)} has sha256 ${sha256(bytes)}, but the build made ${made}`, {
    hint: '`finn build` puts it right; `finn verify-build` tells what else was changed',
  });
}

/** The board that a build's manifest names: one of finn's own, since anybody may have written the manifest. */
function boardOf(folder: string): string {
  const path = join(folder, 'build.json');
  const hint = 'give the folder of a build, such as build/digits/icebreaker';
  if (!existsSync(path)) fail('cli/file', `${path}: there is no such file`, { hint });
  let board: unknown;
  try {
    board = (JSON.parse(readFileSync(path, 'utf8')) as { target?: { board?: unknown } }).target?.board;
  } catch {
    // Falls through to the message.
  }
  if (typeof board !== 'string') return fail('cli/file', `${path} is no build.json of finn`, { hint });
  if (listBoards().includes(board)) return board;
  return fail('board/unknown', `${path} is of the board ${JSON.stringify(board)}, which does not come with finn`, {
    hint: 'give its file: `finn program BUILD --board my-board.yaml`',
  });
}
