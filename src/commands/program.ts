import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bitstreamName, loadBoard } from '../config/board.ts';
import { loadProject } from '../config/project.ts';
import { error, FinnError, fail } from '../diagnostics/diagnostic.ts';
import { render } from '../diagnostics/render.ts';
import { LocalExecutor } from '../engine/executors/local.ts';
import { removeTree } from '../util/files.ts';
import type { Io } from './session.ts';

export interface ProgramOptions {
  /** Name or file of the board, where it is not one that comes with finn. */
  readonly board?: string | undefined;
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
        files: { [image]: readFileSync(path) },
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

/** The board that a build's manifest names. */
function boardOf(folder: string): string {
  const path = join(folder, 'build.json');
  const hint = 'give the folder of a build, such as build/digits/icebreaker';
  if (!existsSync(path)) fail('cli/file', `${path}: there is no such file`, { hint });
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { target?: { board?: unknown } };
    if (typeof manifest.target?.board === 'string') return manifest.target.board;
  } catch {
    // Falls through to the message.
  }
  throw new FinnError(error('cli/file', `${path} is no build.json of finn`, { hint }));
}
