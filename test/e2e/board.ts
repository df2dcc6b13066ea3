import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadRecipe } from '../../src/config/recipe.ts';
import { LocalExecutor } from '../../src/engine/executors/local.ts';
import { Invoker } from '../../src/engine/invoke.ts';
import { Rooms } from '../../src/engine/rooms.ts';
import { openStore } from '../../src/engine/store.ts';
import type { Design, StreamPort } from '../../src/hdl/design.ts';
import { uartFacts, uartTestbench } from '../../src/shells/uart/shell.ts';
import { type Call, compileSimulation } from '../../src/sim/simulation.ts';
import type { BuildSettings } from '../../src/steps/settings.ts';
import { shellConfig, shellOf } from '../../src/steps/shell.ts';
import { listTree } from '../../src/util/files.ts';
import { type SerialBoard, serveBoard } from '../helpers/serial-board.ts';

/** Frames that the build itself sends through its simulated UART top. */
const VERIFIED = 2;

/**
 * A board with what a build folder has: the circuit of stitched_ip/ in the shell that the recipe asks for, simulated, with
 * the design number that belongs to both. The calls are those of the build's verify-shell, so that its cache has the
 * compiled simulation.
 */
export async function boardOf(recipe: string, build: string, folder: string, cache: string): Promise<SerialBoard> {
  const text = (path: string): string => readFileSync(join(folder, path), 'utf8');
  const names = text('stitched_ip/all_verilog_srcs.txt').trim().split('\n');
  const images = listTree(join(folder, 'stitched_ip')).filter((name) => /(?<!_axis_0)\.hex$/.test(name));
  const read = (list: readonly string[]): Record<string, string> =>
    Object.fromEntries(list.map((name) => [name, text(`stitched_ip/${name}`)]));
  const accelerator: Design = {
    top: 'finn_accel',
    sources: read(names),
    memories: read(images),
    streams: [portOf(text('driver/driver.py'), 'i'), portOf(text('driver/driver.py'), 'o')],
  };
  const { recipe: resolved } = loadRecipe(recipe);
  const settings = { recipe: resolved, build: resolved!.builds.get(build) } as BuildSettings;
  const shell = shellOf(accelerator, shellConfig(settings));
  const { clockHz, inputBytes, outputBytes } = uartFacts(shell);
  // As verify-shell does: the same circuit with fewer clocks a bit to wait for.
  const quick = { ...shell, baud: Math.round(clockHz / 8), pause: 12 };
  const sizes = { request: VERIFIED * (inputBytes + 2), reply: VERIFIED * (outputBytes + 2) };
  const call = callsOf(cache);
  const compiled = await compileSimulation([uartTestbench(quick, sizes)], 'cxxrtl', call, 'simulation of the UART top');
  return serveBoard({ compiled, inputBytes, outputBytes, call });
}

/** A stream by what the driver says of it. */
function portOf(driver: string, side: 'i' | 'o'): StreamPort {
  const numbers = (key: string): number[] =>
    new RegExp(`"${side}${key}": \\[\\((.*)\\)\\]`).exec(driver)![1]!.split(',').map(Number);
  const [, beats, lanes] = numbers('shape_folded');
  const bytes = numbers('shape_packed').at(-1)!;
  const bits = Number(/\d+$/.exec(new RegExp(`"${side}dt": \\["(.*)"\\]`).exec(driver)![1]!)![0]);
  const input = side === 'i';
  return {
    name: input ? 's_axis_0' : 'm_axis_0',
    direction: input ? 'in' : 'out',
    lanes: lanes!,
    bits,
    width: 8 * bytes,
    beats: beats!,
  };
}

/** Calls over a build's cache. */
function callsOf(cache: string): Call {
  const executor = new LocalExecutor();
  const invoker = new Invoker({
    store: openStore(cache),
    executor,
    rooms: new Rooms(executor, { threads: 2, memory: 4000 }),
  });
  const signal = new AbortController().signal;
  const id = { step: 'verify-shell', scope: ['board'] };
  return async (invocation) => {
    const { outputs } = await invoker.call(invocation, { id, signal, force: false, emit: () => {} });
    return outputs as never;
  };
}
