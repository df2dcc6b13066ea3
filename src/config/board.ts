import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, error, FinnError, fail, type Location } from '../diagnostics/diagnostic.ts';
import { didYouMean } from '../diagnostics/suggest.ts';
import { compare, parseRational, type Rational, toNumber } from '../util/rational.ts';
import { reason } from '../util/system-error.ts';
import { beside, readSource } from './read.ts';
import { isPlain, type Source } from './source.ts';
import type { BoardFile, BoardResources } from './types.gen.ts';
import { locate, validate } from './validate.ts';

/** Least and greatest rate in MHz. */
export interface Range {
  readonly min: Rational;
  readonly max: Rational;
}

/** The clock that a board gives, and what the part can make of it. */
export interface BoardClock {
  readonly pin?: string;
  readonly mhz: Rational;
  readonly pll?: {
    readonly output: Range;
    readonly vco: Range;
    readonly pfd: Range;
    readonly primitive: 'SB_PLL40_PAD' | 'SB_PLL40_CORE' | 'EHXPLLL';
  };
}

export interface Board {
  /** 'icebreaker': what recipes and `finn boards` call it. */
  readonly id: string;
  readonly path: string;
  /** The file's text: what a key is made of. */
  readonly text: string;
  readonly name: string;
  readonly description?: string;
  readonly family: BoardFile['family'];
  readonly part: string;
  readonly toolchain: BoardFile['toolchain'];
  /** nextpnr's names. */
  readonly device?: string;
  readonly package?: string;
  readonly clock?: BoardClock;
  readonly resources: Readonly<BoardResources>;
  readonly regions: readonly Readonly<BoardResources>[];
  readonly shell?: 'uart';
  /** The pins file, and the package pin of each of its ports. */
  readonly pins?: { readonly path: string; readonly text: string; readonly ports: ReadonlyMap<string, string> };
  /** Ports of the pins file that the shell drives for ever. */
  readonly ties: ReadonlyMap<string, 0 | 1>;
  readonly program?: readonly string[];
  readonly memoryPorts: readonly { readonly name: string; readonly bits: number }[];
  readonly platform?: string;
  /** Whether finn can make a bitstream for it. */
  readonly bitstream: boolean;
}

/** The folder of the boards that come with finn. */
const shipped = fileURLToPath(new URL('../../boards/', import.meta.url));

/** What a bitstream of a family is called: programmers go by the ending. */
export const bitstreamName = (family: Board['family']): string =>
  family === 'ice40' ? 'finn-accel.bin' : 'finn-accel.bit';

/** Names of the boards that come with finn, in alphabetical order. */
export const listBoards = (): string[] =>
  readdirSync(shipped)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

const namesFile = (name: string): boolean => name.includes('/') || name.endsWith('.yaml') || name.endsWith('.yml');
/** The file of a board by its name or path. */
export const boardFile = (name: string, from: string): string =>
  namesFile(name) ? beside(from, name) : join(shipped, `${name}.yaml`);

/** The files that a board is read from, be they there and right or not: its own, and the pins file that it names. */
export function boardFiles(name: string, from = ''): string[] {
  const path = boardFile(name, from);
  const value = existsSync(path) ? readSource(path).source?.value : undefined;
  const pins = isPlain(value) ? value['pins'] : undefined;
  return [path, ...(typeof pins === 'string' ? [beside(path, pins)] : [])];
}

/**
 * A board by its name or the path of its file (what holds `/` or ends in .yaml is a path, relative to `from`).
 * Throws FinnError with everything that is wrong; `at` is where the name was written.
 */
export function loadBoard(name: string, from = '', at?: Location): Board {
  const isPath = namesFile(name);
  const path = boardFile(name, from);
  if (!existsSync(path)) {
    if (isPath) fail('board/unknown', `there is no board file ${path}`, { at });
    fail('board/unknown', `there is no board \`${name}\``, { at, hint: didYouMean(name, listBoards(), 'boards') });
  }
  const read = readSource(path, at);
  if (!read.source) throw new FinnError(...read.diagnostics);
  const { diagnostics, value } = validate('board', read.source);
  if (diagnostics.length > 0) throw new FinnError(...diagnostics);
  const resolved = resolve(path, value as BoardFile, read.source);
  if (resolved.diagnostics.length > 0) throw new FinnError(...resolved.diagnostics);
  return resolved.board;
}

/** Port → package pin, from the `set_io` lines of a .pcf or the `LOCATE COMP` statements of a .lpf. */
function portsOf(text: string): Map<string, string> {
  const ports = new Map<string, string>();
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    if (words[0] === 'set_io') ports.set(words.at(-2)!, words.at(-1)!);
    const located = /^LOCATE\s+COMP\s+"([^"]+)"\s+SITE\s+"([^"]+)"/i.exec(words.join(' '));
    if (located) ports.set(located[1]!, located[2]!);
  }
  return ports;
}

