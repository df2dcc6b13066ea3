import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import type { Code } from '../diagnostics/codes.ts';
import { type Diagnostic, error, fail, type Location, warning } from '../diagnostics/diagnostic.ts';
import { parseRational, type Rational } from '../util/rational.ts';
import { type Board, boardFile, boardFiles, loadBoard } from './board.ts';
import { Confines } from './confines.ts';
import { dotted } from './pointer.ts';
import { beside } from './read.ts';
import type { Source } from './source.ts';
import { locate, quote } from './validate.ts';

const maxMistakes = 500;

/** What the parts of a recipe are resolved with: places, and one list of all that is wrong. */
export class Resolving {
  readonly diagnostics: Diagnostic[] = [];
  /** Every file that is named, whether it is there or not. */
  readonly named = new Set<string>();
  readonly #source: Source;
  readonly #root: string;
  readonly #confines: Confines;
  readonly #boards = new Map<string, Board>();

  constructor(source: Source, root: string) {
    this.#source = source;
    this.#root = root;
    this.#confines = new Confines(root);
  }

  /** The place of a pointer, or of the nearest thing around it. */
  at(pointer: string, part: 'key' | 'value' = 'value'): Location {
    return locate(this.#source, pointer, part) ?? { in: 'file', path: this.#root, start: 0, end: 0 };
  }

  wrong(code: Code, message: string, at: Location, hint?: string): void {
    // Whoever makes more mistakes reads no more of them.
    if (this.diagnostics.length < maxMistakes) this.diagnostics.push(error(code, message, { at, hint }));
  }

  warn(code: Code, message: string, at: Location, hint?: string): void {
    this.diagnostics.push(warning(code, message, { at, hint }));
  }

  /** The file in which a pointer's value is written. */
  fileOf(pointer: string): string {
    return this.#source.places.get(pointer)?.file ?? this.#root;
  }

  /** A path that a recipe names, made ready to be opened: it is relative to the file it is written in. */
  path(pointer: string, written: string): string {
    return beside(this.fileOf(pointer), written);
  }

  /**
   * A path whose file must be there, in the project. `data` (a model, vectors: what is of use only if it is of that form) may lie
   * anywhere on the machine if the path is absolute: then it is this machine's owner who wrote it.
   */
  existing(pointer: string, written: string, kind: 'text' | 'data' = 'text'): string {
    const path = this.path(pointer, written);
    this.named.add(path);
    const what = `\`${dotted(pointer)}\``;
    const refusal = kind === 'data' && isAbsolute(written) ? undefined : this.#confines.refusal(path);
    if (refusal) this.wrong('recipe/outside', `${what}: ${refusal.message}`, this.at(pointer), refusal.hint);
    else if (!existsSync(path))
      this.wrong('recipe/file-missing', `${what}: there is no file ${path}`, this.at(pointer));
    else if (!statSync(path).isFile())
      this.wrong('recipe/file-missing', `${what}: ${path} is not a file`, this.at(pointer));
    return path;
  }

  #confined(path: string, pointer: string): void {
    this.named.add(path);
    const refusal = this.#confines.refusal(path);
    if (!refusal) return;
    const { message, hint } = refusal;
    fail('recipe/outside', `\`${dotted(pointer)}\`: ${message}`, { at: this.at(pointer), hint });
  }

  /** A board by name or path; the same one for targets that share it. Throws FinnError. */
  board(name: string, pointer: string): Board {
    const from = this.fileOf(pointer);
    const key = `${dirname(from)}\n${name}`;
    const known = this.#boards.get(key);
    if (known) return known;
    // Its own file is looked at before it is read for its pins.
    this.#confined(boardFile(name, from), pointer);
    for (const path of boardFiles(name, from)) this.#confined(path, pointer);
    const board = loadBoard(name, from, this.at(pointer));
    this.#boards.set(key, board);
    return board;
  }

  /** An exact number; nothing, and a diagnostic, where it cannot be read. */
  number(pointer: string, written: number | string): Rational | undefined {
    const place = this.#source.places.get(pointer);
    // Hexadecimal and the like: YAML's business, and exact as a double.
    const value = parseRational(String(place?.raw ?? written)) ?? parseRational(String(written));
    if (value) return value;
    const hint = 'write 12, 0.456, 1e-3 or a fraction such as 1/255';
    this.wrong(
      'recipe/number',
      `\`${dotted(pointer)}\` is ${quote(written)}: this is no number`,
      this.at(pointer),
      hint,
    );
    return undefined;
  }

  positive(pointer: string, written: number | string): Rational | undefined {
    const value = this.number(pointer, written);
    if (!value || value.num > 0n) return value;
    const message = `\`${dotted(pointer)}\` is ${quote(written)}; it must be above 0`;
    this.wrong('recipe/number', message, this.at(pointer));
    return undefined;
  }
}

/** What the schema requires may be missing: the schema's diagnostics have said so. */
export type Loose<T> = T extends readonly (infer U)[]
  ? readonly (Loose<U> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Loose<T[K]> | undefined }
    : T;
