import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Rig } from './rig.ts';

const cli = join(fileURLToPath(new URL('../../', import.meta.url)), 'dist/start.cjs');

/** `finn watch` as it runs, and what it has printed since it was last asked. */
export class Watch {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #text = '';
  #heard: () => void = () => {};

  constructor(rig: Rig, args: readonly string[]) {
    const { NO_COLOR: _, FORCE_COLOR: __, FINN_CACHE: ___, FINN_JOBS: ____, ...env } = process.env;
    this.#child = spawn(process.execPath, [cli, 'watch', ...args], { cwd: rig.folder, env });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#text += text;
        this.#heard();
      });
    this.#ended = new Promise((resolve) => {
      this.#child.on('exit', resolve);
    });
  }

  /** All that was printed up to a line that matches, that line included. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const lines = this.#text.split('\n');
      const at = lines.slice(0, -1).findIndex((line) => pattern.test(line));
      if (at >= 0) {
        this.#text = lines.slice(at + 1).join('\n');
        return lines.slice(0, at + 1).join('\n');
      }
      const more = new Promise<boolean>((resolve) => {
        this.#heard = () => resolve(true);
      });
      const over = this.#ended.then(() => false);
      if (!(await Promise.race([more, over]))) throw new Error(`it ended without ${pattern}:\n${this.#text}`);
    }
  }

  async end(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.#child.kill(signal);
    return this.#ended;
  }
}