function resolve(path: string, file: BoardFile, source: Source): { board: Board; diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const wrong = (pointer: string, message: string, hint?: string): void => {
    diagnostics.push(error('board/wrong', message, { at: locate(source, pointer), hint }));
  };
  const number = (pointer: string, value: number | string): Rational => {
    const parsed = parseRational(source.places.get(pointer)?.raw ?? String(value));
    if (parsed && parsed.num > 0n) return parsed;
    wrong(pointer, `${JSON.stringify(value)} is no rate in MHz`);
    return { num: 1n, den: 1n };
  };
  const range = (
    pointer: string,
    { min_mhz, max_mhz }: { min_mhz: number | string; max_mhz: number | string },
  ): Range => {
    const found = { min: number(`${pointer}/min_mhz`, min_mhz), max: number(`${pointer}/max_mhz`, max_mhz) };
    if (compare(found.min, found.max) > 0)
      wrong(pointer, `min_mhz ${toNumber(found.min)} is above max_mhz ${toNumber(found.max)}`);
    return found;
  };

  const { clock, pins } = file;
  const pll = clock?.pll;
  const id = basename(path, extname(path));
  const board: Board = {
    id,
    path,
    text: readFileSync(path, 'utf8'),
    name: file.name,
    family: file.family,
    part: file.part,
    toolchain: file.toolchain,
    resources: file.resources,
    regions: file.regions ?? [],
    ties: new Map(Object.entries(file.ties ?? {})),
    memoryPorts: file.memory_ports ?? [],
    bitstream: file.toolchain === 'yosys-nextpnr',
    ...(file.description !== undefined && { description: file.description }),
    ...(file.device !== undefined && { device: file.device }),
    ...(file.package !== undefined && { package: file.package }),
    ...(file.shell !== undefined && { shell: file.shell }),
    ...(file.program !== undefined && { program: file.program }),
    ...(file.platform !== undefined && { platform: file.platform }),
    ...(pins !== undefined && { pins: readPins(beside(path, pins), wrong) }),
    ...(clock !== undefined && {
      clock: {
        mhz: number('/clock/mhz', clock.mhz),
        ...(clock.pin !== undefined && { pin: String(clock.pin) }),
        ...(pll !== undefined && {
          pll: {
            output: range('/clock/pll/output', pll.output),
            vco: range('/clock/pll/vco', pll.vco),
            pfd: range('/clock/pll/pfd', pll.pfd),
            primitive: pll.primitive ?? (file.family === 'ecp5' ? 'EHXPLLL' : 'SB_PLL40_CORE'),
          },
        }),
      },
    }),
  };
  checkShell(board, wrong);
  checkRegions(board, wrong);
  return { board, diagnostics };
}

type Wrong = (pointer: string, message: string, hint?: string) => void;

function readPins(path: string, wrong: Wrong): NonNullable<Board['pins']> {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    wrong('/pins', `cannot read the pins file ${path}: ${reason(thrown)}`);
  }
  return { path, text, ports: portsOf(text) };
}

/** A board that goes to a bitstream has all that its shell and place and route need. */
function checkShell(board: Board, wrong: Wrong): void {
  const { bitstream, family, shell, device, package: housing, clock, pins, ties } = board;
  if (bitstream && family !== 'ice40' && family !== 'ecp5')
    wrong('/toolchain', `toolchain yosys-nextpnr goes with the families ice40 and ecp5, not with ${family}`);
  const primitive = clock?.pll?.primitive;
  if (primitive !== undefined && (primitive === 'EHXPLLL') !== (family === 'ecp5'))
    wrong('/clock/pll/primitive', `${primitive} is no PLL of ${family}`);
  if (bitstream) {
    for (const [key, value] of Object.entries({ device, package: housing, clock: clock?.pin, shell, pins }))
      if (value === undefined)
        wrong('/toolchain', `toolchain yosys-nextpnr needs ${key === 'clock' ? 'clock.pin' : key}`);
  }
  if (!pins || pins.text === '') return;
  for (const port of ['clk', 'rx', 'tx', ...ties.keys()])
    if (!pins.ports.has(port)) wrong('/pins', `${basename(pins.path)} has no port \`${port}\``);
  const pin = pins.ports.get('clk');
  if (pin !== undefined && clock?.pin !== undefined && pin !== clock.pin)
    wrong('/clock/pin', `the clock is at pin ${clock.pin} here and at pin ${pin} in ${basename(pins.path)}`);
}

/** Regions add up to the whole. */
function checkRegions({ regions, resources }: Board, wrong: Wrong): void {
  if (regions.length === 0) return;
  for (const key of ['lut', 'ff', 'bram', 'dsp', 'uram'] as const) {
    const sum = regions.reduce((total, region) => total + (region[key] ?? 0), 0);
    if (sum !== (resources[key] ?? 0))
      wrong(`/resources/${key}`, `the regions have ${sum} ${key} together, the device ${resources[key] ?? 0}`);
  }
}
