import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The compiled command line. */
export const cli: string = join(root, 'dist/start.cjs');
const digits = ['digits.yaml', 'digits.onnx', 'test-images.npy', 'test-labels.npy'];

/** What a process left behind. */
export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** A temporary folder in which the compiled command line runs as a user runs it. */
export class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'finn-cli-'));

  readonly #program: string;

  /** `program`: the start.cjs of another finn than this one. */
  constructor(program = cli) {
    this.#program = program;
    if (!existsSync(cli)) throw new Error('these tests run dist/start.cjs: `npm run build` first');
  }

  /** Runs finn in the folder. */
  finn(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Ended {
    const { NO_COLOR: _, FORCE_COLOR: __, FINN_CACHE: ___, FINN_JOBS: ____, ...inherited } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, [this.#program, ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...inherited, ...environment },
    });
    return { status, out: stdout, err: stderr };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  bytes(name: string): Uint8Array {
    return new Uint8Array(readFileSync(this.path(name)));
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(this.path(name), content);
  }

  /** The recipe of the handwritten digits, with its model and vectors. */
  addDigits(folder = this.folder): void {
    for (const name of digits) copyFileSync(join(root, 'recipes/digits', name), join(folder, name));
  }

  /** Replaces a text of a file, which must be in it. */
  edit(name: string, from: string, to: string): void {
    const text = this.read(name);
    if (!text.includes(from)) throw new Error(`${name} has no '${from}'`);
    this.write(name, text.replace(from, to));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
